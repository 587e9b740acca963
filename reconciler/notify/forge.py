"""What a forge shows: the status of a commit, and a comment where that commit came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.identity import Revision
from reconciler.model.status import Event
from reconciler.notify.comment import MARKER, section, with_section
from reconciler.notify.commit_status import CommitStatus, commit_status
from reconciler.notify.page import NOWHERE, Page

PAGE = 100
"""So many comments are asked for at a time."""
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment of a request, of any author."""

    id: int
    body: str


class Forge(Protocol):
    """GitHub or GitLab; every call raises what `Poster.ask` raises."""

    async def mark(self, status: CommitStatus) -> None:
        """Set the status of a commit."""

    async def requests(self, revision: Revision) -> Sequence[int]:
        """Return the pull or merge requests that brought *revision*."""

    async def comments(self, request: int, page: int) -> Sequence[Comment]:
        """Return a page of comments, counted from 1; one of less than `PAGE` is the last."""

    async def comment(self, request: int, body: str, replaces: Comment | None) -> None:
        """Write a comment, or a new text for one."""


@dataclass(frozen=True, slots=True)
class StatusOnCommit:
    """Sets a commit's status, one context a release."""

    forge: Forge
    page: Page = NOWHERE

    async def send(self, event: Event) -> None:
        """See `target.Provider`."""
        status = commit_status(event, self.page.link(event))
        if status is not None:
            await self.forge.mark(status)


@dataclass(frozen=True, slots=True)
class CommentOnRequest:
    """Keeps one comment on each request that a revision in force came from."""

    forge: Forge

    async def send(self, event: Event) -> None:
        """See `target.Provider`."""
        text = section(event)
        if text is None or event.revision is None:
            return
        for request in await self.forge.requests(event.revision):
            ours = await self._ours(request)
            body = with_section(ours.body if ours is not None else None, event, text)
            if body is not None:
                await self.forge.comment(request, body, ours)

    async def _ours(self, request: int) -> Comment | None:
        for page in range(1, _MOST_PAGES + 1):
            comments = await self.forge.comments(request, page)
            for comment in comments:
                if comment.body.startswith(MARKER):
                    return comment
            if len(comments) < PAGE:
                break
        return None
