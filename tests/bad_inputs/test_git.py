"""What a repository may hold that no desired state may hold: one line each, all of them at once."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.errors import InvalidDesiredState, SourceRefused
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import ENVIRONMENT, File, Repository

Fetch = Callable[[], str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository.git")


@pytest.fixture
def source(repository: Repository, tmp_path: Path) -> Iterator[GitSource]:
    source = GitSource(
        GitSettings(
            repository=str(repository.path),
            ref="main",
            state_folder=tmp_path / "state",
            environment=ENVIRONMENT,
        )
    )
    yield source
    source.close()


async def faults(source: GitSource) -> list[str]:
    with pytest.raises(InvalidDesiredState) as caught:
        await source.fetch()
    return [str(fault) for fault in caught.value.faults]


async def test_links_and_submodules(repository: Repository, source: GitSource) -> None:
    repository.commit(
        {
            "releases/x.yaml": File(b"/etc/passwd", "120000"),
            "vendor/x": File(b"", "120000"),
            "jobs/a.yaml": "id: a",
        }
    )

    assert await faults(source) == [
        "releases/x.yaml: symbolic links are not allowed (mode 120000)",
        "vendor/x: symbolic links are not allowed (mode 120000)",
    ]


async def test_a_submodule_with_an_evil_address_is_neither_asked_nor_run(
    repository: Repository, source: GitSource, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    modules = f'[submodule "x"]\n path = x\n url = ext::sh -c "touch {marker}"\n'
    repository.commit_tree(
        repository.tree(
            ("100644", b".gitmodules", repository.blob(modules.encode())),
            ("160000", b"x", "1" * 40),
        )
    )

    with pytest.raises((InvalidDesiredState, SourceRefused)):
        await source.fetch()

    assert not marker.exists()


async def test_a_submodule(repository: Repository, source: GitSource) -> None:
    repository.commit_tree(repository.tree(("160000", b"vendor", "1" * 40)))

    assert await faults(source) == ["vendor: submodules are not allowed (mode 160000)"]


async def test_a_file_that_is_a_link_at_first_and_then_a_file_is_well_again(
    repository: Repository, source: GitSource
) -> None:
    repository.commit({"releases/x.yaml": File(b"/etc/passwd", "120000")})
    await faults(source)
    repository.commit({"releases/x.yaml": "name: x"})

    assert (await source.fetch()).files["releases/x.yaml"].content == b"name: x"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"a\nb.yaml", r'"a\nb.yaml": control character U+000A at 2 of its name is not allowed'),
        (b"\x1b[2J", r'"\u001b[2J": control character U+001B at 1 of its name is not allowed'),
        (b"a\x7f", r'"a\u007f": control character U+007F at 2 of its name is not allowed'),
        ("a\u202eb".encode(), r'"a\u202eb": character U+202E at 2 of its name is not allowed'),
        ("a\u200bb".encode(), r'"a\u200bb": character U+200B at 2 of its name is not allowed'),
        (b"a\xe9", r'"a\udce9": byte 0xE9, which is not UTF-8, at 2 of its name is not allowed'),
        (b"-rf", "-rf: a name may not begin with '-'"),
        (b"--upload-pack=touch x", "--upload-pack=touch x: a name may not begin with '-'"),
        (b"a\\b.exe", "a\\b.exe: backslash at 2 of its name is not allowed"),
        (b"C:x", "C:x: colon at 2 of its name is not allowed"),
        (b"CON", "CON: the name is a device on Windows"),
        (b"aux.yaml", "aux.yaml: the name is a device on Windows"),
        (b"nul.tar.gz", "nul.tar.gz: the name is a device on Windows"),
        (b"a.", "a.: a name may not end with a dot or a space"),
        (b"a ", "a : a name may not end with a dot or a space"),
        ("e\u0301".encode(), "e\u0301: the name is not in composed form"),
    ],
)
async def test_odd_names(
    repository: Repository, source: GitSource, name: bytes, expected: str
) -> None:
    repository.commit_tree(repository.tree(("100644", name, repository.blob(b"x"))))

    assert await faults(source) == [f"{expected}; rename it"]


async def test_an_odd_folder_is_named_as_well(repository: Repository, source: GitSource) -> None:
    inner = repository.tree(("100644", b"a.yaml", repository.blob(b"x")))
    repository.commit_tree(repository.tree(("040000", b"a\tb", inner)))

    assert await faults(source) == [
        r'"a\tb": control character U+0009 at 2 of its name is not allowed; rename it'
    ]


async def test_names_that_differ_in_case_alone(repository: Repository, source: GitSource) -> None:
    repository.commit({"jobs/a.yaml": "1", "jobs/A.yaml": "2", "Jobs/b.yaml": "3"})

    assert await faults(source) == [
        "jobs: differs from Jobs only in upper and lower case; rename it",
        "jobs/a.yaml: differs from jobs/A.yaml only in upper and lower case; rename it",
    ]


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b".git ", b"git~1"])
async def test_names_that_lead_elsewhere_do_not_come_in_at_all(
    repository: Repository, source: GitSource, name: bytes
) -> None:
    inner = repository.tree(("100644", b"a.yaml", repository.blob(b"x")))
    repository.commit_tree(repository.tree(("040000", name, inner)))

    with pytest.raises(SourceRefused) as caught:
        await source.fetch()

    assert "has an object that git's own checks refuse" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_huge_file_is_named_by_its_size_and_not_read(
    repository: Repository, source: GitSource
) -> None:
    """The desired stage refuses it by its size; the memory never sees its bytes."""
    repository.commit({"releases/x.yaml": bytes(20_000_000)})
    before = resident()

    blob = (await source.fetch()).files["releases/x.yaml"]

    assert (blob.size_bytes, blob.content) == (20_000_000, None)
    assert resident() - before < 8_000_000


async def test_a_commit_without_files_is_no_error_of_the_source(
    repository: Repository, source: GitSource
) -> None:
    """That nothing is desired is for the next stage to refuse, which knows what it means."""
    repository.commit({"a.yaml": "1"})
    repository.commit({})

    assert (await source.fetch()).files == {}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
