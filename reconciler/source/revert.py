"""A branch with one commit of our own, pushed beside the branch that is followed.

Made by plumbing in the bare clone: an index of its own, no work tree, no hooks. Nothing that is
in the repository is ever moved: a branch that exists already is left as it is.
"""

import asyncio
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from reconciler.errors import PushRefused, SourceUnavailable
from reconciler.model.identity import Revision
from reconciler.model.revert import Proposal
from reconciler.source.command import Git, GitFailed
from reconciler.source.diagnosis import explained, too_slow
from reconciler.source.git import GitSource
from reconciler.source.location import Location
from reconciler.source.refname import RefName
from reconciler.source.remote import Remote
from reconciler.source.settings import GitSettings

_WAITED_FOR_SECONDS = 2
_PUSH = ("push", "--quiet", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
_REFUSED = re.compile(
    r"\[remote rejected\]|returned error: 40[13]|could not read (?:Username|Password)"
    r"|Authentication failed|Permission (?:to .* )?denied|Access denied|not allowed to push"
    r"|read-only|read only",
    re.IGNORECASE,
)


class GitReverts:
    """Implements `ports.Reverts`; a push that takes long goes on beside the passes."""

    def __init__(self, source: GitSource, settings: GitSettings, author: str) -> None:
        """*author* is written `Name <mail>`."""
        self._source = source
        self._settings = settings
        self._author = author
        self._location = Location.parse(
            settings.repository, allow_loopback_http=settings.allow_loopback_http
        )
        self._git = Git(self._location, settings)
        self._remote = Remote(self._location, RefName.parse(settings.ref), self._git, settings)
        self._under_way: dict[str, asyncio.Task[Revision]] = {}

    async def __aenter__(self) -> Self:
        """Begin nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def push(self, proposal: Proposal) -> Revision:
        """See `ports.Reverts`."""
        name = proposal.branch
        if name not in self._under_way:
            # Awaited by the next request, or at the end: it must not hold a pass up.
            task = asyncio.create_task(self._pushed(proposal))  # noqa: TID251
            self._under_way[name] = task
        task = self._under_way[name]
        await asyncio.wait({task}, timeout=_WAITED_FOR_SECONDS)
        if not task.done():
            raise SourceUnavailable(f"{self._location.shown}: {name} is being pushed")
        del self._under_way[name]
        return task.result()

    async def _pushed(self, proposal: Proposal) -> Revision:
        ref = RefName.parse(f"refs/heads/{proposal.branch}").full
        deadline = self._settings.poll_deadline
        try:
            async with self._source.clone_held() as clone:
                there = await self._remote.at(ref)
                if there is not None:
                    return there
                commit = await self._commit(clone, proposal)
                refspec = f"{commit}:{ref}"
                arguments = (*_PUSH, "--end-of-options", self._location.address, refspec)
                await self._git.network(*arguments, deadline=deadline, clone=clone)
                return commit
        except GitFailed as failure:
            if failure.command == "push" and _REFUSED.search(failure.message):
                raise PushRefused(f"{self._location.shown}: {failure.message}") from failure
            raise explained(failure, self._location) from failure
        except TimeoutError as error:
            raise too_slow(self._location, deadline) from error

    async def _commit(self, clone: Path, proposal: Proposal) -> Revision:
        """Put the commit into the clone, under no name: it is the same one each time."""
        base = proposal.base
        with tempfile.TemporaryDirectory(prefix="unfinished-revert-", dir=clone.parent) as folder:
            content, message = _written(Path(folder), proposal)
            also = {"GIT_INDEX_FILE": f"{folder}/index", **self._signature(proposal)}

            async def output(*arguments: str) -> str:
                deadline = self._settings.poll_deadline
                done = await self._git.local(*arguments, deadline=deadline, clone=clone, also=also)
                return done.output.decode("ascii", "replace").strip()

            blob = await output("hash-object", "-w", "--no-filters", content)
            entry = await output("ls-tree", "--full-tree", "-z", base, proposal.path)
            mode = entry.partition(" ")[0]
            await output("read-tree", base)
            await output("update-index", "--cacheinfo", f"{mode},{blob},{proposal.path}")
            tree = await output("write-tree", "--missing-ok")  # large files were left out
            return Revision(await output("commit-tree", "-p", base, "-F", message, tree))

    def _signature(self, proposal: Proposal) -> Mapping[str, str]:
        name, _, mail = self._author.partition(" <")
        values = {
            "NAME": name,
            "EMAIL": mail.removesuffix(">"),
            "DATE": f"{int(proposal.at.timestamp())} +0000",
        }
        return {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in values.items()
        }


def _written(folder: Path, proposal: Proposal) -> tuple[str, str]:
    """Return the files that the proposal's content and message are in."""
    content, message = folder / "content", folder / "message"
    content.write_bytes(proposal.content)
    message.write_text(proposal.message, "utf-8", "replace")
    return str(content), str(message)
