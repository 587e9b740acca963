"""The repository: newest revision in, snapshot out, from a bare clone of our own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path, PurePosixPath

from reconciler.errors import SourceUnavailable, UsageError
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Snapshot
from reconciler.ports import Content
from reconciler.source.blob import BlobContent
from reconciler.source.clone import APPLIED, Clone
from reconciler.source.command import Git
from reconciler.source.credential import presentable
from reconciler.source.database import Database
from reconciler.source.folder import StateFolder
from reconciler.source.location import Location
from reconciler.source.process import NotStarted, running
from reconciler.source.refname import RefName
from reconciler.source.refusals import CloneDamaged
from reconciler.source.remote import Remote, Tip
from reconciler.source.settings import GitSettings
from reconciler.source.transfer import TIP, Transfer


class GitSource:
    """Implements `ports.Source` over git.

    A branch that has not moved costs one question to the repository; one that has, a fetch and
    the objects that are new. Nothing is ever checked out.
    """

    def __init__(self, settings: GitSettings) -> None:
        """Take the settings; nothing is asked or made before the first `fetch`.

        Raises:
            UsageError: the address, the ref or the folder is not one that is followed.
        """
        self._location = Location.parse(
            settings.repository, allow_loopback_http=settings.allow_loopback_http
        )
        self._settings = settings
        self._folder = _checked_folder(settings.folder)
        self._git = Git(self._location, settings)
        self._remote = Remote(self._location, RefName.parse(settings.ref), self._git, settings)
        transfer = Transfer(self._location, self._git, settings)
        self._state = StateFolder(settings.state_folder.absolute())
        self._clone = Clone(self._state, self._location, self._git, transfer)
        self._database = Database(self._clone.path, self._git.environment(None))
        self._turn = asyncio.Lock()
        self._latest: Snapshot | None = None
        self._held: Revision | None = None
        self._damaged = False

    @property
    def origin(self) -> str:
        """The repository as it may be shown: without a credential."""
        return self._location.shown

    async def fetch(self) -> Snapshot:
        """Return the newest revision; the same object again when nothing has changed.

        Raises:
            SourceUnavailable: it is down, slow, or asks for credentials.
            SourceRefused: the repository, its ref or its history is not to be used.
            InvalidDesiredState: the commit holds files that no desired state may hold.
            UsageError: git or the state folder cannot be used.
        """
        async with self._turn:
            tip = await self._remote.tip()
            latest = self._latest
            if latest and latest.commit.revision == tip.revision and not self._damaged:
                return latest
            async with self._state.locked(self._settings.fetch_deadline):
                self._latest = await self._taken(tip)
            return self._latest

    async def applied(self, revision: Revision) -> None:
        """Remember that *revision* was accepted: later ones have to descend from it."""
        async with self._turn, self._state.locked(self._settings.fetch_deadline):
            self._state.set_applied(revision)
            await self._clone.keep(revision)

    async def last_applied(self) -> Snapshot | None:
        """Return the applied revision from the clone, without asking the repository.

        `None` when there is none, or when the clone cannot show it any more.

        Raises:
            UsageError: git or the state folder cannot be used.
        """
        async with self._turn, self._state.locked(self._settings.fetch_deadline):
            applied = await self._last_applied()
            if applied is None:
                return None
            try:
                return await self._snapshot(applied)
            except CloneDamaged:
                return None

    @asynccontextmanager
    async def open_blob(self, object_id: str, size_bytes: int) -> AsyncIterator[Content]:
        """Stream an object of the clone, in constant memory; its id is checked at the end.

        Raises:
            SourceUnavailable: git cannot be started; or, from the blocks, the clone is damaged,
                and the next `fetch` makes it again.
        """
        call = await self._git.invocation(self._clone.path, "cat-file", "blob", object_id)
        async with AsyncExitStack() as stack:
            try:
                process = await stack.enter_async_context(running(call))
            except NotStarted as error:
                raise SourceUnavailable(str(error)) from error
            yield BlobContent(process, object_id, size_bytes, self._found_damaged)

    @asynccontextmanager
    async def clone_held(self) -> AsyncIterator[Path]:
        """Yield the clone, into which nothing is fetched, and which is not tidied, meanwhile.

        Raises:
            SourceUnavailable: another process had it for too long.
            UsageError: the state folder cannot be used.
        """
        async with self._turn, self._state.locked(self._settings.fetch_deadline):
            yield self._clone.path

    def close(self) -> None:
        """Let go of the thread that reads objects."""
        self._database.close()

    def _found_damaged(self, object_id: str, why: str) -> SourceUnavailable:
        self._damaged = True
        return SourceUnavailable(
            f"{self.origin}: object {object_id[:12]} cannot be read from the clone, which is made "
            f"again at the next fetch ({presentable(why, None)})"
        )

    async def _taken(self, tip: Tip) -> Snapshot:
        """Bring *tip* into the clone and read it; a clone that does not serve is made again."""
        if not self._damaged:
            try:
                return await self._brought(tip)
            except CloneDamaged:
                self._damaged = True
        await self._clone.renew(tip.ref)
        self._damaged = False
        try:
            return await self._read(tip)
        except CloneDamaged as error:
            raise SourceUnavailable(
                f"{self.origin}: a fresh clone cannot be read: {error}"
            ) from error

    async def _brought(self, tip: Tip) -> Snapshot:
        if self._held is None:
            self._held = await self._at(TIP)
        if self._held != tip.revision:
            await self._clone.fetch(tip.ref)
        return await self._read(tip)

    async def _at(self, ref: str) -> Revision | None:
        try:
            return await self._database.revision(ref)
        except CloneDamaged:
            return None

    async def _read(self, tip: Tip) -> Snapshot:
        """Read what the clone has now: the branch may have moved on since it was asked."""
        likely = tip.revision if tip.on_branch else None
        revision = self._held = await self._database.revision(TIP, likely=likely)
        if not self._settings.accept_rewrite:
            applied = await self._last_applied()
            if applied not in {None, revision}:
                await self._clone.check_descends(revision, applied)
        return await self._snapshot(revision)

    async def _last_applied(self) -> Revision | None:
        """Return what was applied; the note of it is kept in two places, should one be damaged."""
        try:
            return self._state.applied()
        except UsageError:
            if (kept := await self._at(APPLIED)) is None:
                raise
            return kept

    async def _snapshot(self, revision: Revision) -> Snapshot:
        old = () if self._latest is None else self._latest.files.values()
        known = {blob.object_id: blob for blob in old}
        commit, files = await self._database.read(revision, self._folder, known)
        return Snapshot(commit=commit, origin=self.origin, folder=self._folder, files=files)


def _checked_folder(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or not text.isprintable():
        raise UsageError(f"folder {text!r}: name a folder of the repository, as 'fleet/desired'")
    return "" if path == PurePosixPath() else str(path)
