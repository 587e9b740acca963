"""The source as a whole, against real repositories on this machine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import HistoryRewritten, SourceRefused, SourceUnavailable, UsageError
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Commit
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import File, Repository, inode

Make = Callable[[GitSettings], GitSource]


async def test_a_snapshot_has_the_commit_and_its_files(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    revision = repository.commit(
        {"jobs/a.yaml": "id: a\n", "scripts/s.sh": File(b"#!/bin/sh\n", "100755")},
        message="Deploy 1.2.3\n\nbecause of reasons",
    )

    snapshot = await make_source(settings).fetch()

    assert snapshot.commit == Commit(
        revision=Revision(revision),
        subject="Deploy 1.2.3",
        author="Ada <ada@example.com>",
        committed_at=datetime.fromtimestamp(1_700_000_000, UTC),
    )
    assert snapshot.commit.committed_at.tzinfo is UTC
    assert {"jobs/a.yaml", "scripts/s.sh"} == set(snapshot.files)
    assert snapshot.files["jobs/a.yaml"].content == b"id: a\n"
    assert not snapshot.files["jobs/a.yaml"].executable
    assert snapshot.files["scripts/s.sh"].executable
    assert (str(repository.path), "") == (snapshot.origin, snapshot.folder)


async def test_a_branch_that_has_not_moved_gives_the_same_snapshot(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)

    first = await source.fetch()

    assert first is await source.fetch()


async def test_a_new_commit_gives_a_new_snapshot_and_keeps_what_is_the_same(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """A blob that both commits have is not read again: it is the very same bytes."""
    repository.commit({"a.yaml": "a", "b.yaml": "1"})
    source = make_source(settings)
    first = await source.fetch()
    revision = repository.commit({"a.yaml": "a", "b.yaml": "2"})

    second = await source.fetch()

    assert revision == second.commit.revision
    assert second.files["b.yaml"].content == b"2"
    assert first.files["a.yaml"].content is second.files["a.yaml"].content


async def test_paths_are_relative_to_the_folder(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """What is beside the folder is nobody's business, not even a symbolic link there."""
    link = File(b"/etc/passwd", "120000")
    repository.commit({"fleet/desired/jobs/a.yaml": "a", "other/b.yaml": "b", "link": link})
    source = make_source(replace(settings, folder="fleet/desired/"))

    snapshot = await source.fetch()

    assert {"jobs/a.yaml"} == set(snapshot.files)
    assert snapshot.folder == "fleet/desired"


