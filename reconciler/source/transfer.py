"""What crosses the network: the branch's whole history, but only the large files that are named.

Every version of an artifact may be in the history, and one of them is wanted. Where the
repository can leave out large files it is asked to, and asked again for those of the newest
commit. One on this machine is copied whole: there a transfer costs little, and waiting more.
"""

from datetime import timedelta
from pathlib import Path

from reconciler.errors import BranchGone, SourceRefused
from reconciler.source.command import Git, GitFailed
from reconciler.source.diagnosis import recognised, too_slow
from reconciler.source.location import Location
from reconciler.source.process import Finished
from reconciler.source.settings import GitSettings

TIP = "refs/reconciler/tip"
_FETCH = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-show-forced-updates",
    "--no-recurse-submodules",
)
_LOCAL_SENDER = "--upload-pack=git -c core.bigFileThreshold=1m -c pack.compression=0 upload-pack"
_WITHOUT_LARGE = "--filter=blob:limit=1m"
_WITH_ALL = "--no-filter"  # a clone remembers how it was filtered once
_LIST_DEADLINE = timedelta(seconds=60)
_MISSING = "?"


class Transfer:
    """Brings commits of one repository into a clone."""

    def __init__(self, location: Location, git: Git, settings: GitSettings) -> None:
        self._location = location
        self._git = git
        self._settings = settings
        self._leaves_out = location.local is None

    async def bring(self, clone: Path, ref: str) -> None:
        """Bring *ref* with its history, and let `TIP` be where it is.

        Raises:
            GitFailed: by the repository's fault or the clone's.
            SourceUnavailable: it took too long.
            SourceRefused: there is no such ref, or no history behind it.
        """
        refspec = f"+{ref}:{TIP}"
        if not self._leaves_out:
            await self._fetch(clone, refspec, options=(_WITH_ALL,))
            return
        await self._fetch(clone, refspec, options=(_WITHOUT_LARGE,))
        missing = await self._missing(clone)
        if not missing:
            return
        try:
            await self._fetch(clone, *missing, options=("--filter=blob:none",))
        except GitFailed as failure:
            if recognised(failure, self._location):
                raise
            # An old server leaves out what it does not give singly.
            self._leaves_out = False
            await self._fetch(clone, refspec, options=("--refetch", _WITH_ALL))

    async def _missing(self, clone: Path) -> list[str]:
        """Return the files of the desired state's folder that were left out."""
        tree = f"{TIP}^{{commit}}:{self._settings.folder.strip('/')}"
        options = ("--objects", "--no-object-names", "--missing=print", "--end-of-options")
        try:
            done = await self._git.local(
                "rev-list", *options, tree, deadline=_LIST_DEADLINE, clone=clone
            )
        except (GitFailed, TimeoutError):
            return []  # the reader reports what is wrong, better than this could
        lines = done.output.decode("ascii", "replace").split()
        return [line.removeprefix(_MISSING) for line in lines if line.startswith(_MISSING)]

    async def _fetch(self, clone: Path, *wanted: str, options: tuple[str, ...]) -> None:
        deadline = self._settings.fetch_deadline
        sender = (_LOCAL_SENDER,) if self._location.local is not None else ()
        arguments = (*_FETCH, *options, *sender, "--end-of-options", self._location.address)
        try:
            done = await self._git.network(*arguments, *wanted, deadline=deadline, clone=clone)
        except GitFailed as failure:
            if "couldn't find remote ref" in failure.message:
                ref = wanted[0].removeprefix("+").partition(":")[0]
                raise BranchGone(f"{self._location.shown}: {ref!r} is gone") from failure
            raise
        except TimeoutError as error:
            raise too_slow(self._location, deadline) from error
        self._check_history(done)

    def _check_history(self, done: Finished) -> None:
        if "shallow roots" in done.errors:  # git takes this for a success
            raise SourceRefused(
                f"{self._location.shown}: is a shallow clone, without its history: run "
                "`git fetch --unshallow` there"
            )
