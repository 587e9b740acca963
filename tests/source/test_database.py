"""What is read of a commit, how much of it, and what nobody can make us read instead."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import InvalidDesiredState, SourceRefused
from reconciler.source import database
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import Repository, children, descriptors

Make = Callable[[GitSettings], GitSource]
MIB = 1024 * 1024


async def test_content_is_there_up_to_a_limit_and_the_size_always(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """Scripts may be larger than other files; what is larger still is only named."""
    sizes = {
        "jobs/small.yaml": MIB,
        "jobs/large.yaml": MIB + 1,
        "scripts/small.sh": 4 * MIB,
        "scripts/large.sh": 4 * MIB + 1,
        "empty": 0,
    }
    repository.commit({path: bytes(size) for path, size in sizes.items()})

    files = (await make_source(settings).fetch()).files

    assert {path: blob.size_bytes for path, blob in files.items()} == sizes
    assert {path for path, blob in files.items() if blob.content is None} == {
        "jobs/large.yaml",
        "scripts/large.sh",
    }
    assert all(blob.content == bytes(sizes[path]) for path, blob in files.items() if blob.content)


async def test_a_script_that_moves_among_the_others_is_named_alone(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    source = make_source(settings)
    repository.commit({"scripts/s.sh": bytes(2 * MIB)})
    await source.fetch()
    repository.commit({"other/s.sh": bytes(2 * MIB)})

    moved = (await source.fetch()).files["other/s.sh"]
    repository.commit({"scripts/s.sh": bytes(2 * MIB)})
    back = (await source.fetch()).files["scripts/s.sh"]

    assert moved.content is None
    assert back.content == bytes(2 * MIB)


async def test_small_files_may_not_fill_the_memory_together(
    repository: Repository,
    settings: GitSettings,
    make_source: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "MAX_ALL_CONTENT_BYTES", 10)
    repository.commit({"a": "123456", "b": "12345"})

    with pytest.raises(InvalidDesiredState) as caught:
        await make_source(settings).fetch()

    assert str(caught.value) == (
        "b: with this file, small ones are more than 10 bytes; keep fewer here"
    )


async def test_too_many_entries_are_refused(
    repository: Repository,
    settings: GitSettings,
    make_source: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "MAX_ENTRIES", 3)
    repository.commit({"a/b": "1", "a/c": "2", "d": "3"})

    with pytest.raises(SourceRefused) as caught:
        await make_source(settings).fetch()

    assert "its top has more than 3 entries, or folders deeper than 32" in str(caught.value)
    assert len((await make_source(replace(settings, folder="a")).fetch()).files) == 2


async def test_folders_may_not_be_without_a_floor(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"d/" * 40 + "a": "1"})

    with pytest.raises(SourceRefused, match="folders deeper than 32"):
        await make_source(settings).fetch()


async def test_all_objects_are_read_in_one_thread_and_the_loop_goes_on(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({f"jobs/{number}.yaml": f"id: {number}" for number in range(500)})
    source = make_source(settings)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.ensure_future(turn())
    snapshot = await source.fetch()
    turning.cancel()

    assert len(snapshot.files) == 500
    assert turns > 100


async def test_the_repository_of_a_hook_is_not_taken_for_ours(
    repository: Repository,
    settings: GitSettings,
    make_source: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Started from a git hook, the environment names another repository."""
    revision = repository.commit({"a.yaml": "ours"})
    other = Repository.create(tmp_path / "other.git")
    other.commit({"a.yaml": "other"})
    monkeypatch.setenv("GIT_DIR", str(other.path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / "objects"))
    monkeypatch.setenv("GIT_WORK_TREE", "/nonexistent")
    monkeypatch.setenv("GIT_NAMESPACE", "x")

    snapshot = await make_source(settings).fetch()

    assert snapshot.commit.revision == revision
    assert snapshot.files["a.yaml"].content == b"ours"


async def test_names_are_utf_8_whatever_the_locale(
    repository: Repository,
    settings: GitSettings,
    make_source: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LC_ALL", "C")
    repository.commit({"jobs/größe.yaml": "größe"}, message="Größe ändern")

    snapshot = await make_source(settings).fetch()

    assert snapshot.files["jobs/größe.yaml"].content == "größe".encode()
    assert snapshot.commit.subject == "Größe ändern"


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("", ""),
        ("\n\nlate", "late"),
        ("a" * 300, "a" * 200),
        ("\x1b[31mred\x07 and\ttab", "[31mred  and tab"),
        ("<b>bold</b>", "<b>bold</b>"),
    ],
)
async def test_a_subject_is_one_line_that_does_nothing_to_a_terminal(
    repository: Repository,
    settings: GitSettings,
    make_source: Make,
    message: str,
    subject: str,
) -> None:
    repository.commit({"a.yaml": "1"}, message=message)

    assert (await make_source(settings).fetch()).commit.subject == subject


async def test_no_child_is_left_once_a_commit_is_read(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    source = make_source(settings)
    before = descriptors()
    for number in range(5):
        repository.commit({"a.yaml": f"{number}"})
        await source.fetch()

    assert children() == []
    assert descriptors() <= before + 2
