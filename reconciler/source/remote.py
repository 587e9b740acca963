"""The repository's refs, without fetching anything: the cheap way to poll."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import BranchGone, ReconcilerError, SourceRefused, SourceUnavailable
from reconciler.model.identity import Revision
from reconciler.source.command import Git, GitFailed
from reconciler.source.diagnosis import explained, too_slow
from reconciler.source.location import Location, Transport
from reconciler.source.refname import RefKind, RefName
from reconciler.source.refusals import DetachedHead, RepositoryEmpty, TagNotBranch
from reconciler.source.settings import GitSettings

_LINE = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}|ref: [^\t]+)\t([^\t]+)")
_PEELED = "^{}"
_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """Where the ref is now, as the repository lists it."""

    revision: Revision
    ref: str
    """The ref in full, HEAD already followed."""

    @property
    def on_branch(self) -> bool:
        """True when the ref can be at nothing but a commit; a tag may be at anything."""
        return self.ref.startswith("refs/heads/")


class Remote:
    """The repository as its refs; nothing is kept of it."""

    def __init__(self, location: Location, ref: RefName, git: Git, settings: GitSettings) -> None:
        self._location = location
        self._ref = ref
        self._git = git
        self._settings = settings

    async def tip(self) -> Tip:
        """Return the commit that the ref is at.

        Raises:
            SourceUnavailable: it is down, slow, or asks for credentials.
            SourceRefused: there is no such repository, branch or tag, each with its own reason.
        """
        name, ref = self._ref.full, self._ref
        tag = name.replace("refs/heads/", "refs/tags/", 1)
        wanted = {RefKind.HEAD: ("HEAD",), RefKind.BRANCH: (name, tag)}
        refs = await self._refs(*wanted.get(ref.kind, (name, name + _PEELED)))
        if name not in refs:
            raise await self._missing(refs, tag)
        if ref.kind is RefKind.HEAD:
            return self._head(refs)
        return Tip(revision=_commit(refs.get(name + _PEELED, refs[name])), ref=name)

    async def at(self, ref: str) -> Revision | None:
        """Return where *ref*, spelled in full, is; `None` for no such, and raises as `tip`."""
        found = (await self._refs(ref)).get(ref)
        return None if found is None else _commit(found)

    def _head(self, refs: Mapping[str, str]) -> Tip:
        target = refs.get("ref HEAD")
        if target is None:
            raise DetachedHead(
                f"{self._location.shown}: HEAD is detached at {refs['HEAD'][:12]}: "
                "name the branch to follow"
            )
        return Tip(revision=_commit(refs["HEAD"]), ref=target)

    async def _missing(self, refs: Mapping[str, str], tag: str) -> ReconcilerError:
        shown = self._location.shown
        if self._ref.kind is RefKind.BRANCH and tag in refs:
            return TagNotBranch(
                f"{shown}: {str(self._ref)!r} is a tag, not a branch: to follow it, set {tag!r}"
            )
        everything = await self._refs()
        names = [name for name in everything if name.startswith("refs/")]
        if not names:
            hint = "push a first commit"
            if self._location.transport in {Transport.HTTP, Transport.HTTPS}:
                # Git takes any web page for an old kind of server that has nothing to show.
                hint += ", or check that the address is a repository's"
            return RepositoryEmpty(f"{shown}: the repository is empty: {hint}")
        if self._ref.kind is RefKind.HEAD:
            return BranchGone(
                f"{shown}: HEAD names a branch that does not exist; name one to follow"
            )
        prefix = "refs/tags/" if self._ref.kind is RefKind.TAG else "refs/heads/"
        others = sorted(
            name.removeprefix(prefix)
            for name in names
            if name.startswith(prefix) and not name.endswith(_PEELED)
        )
        has = ", ".join(repr(other) for other in others[:_NAMED_AT_MOST]) or "none"
        more = ", ..." if len(others) > _NAMED_AT_MOST else ""
        return BranchGone(f"{shown}: no {self._ref.kind} {str(self._ref)!r}; it has {has}{more}")

    async def _refs(self, *patterns: str) -> Mapping[str, str]:
        deadline = self._settings.poll_deadline
        arguments = ("--symref", "--end-of-options", self._location.address, *patterns)
        try:
            done = await self._git.network("ls-remote", *arguments, deadline=deadline, clone=None)
        except GitFailed as failure:
            raise explained(failure, self._location) from failure
        except TimeoutError as error:
            raise too_slow(self._location, deadline) from error
        lines = done.output.decode("utf-8", "surrogateescape").split("\n")
        return self._parsed(lines[:-1])

    def _parsed(self, lines: list[str]) -> Mapping[str, str]:
        refs: dict[str, str] = {}
        for line in lines:
            found = _LINE.fullmatch(line)
            if found is None:
                raise SourceUnavailable(f"{self._location.shown}: no list of refs: {line[:80]!r}")
            value, name = found.groups()
            target = value.removeprefix("ref: ")
            refs[name if target == value else f"ref {name}"] = target
        return refs


def _commit(object_id: str) -> Revision:
    if len(object_id) != 40:
        raise SourceRefused(
            f"commit {object_id[:12]}: repositories with sha256 object ids are not supported; "
            "use one with sha1"
        )
    return Revision(object_id)
