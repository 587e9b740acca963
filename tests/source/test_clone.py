"""A clone that is damaged in any way is made again, beside itself, and nothing is lost."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import InvalidDesiredState, SourceRefused, SourceUnavailable
from reconciler.source import clone as clone_module
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import File, Repository, inode, loosen, names_in

Make = Callable[[GitSettings], GitSource]
Damage = Callable[[Path], None]


def remove(clone: Path) -> None:
    shutil.rmtree(clone)


def empty_head(clone: Path) -> None:
    (clone / "HEAD").write_text("")


def no_objects(clone: Path) -> None:
    shutil.rmtree(clone / "objects")


def empty_objects(clone: Path) -> None:
    for file in object_files(clone):
        file.chmod(0o600)
        file.write_bytes(b"")


def flip_bytes(clone: Path) -> None:
    for file in object_files(clone):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.chmod(0o600)
        file.write_bytes(content)


def cut_short(clone: Path) -> None:
    for file in object_files(clone):
        file.chmod(0o600)
        file.write_bytes(file.read_bytes()[:-3])


def swap_blobs(clone: Path) -> None:
    """Put another sound object in place of each: git itself may not notice."""
    loosen(clone)
    files = object_files(clone)
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, contents[1:] + contents[:1], strict=True):
        file.chmod(0o600)
        file.write_bytes(content)


def garbage_ref(clone: Path) -> None:
    (clone / "refs/reconciler/tip").write_bytes(b"\x00garbage\n")


def ref_to_nothing(clone: Path) -> None:
    (clone / "refs/reconciler/tip").write_text("1" * 40 + "\n")


def stale_lock(clone: Path) -> None:
    (clone / "refs/reconciler/tip.lock").touch()


def bad_config(clone: Path) -> None:
    (clone / "config").write_text("[core\n")


def only_a_file(clone: Path) -> None:
    shutil.rmtree(clone)
    clone.write_text("not a folder")


def only_a_link(clone: Path) -> None:
    shutil.rmtree(clone)
    clone.symlink_to("/nowhere")


def object_files(clone: Path) -> list[Path]:
    return sorted(file for file in clone.glob("objects/*/*") if file.suffix != ".idx")


DAMAGES = [
    remove,
    empty_head,
    no_objects,
    empty_objects,
    flip_bytes,
    cut_short,
    swap_blobs,
    garbage_ref,
    ref_to_nothing,
    stale_lock,
    bad_config,
    only_a_file,
    only_a_link,
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_after_a_restart_a_damaged_clone_is_made_again(
    repository: Repository, settings: GitSettings, make_source: Make, damage: Damage
) -> None:
    repository.commit({"jobs/a.yaml": "1", "scripts/b.sh": "2"})
    good = await make_source(settings).fetch()
    damage(settings.state_folder / "repository.git")

    assert good == await make_source(settings).fetch()


@pytest.mark.parametrize("damage", DAMAGES)
async def test_while_it_is_followed_a_damaged_clone_is_made_again(
    repository: Repository, settings: GitSettings, make_source: Make, damage: Damage
) -> None:
    repository.commit({"jobs/a.yaml": "1", "scripts/b.sh": "2"})
    source = make_source(settings)
    await source.applied((await source.fetch()).commit.revision)
    damage(settings.state_folder / "repository.git")
    revision = repository.commit({"jobs/a.yaml": "3", "scripts/b.sh": "2"})

    assert (await source.fetch()).commit.revision == revision
    assert (await make_source(settings).fetch()).commit.revision == revision
    assert names_in(settings.state_folder) == ["applied", "lock", "repository.git"]


async def test_a_clone_is_made_again_once_also_for_a_commit_with_faults(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    await source.fetch()
    clone = settings.state_folder / "repository.git"
    empty_objects(clone)
    repository.commit({"link": File(b"x", "120000")})
    inodes = set()

    for _ in range(3):
        with pytest.raises(InvalidDesiredState):
            await source.fetch()
        inodes.add(inode(clone))

    assert len(inodes) == 1


async def test_a_clone_that_cannot_be_made_leaves_the_old_one_and_nothing_else(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    await source.fetch()
    stale_lock(settings.state_folder / "repository.git")
    repository.commit({"a.yaml": "2"})
    empty_objects(repository.path)

    with pytest.raises(SourceUnavailable):
        await source.fetch()

    assert names_in(settings.state_folder) == ["lock", "repository.git"]


async def test_what_a_killed_clone_left_is_swept_away(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """A kill leaves a folder that looks like a repository; it is never taken for one."""
    repository.commit({"a.yaml": "1"})
    left = settings.state_folder / "unfinished-x"
    shutil.copytree(repository.path, left)
    settings.state_folder.chmod(0o700)

    await make_source(settings).fetch()

    assert not left.exists()


async def test_a_clone_that_is_killed_at_any_moment_is_made_again(
    repository: Repository, settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    """A git that ends itself in the middle of the fetch, as a kill would."""
    repository.commit({"a.yaml": "1"})
    folder = tmp_path / "bin"
    folder.mkdir()
    real = shutil.which("git")
    (folder / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *fetch*) {real} "$@"; rm -f {folder}/git; kill -9 $$;; '
        f'*) exec {real} "$@";; esac\n'
    )
    (folder / "git").chmod(0o755)
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}

    with pytest.raises(SourceUnavailable, match=rf"git fetch failed \(-{signal.SIGKILL:d}\)"):
        await make_source(replace(settings, environment=path)).fetch()

    assert len((await make_source(settings).fetch()).files) == 1


async def test_a_cancelled_fetch_can_be_made_again(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    for delay in (0.001, 0.01, 0.02, 0.03, 0.04):
        fetching = asyncio.ensure_future(source.fetch())
        await asyncio.wait([fetching], timeout=delay)
        fetching.cancel()
        await asyncio.wait([fetching])

    assert len((await source.fetch()).files) == 1


async def test_a_file_that_is_too_large_for_the_disk_is_not_fetched(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.bin": os.urandom(300_000)})

    with pytest.raises(SourceRefused, match="larger than the clone may become"):
        await make_source(replace(settings, max_file_bytes=100_000)).fetch()

    assert names_in(settings.state_folder) == ["lock"]


async def test_many_small_fetches_are_packed_together(
    repository: Repository,
    settings: GitSettings,
    make_source: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clone_module, "_LOOSE_BEFORE_TIDYING", -1)
    source = make_source(settings)
    applied = []
    for number in range(3):
        repository.commit({"a.yaml": f"{number}"})
        applied.append(await source.fetch())
        await source.applied(applied[-1].commit.revision)

    clone = settings.state_folder / "repository.git"
    assert len(list(clone.glob("objects/pack/*.pack"))) == 1
    assert not list(clone.glob("objects/??/*"))
    assert applied[-1] == await make_source(settings).last_applied()


async def test_no_tree_of_work_and_no_hook_is_ever_there(
    repository: Repository, settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    hook = repository.path / "hooks" / "post-update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    repository.commit({"a.yaml": "1", ".gitattributes": "* filter=evil\n"})

    await make_source(settings).fetch()

    names = {file.name for file in settings.state_folder.rglob("*")}
    assert not {"a.yaml", "index", "post-update", "hooks"} & names
    assert not (tmp_path / "ran").exists()