async def test_a_folder_that_is_not_there_is_not_an_empty_one(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    commit = f"commit {repository.commit({'desired': 'a file', 'fleet/tokyo/a': '1'})[:12]}"
    told: dict[str, str] = {}

    for folder in ("desired", "fleet/tokio", "other"):
        state = settings.state_folder / folder
        with pytest.raises(SourceRefused) as caught:
            await make_source(replace(settings, folder=folder, state_folder=state)).fetch()
        told[folder] = str(caught.value)

    assert told == {
        "desired": f"{commit}: 'desired' is no folder: 'desired' is a file; give the folder that "
        "holds releases/ and jobs/",
        "fleet/tokio": f"{commit}: there is no folder 'fleet/tokio' in it; did you mean tokyo?",
        "other": f"{commit}: there is no folder 'other' in it; it has fleet",
    }


@pytest.mark.parametrize("folder", ["/etc", "../x", "a/../../b", "a\\b", "a\nb"])
def test_a_folder_outside_of_the_repository_is_no_folder(
    settings: GitSettings, folder: str
) -> None:
    with pytest.raises(UsageError, match="name a folder of the repository"):
        GitSource(replace(settings, folder=folder))


async def test_a_tag_is_followed_to_its_commit(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    revision = repository.commit({"a.yaml": "1"})
    repository.git("tag", "-a", "-m", "one", "v1", revision)
    repository.git("tag", "-a", "-m", "a tag of a tag", "v2", "v1")
    repository.commit({"a.yaml": "2"})

    source = make_source(replace(settings, ref="refs/tags/v2"))
    snapshot = await source.fetch()

    assert revision == snapshot.commit.revision
    assert await source.fetch() is snapshot


async def test_without_a_ref_the_branch_of_head_is_followed(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"}, branch="trunk")
    repository.git("symbolic-ref", "HEAD", "refs/heads/trunk")

    snapshot = await make_source(replace(settings, ref="")).fetch()

    assert repository.tip("refs/heads/trunk") == snapshot.commit.revision


async def test_a_restart_asks_the_clone_and_not_the_repository_for_objects(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    first = await make_source(settings).fetch()
    for pack in repository.path.glob("objects/*/*"):
        pack.unlink()

    assert first == await make_source(settings).fetch()


async def test_history_that_goes_on_is_followed_over_a_merge(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    source = make_source(settings)
    first = repository.commit({"a.yaml": "1"})
    await source.applied((await source.fetch()).commit.revision)
    side = repository.commit({"b.yaml": "2"}, branch="side")
    tree = repository.git("rev-parse", f"{side}^{{tree}}")
    merged = repository.git("commit-tree", tree, "-p", side, "-p", first, "-m", "merge")
    repository.git("update-ref", "refs/heads/main", merged)

    assert merged == (await source.fetch()).commit.revision


async def test_rewritten_history_is_not_followed(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    first = repository.commit({"a.yaml": "1"})
    second = repository.commit({"a.yaml": "2"})
    source = make_source(settings)
    await source.applied((await source.fetch()).commit.revision)
    repository.git("update-ref", "refs/heads/main", first)
    clone = settings.state_folder / "repository.git"
    before = inode(clone)

    with pytest.raises(HistoryRewritten) as caught:
        await source.fetch()

    assert (second, first) == (caught.value.applied, caught.value.found)
    assert inode(clone) == before


async def test_rewritten_history_is_found_after_a_restart_without_the_clone(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """The applied revision outlives the clone, so that losing that proves nothing."""
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    await source.applied((await source.fetch()).commit.revision)
    repository.git("update-ref", "-d", "refs/heads/main")
    repository.commit({"a.yaml": "other"})
    (settings.state_folder / "repository.git" / "HEAD").write_text("")

    with pytest.raises(HistoryRewritten):
        await make_source(settings).fetch()


async def test_rewritten_history_is_followed_when_the_operator_says_so(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    first = repository.commit({"a.yaml": "1"})
    repository.commit({"a.yaml": "2"})
    source = make_source(settings)
    await source.applied((await source.fetch()).commit.revision)
    repository.git("update-ref", "refs/heads/main", first)

    followed = await make_source(replace(settings, accept_rewrite=True)).fetch()

    assert first == followed.commit.revision


async def test_the_last_applied_revision_needs_no_repository(
    repository: Repository, settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    good = await source.fetch()
    await source.applied(good.commit.revision)
    repository.commit({"a.yaml": "2"})
    await source.fetch()
    repository.path.rename(tmp_path / "gone")

    restarted = make_source(settings)

    assert good == await restarted.last_applied()
    with pytest.raises(SourceRefused, match="no repository there"):
        await restarted.fetch()


async def test_before_anything_was_applied_there_is_no_last_one(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    await source.fetch()

    assert await source.last_applied() is None


async def test_what_a_damaged_clone_cannot_show_is_not_shown(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    await source.applied((await source.fetch()).commit.revision)
    clone = settings.state_folder / "repository.git"

    (clone / "HEAD").unlink()
    assert await source.last_applied() is None
    clone.rename(clone.with_name("aside"))
    assert await source.last_applied() is None


async def test_two_sources_of_one_folder_take_turns(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    first, second = make_source(settings), make_source(settings)

    async with first._state.locked(settings.fetch_deadline):
        with pytest.raises(SourceUnavailable, match="another process is using it"):
            async with second._state.locked(settings.poll_deadline / 1000):
                pass

    assert await first.fetch() == await second.fetch()
