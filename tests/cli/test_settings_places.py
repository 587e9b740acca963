"""The lines of a TOML file's keys, which its reader does not tell."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.settings.toml_places import toml_places

TEXT = '''# settings
top = 1
"quoted key" = """
not = "a key"
[nor.a.table]
"""
[a.b]  # a comment with [brackets]
c = { d = 1, "e" = [ { f = 2 } ] } # g = 3
h.i = 'x = 1 # [y]'
[[list]]
k = [
  1, # one
  [ "]", \'\'\'
]\'\'\' ],
]
[[list]]
k = 2
'''


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("top",), (2, 1)),
        (("quoted key",), (3, 1)),
        (("a",), (7, 2)),
        (("a", "b"), (7, 4)),
        (("a", "b", "c"), (8, 1)),
        (("a", "b", "c", "d"), (8, 7)),
        (("a", "b", "c", "e"), (8, 14)),
        (("a", "b", "c", "e", 0, "f"), (8, 24)),
        (("a", "b", "h", "i"), (9, 3)),
        (("list",), (10, 3)),
        (("list", 0, "k"), (11, 1)),
        (("list", 0, "k", 0), (12, 3)),
        (("list", 0, "k", 1), (13, 3)),
        (("list", 0, "k", 1, 1), (13, 10)),
        (("list", 1, "k"), (17, 1)),
    ],
)
def test_every_key_and_item_has_a_place(
    path: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    tomllib.loads(TEXT)

    assert toml_places(TEXT)[path] == place


def test_nothing_inside_of_a_text_is_a_key() -> None:
    paths = toml_places(TEXT)

    assert ("not",) not in paths
    assert ("nor",) not in paths
    assert ("a", "b", "g") not in paths


@given(st.text("ab=[]{}.\"'#,\n \\1", max_size=40))
def test_whatever_is_toml_has_a_place_for_every_key(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {(name,) for name in table} <= toml_places(text).keys()
