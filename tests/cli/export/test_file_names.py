"""Names of files that every system takes."""

import pytest

from reconciler.cli.export.file_names import file_names


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("install-kanade-backend", "install-kanade-backend"),
        ("of/a/path", "of_a_path"),
        ("../../etc/passwd", "_.._.._etc_passwd"),
        (".hidden", "_.hidden"),
        ("-rf", "_-rf"),
        ("", "_"),
        ("..", "_"),
        ("ends.", "ends"),
        ("CON", "_CON"),
        ("com1.backup", "_com1.backup"),
        ("console", "console"),
        ("naïve=1", "na_ve_1"),
    ],
)
def test_a_name_becomes_that_of_a_file(name: str, plain: str) -> None:
    assert file_names([name]) == {name: plain}


def test_no_two_are_one_where_upper_and_lower_case_are_the_same() -> None:
    names = file_names(["Tidy", "tidy", "tidy-2", "a/b", "a_b"])

    assert len({name.lower() for name in names.values()}) == 5


def test_a_name_is_never_too_long_for_a_file() -> None:
    names = file_names(["x" * 300 + "1", "x" * 300 + "2"])

    assert max(map(len, names.values())) < 200
    assert len(set(names.values())) == 2
