"""GitHub, its own or one's own: commit statuses and the comments of pull requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import yarl

from reconciler.model.identity import Revision
from reconciler.notify.commit_status import CommitStatus
from reconciler.notify.forge import PAGE, Comment
from reconciler.notify.post import Poster
from reconciler.notify.rest import Rest, repository_path


class _Pull(msgspec.Struct):
    number: int


class _Comment(msgspec.Struct):
    id: int
    body: str | None = None


@dataclass(frozen=True, slots=True)
class GitHub:
    """Implements `forge.Forge`."""

    rest: Rest

    @classmethod
    def of(cls, repository: str, token: Callable[[], str], poster: Poster) -> Self:
        """Return the API of *repository*, such as `https://github.com/owner/name`."""
        address = yarl.URL(repository)
        public = address.host == "github.com"
        api = "https://api.github.com" if public else f"{address.origin()}/api/v3"

        def headers() -> Mapping[str, str]:
            return {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token()}",
                "X-GitHub-Api-Version": "2022-11-28",
            }

        root = f"{api}/repos/{repository_path(repository)}"
        return cls(Rest(poster=poster, root=root, headers=headers))

    async def mark(self, status: CommitStatus) -> None:
        """See `forge.Forge`."""
        await self.rest.write(
            "POST",
            f"statuses/{status.revision}",
            {
                "state": str(status.light),
                "context": status.context,
                "description": status.description,
                **({"target_url": status.link} if status.link is not None else {}),
            },
        )

    async def requests(self, revision: Revision) -> Sequence[int]:
        """See `forge.Forge`."""
        pulls = await self.rest.get(f"commits/{revision}/pulls", list[_Pull])
        return [pull.number for pull in pulls]

    async def comments(self, request: int, page: int) -> Sequence[Comment]:
        """See `forge.Forge`."""
        path = f"issues/{request}/comments?per_page={PAGE}&page={page}"
        found = await self.rest.get(path, list[_Comment])
        return [Comment(id=item.id, body=item.body or "") for item in found]

    async def comment(self, request: int, body: str, replaces: Comment | None) -> None:
        """See `forge.Forge`."""
        if replaces is None:
            await self.rest.write("POST", f"issues/{request}/comments", {"body": body})
        else:
            await self.rest.write("PATCH", f"issues/comments/{replaces.id}", {"body": body})
