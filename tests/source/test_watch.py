"""A commit on this machine is noticed at once, and at the latest when the next poll comes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.source import watch as watch_module
from reconciler.source.refs import ref_store
from reconciler.source.watch import RepositoryWatch, Watch
from tests.source.repository import Repository, git
from tests.support.clock import FakeClock
from tests.support.nats import eventually

_SOON = 60  # seconds; and no look is taken anyway before

pytestmark = pytest.mark.usefixtures("no_look_anyway")


class RealClock(FakeClock):
    """Sleeps a hundredth of what it is asked to."""

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds() / 100)


class Woken:
    """Counts wakes."""

    def __init__(self) -> None:
        self.times = 0
        self._event = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self._event.set()

    async def settle(self, repository: Path) -> None:
        """Let what belongs to one change be over, and the folders be watched that it has made."""
        await asyncio.sleep(0.1)
        await kernel_watches(repository)
        self._event.clear()

    async def next(self) -> None:
        async with asyncio.timeout(_SOON):
            await self._event.wait()
        self._event.clear()


@asynccontextmanager
async def watching(repository: Path, watch: Watch | None = None) -> AsyncIterator[Woken]:
    """Watch *repository* from its first wake on, which comes when it is there."""
    woken = Woken()
    task = asyncio.ensure_future(RepositoryWatch(repository, RealClock(), watch).run(woken))
    try:
        if ref_store(repository) is not None:
            await woken.next()
            if watch is None:
                await kernel_watches(repository)
        yield woken
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


async def kernel_watches(repository: Path) -> None:
    """Wait until the kernel watches for us every folder of *repository* that has refs."""
    await eventually(lambda: folders_of(repository) <= watched())


def folders_of(repository: Path) -> set[int]:
    store = ref_store(repository)
    return {-1} if store is None else {Path(path).stat().st_ino for path, _ in store.folders()}


def watched() -> set[int]:
    """Return the inodes that the kernel watches for us."""
    lines = (
        line for file in Path("/proc/self/fdinfo").iterdir() for line in read(file).splitlines()
    )
    return {
        int(word.removeprefix("ino:"), 16)
        for line in lines
        if line.startswith("inotify ")
        for word in line.split()
        if word.startswith("ino:")
    }


def read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


@pytest.fixture
def no_look_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is noticed is noticed because the kernel has told it."""
    monkeypatch.setattr(watch_module, "_QUIET_MILLISECONDS", 3_600_000)


async def test_commits_are_noticed_when_they_are_made(repository: Repository) -> None:
    repository.commit({"a": "0"})
    async with watching(repository.path) as woken:
        for number in range(1, 8):
            repository.commit({"a": f"{number}"})
            await woken.next()


async def test_a_branch_in_a_folder_that_was_not_there_is_noticed_each_time(
    repository: Repository,
) -> None:
    repository.commit({"a": "0"})
    async with watching(repository.path) as woken:
        for number in range(3):
            repository.commit({"a": f"{number}"}, branch="team/new/topic")
            await woken.next()
            await woken.settle(repository.path)


async def test_a_packed_ref_is_noticed_when_it_moves_again(repository: Repository) -> None:
    repository.commit({"a": "0"})
    async with watching(repository.path) as woken:
        repository.git("pack-refs", "--all", "--prune")
        await woken.next()
        await woken.settle(repository.path)
        repository.commit({"a": "1"})
        await woken.next()


async def test_a_repository_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "later"
    async with watching(place) as woken:
        made = Repository.create(place)
        await woken.next()
        await kernel_watches(place)
        made.commit({"a": "0"})
        await woken.next()


async def test_what_is_no_ref_wakes_nobody(repository: Repository) -> None:
    repository.commit({"a": "0"})
    async with watching(repository.path) as woken:
        (repository.path / "refs/heads/x.lock").touch()
        (repository.path / "FETCH_HEAD").touch()
        await asyncio.sleep(0.1)
        assert woken.times == 1
        repository.commit({"a": "1"})
        await woken.next()


async def test_a_file_system_that_tells_nothing_is_looked_at_anyway(
    repository: Repository,
) -> None:
    repository.commit({"a": "0"})

    async def quiet(_: object) -> AsyncGenerator[object, None]:
        while True:
            await asyncio.sleep(0.01)
            yield None

    async with watching(repository.path, quiet) as woken:
        repository.commit({"a": "1"})
        await woken.next()


async def test_where_watching_fails_the_refs_are_polled_and_watching_is_tried_again(
    repository: Repository,
) -> None:
    repository.commit({"a": "0"})
    tries = 0

    async def failing(_: object) -> AsyncGenerator[object, None]:
        nonlocal tries
        tries += 1
        if tries:
            raise OSError(28, "No space left on device")
        yield None

    async with watching(repository.path, failing) as woken:
        for number in (1, 2):
            repository.commit({"a": f"{number}"})
            await woken.next()
        async with asyncio.timeout(60):
            while tries < 2:  # noqa: ASYNC110 - there is nothing to wait for but time
                await asyncio.sleep(0.01)


EXHAUSTED = """
import asyncio, os, resource, sys
from pathlib import Path
from reconciler.source.refs import ref_store
from reconciler.source.watch import RepositoryWatch
from tests.support.clock import FakeClock

class Clock(FakeClock):
    async def sleep(self, delay):
        print("polls", flush=True)
        os._exit(0)

async def main():
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, free + 1))
    await RepositoryWatch(Path(sys.argv[1]), Clock()).run(lambda: None)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_without_a_file_descriptor_left_it_polls(repository: Repository) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED, str(repository.path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": "."},
    )

    assert done.stdout.splitlines()[-1] == "polls", done.stderr
    assert "repository polled, not watched" in done.stdout


async def test_a_commit_to_a_linked_work_tree_is_noticed(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "0"})
    linked = tmp_path / "linked"
    repository.git("worktree", "add", "--quiet", "-b", "side", str(linked))
    async with watching(linked) as woken:
        git("commit", "--quiet", "--allow-empty", "-m", "x", folder=linked)
        await woken.next()
