"""The bare clone: history kept, never a work tree, made again beside itself when it is damaged."""

import os
import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from reconciler.errors import HistoryRewritten, SourceUnavailable
from reconciler.model.identity import Revision
from reconciler.source.command import Git, GitFailed
from reconciler.source.diagnosis import explained, recognised
from reconciler.source.folder import StateFolder
from reconciler.source.location import Location
from reconciler.source.refusals import CloneDamaged
from reconciler.source.transfer import Transfer

APPLIED = "refs/reconciler/applied"
_UNFINISHED = "unfinished-"
_REPLACED = "replaced-"
_LOCAL_DEADLINE = timedelta(seconds=60)
_TIDY_DEADLINE = timedelta(minutes=10)
_PACKS_BEFORE_TIDYING = 50
_LOOSE_BEFORE_TIDYING = 24  # of one in 256: some 6,000 in all
_NOT_AN_ANCESTOR = 1


class Clone:
    """Our copy of the repository, in the state folder; callers hold the folder's lock."""

    def __init__(
        self, folder: StateFolder, location: Location, git: Git, transfer: Transfer
    ) -> None:
        self._folder = folder
        self._location = location
        self._git = git
        self._transfer = transfer

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._folder.clone

    async def fetch(self, ref: str) -> None:
        """Bring *ref* and all its history, and let `TIP` be where it is.

        Raises:
            CloneDamaged: git could not use what is here.
            SourceUnavailable: the repository did not answer, or not in time.
            SourceRefused: the repository or its ref is not to be used.
        """
        if not self.path.is_dir():
            raise CloneDamaged(f"{self.path}: not there")
        try:
            await self._transfer.bring(self.path, ref)
        except GitFailed as failure:
            # The repository has just answered: what is not known as its fault is the clone's.
            raise recognised(failure, self._location) or CloneDamaged(str(failure)) from failure
        await self._tidy()

    async def renew(self, ref: str) -> None:
        """Clone into a fresh folder, and put that in the old one's place; raises like `fetch`."""
        self.sweep()
        try:
            fresh = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._folder.path))
            await self._init(fresh)
            await self._transfer.bring(fresh, ref)
            self._put_in_place(fresh)
        except GitFailed as failure:
            raise explained(failure, self._location) from failure
        except OSError as error:
            folder = self._folder.path
            raise SourceUnavailable(f"{folder}: no clone can be made: {error.strerror}") from error
        finally:
            self.sweep()

    def sweep(self) -> None:
        """Remove what a clone that was broken off, or replaced, has left."""
        for prefix in (_UNFINISHED, _REPLACED):
            for left in self._folder.path.glob(f"{prefix}*"):
                _remove(left)

    async def check_descends(self, revision: Revision, applied: Revision) -> None:
        """See that *revision* comes after *applied*.

        Raises:
            HistoryRewritten: it does not, or *applied* is in no history any more.
            CloneDamaged: git could not find out.
        """
        arguments = ("merge-base", "--is-ancestor", "--end-of-options", applied, revision)
        try:
            await self._git.local(*arguments, deadline=_LOCAL_DEADLINE, clone=self.path)
        except GitFailed as failure:
            unknown = "Not a valid" in failure.message or "bad object" in failure.message
            if failure.code == _NOT_AN_ANCESTOR or (unknown and applied in failure.message):
                raise HistoryRewritten(applied=applied, found=revision) from failure
            raise CloneDamaged(str(failure)) from failure
        except TimeoutError as error:
            raise CloneDamaged(f"{self.path}: no answer from its history") from error

    async def keep(self, revision: Revision) -> None:
        """Let no tidying remove *revision*; best effort, since the clone can be made again."""
        arguments = ("update-ref", "--end-of-options", APPLIED, revision)
        try:
            await self._git.local(*arguments, deadline=_LOCAL_DEADLINE, clone=self.path)
        except (GitFailed, TimeoutError):
            return

    def _put_in_place(self, fresh: Path) -> None:
        if os.path.lexists(self.path):
            self.path.rename(fresh.with_name(fresh.name.replace(_UNFINISHED, _REPLACED)))
        fresh.rename(self.path)

    async def _init(self, fresh: Path) -> None:
        options = ("--bare", "--quiet", "--template=", "--object-format=sha1", "--initial-branch=x")
        try:
            await self._git.local(
                "init", *options, str(fresh), deadline=_LOCAL_DEADLINE, clone=None
            )
        except (GitFailed, TimeoutError) as error:
            raise SourceUnavailable(
                f"{fresh.parent}: no clone can be made here: {error}"
            ) from error

    async def _tidy(self) -> None:
        """Pack what many small fetches have left; without it every read becomes slower."""
        packs = sum(1 for _ in self.path.glob("objects/pack/*.pack"))
        loose = sum(1 for _ in self.path.glob("objects/17/*"))
        if packs <= _PACKS_BEFORE_TIDYING and loose <= _LOOSE_BEFORE_TIDYING:
            return
        arguments = ("gc", "--quiet", "--prune=now")
        try:
            await self._git.local(*arguments, deadline=_TIDY_DEADLINE, clone=self.path)
        except (GitFailed, TimeoutError) as error:
            raise CloneDamaged(f"{self.path}: cannot be tidied: {error}") from error


def _remove(left: Path) -> None:
    if left.is_dir() and not left.is_symlink():
        shutil.rmtree(left, ignore_errors=True)
        return
    with suppress(OSError):
        left.unlink()
