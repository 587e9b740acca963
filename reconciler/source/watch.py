"""A commit to a repository on this machine is noticed within milliseconds."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import structlog
import watchfiles

from reconciler.ports import Clock, Wake
from reconciler.source.refs import Mark, RefStore, ref_store

_STEP_MILLISECONDS = 10  # a change is reported when the step after it has brought no other
_GATHER_MILLISECONDS = 40
_QUIET_MILLISECONDS = 5_000  # then it is polled anyway: some file systems report nothing
_POLL_EVERY = timedelta(seconds=1)
_POLLS_BEFORE_WATCHING_AGAIN = 60

Watch = Callable[[frozenset[tuple[str, int]]], AsyncGenerator[object, None]]
"""Yields when something may have changed directly in the folders, and now and then anyway."""

_log = structlog.get_logger(__name__)


class RepositoryWatch:
    """Wakes when a ref of a local repository moves; polls where the kernel does not report that."""

    def __init__(self, repository: Path, clock: Clock, watch: Watch | None = None) -> None:
        self._repository = repository
        self._clock = clock
        self._watch = watch or _changes
        self._seen: frozenset[Mark] | None = None

    async def run(self, wake: Wake) -> None:
        """Wake at once, and at every change; a repository that is not there is waited for."""
        while True:
            store = ref_store(self._repository)
            if store is None:
                await self._clock.sleep(_POLL_EVERY)
                continue
            try:
                await self._watched(store, wake)
            except (OSError, RuntimeError) as error:  # no inotify left, and the like
                where = str(self._repository)
                _log.warning("repository polled, not watched", repository=where, error=str(error))
                await self._polled(store, wake)

    async def _watched(self, store: RefStore, wake: Wake) -> None:
        """Wake at changes until there are other folders to be watched."""
        folders = store.folders()
        self._look(store, wake)
        async with aclosing(self._watch(folders)) as changes:
            async for _ in changes:
                self._look(store, wake)
                if store.folders() != folders:
                    return

    async def _polled(self, store: RefStore, wake: Wake) -> None:
        for _ in range(_POLLS_BEFORE_WATCHING_AGAIN):
            await self._clock.sleep(_POLL_EVERY)
            self._look(store, wake)

    def _look(self, store: RefStore, wake: Wake) -> None:
        marks = store.marks()
        if marks != self._seen:
            self._seen = marks
            wake()


def _changes(folders: frozenset[tuple[str, int]]) -> AsyncGenerator[object, None]:
    return watchfiles.awatch(
        *(path for path, _ in folders),
        watch_filter=None,
        debounce=_GATHER_MILLISECONDS,
        step=_STEP_MILLISECONDS,
        rust_timeout=_QUIET_MILLISECONDS,
        yield_on_timeout=True,
        recursive=False,
    )
