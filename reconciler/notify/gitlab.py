"""GitLab: commit statuses and the notes of merge requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

import msgspec
import yarl

from reconciler.model.identity import Revision
from reconciler.notify.commit_status import CommitStatus, Light
from reconciler.notify.forge import PAGE, Comment
from reconciler.notify.post import Poster
from reconciler.notify.rest import Rest, repository_path


class _MergeRequest(msgspec.Struct):
    iid: int


class _Note(msgspec.Struct):
    id: int
    body: str = ""


class _Status(msgspec.Struct):
    name: str
    status: str


_STATES = {Light.PENDING: "pending", Light.SUCCESS: "success", Light.FAILURE: "failed"}


@dataclass(frozen=True, slots=True)
class GitLab:
    """Implements `forge.Forge`."""

    rest: Rest

    @classmethod
    def of(cls, repository: str, token: Callable[[], str], poster: Poster) -> Self:
        """Return the API of *repository*, such as `https://gitlab.com/group/name`."""

        def headers() -> Mapping[str, str]:
            return {"PRIVATE-TOKEN": token()}

        project = quote(repository_path(repository), safe="")
        root = f"{yarl.URL(repository).origin()}/api/v4/projects/{project}"
        return cls(Rest(poster=poster, root=root, headers=headers))

    async def mark(self, status: CommitStatus) -> None:
        """See `forge.Forge`; GitLab answers 400 to a status that is set already."""
        state = _STATES[status.light]
        path = f"repository/commits/{status.revision}/statuses"
        query = f"?name={quote(status.context, safe='')}"
        set_already = await self.rest.get(f"{path}{query}", list[_Status])
        if any((item.name, item.status) == (status.context, state) for item in set_already):
            return
        body = {"state": state, "name": status.context, "description": status.description}
        if status.link is not None:
            body["target_url"] = status.link
        await self.rest.write("POST", f"statuses/{status.revision}", {**body})

    async def requests(self, revision: Revision) -> Sequence[int]:
        """See `forge.Forge`."""
        path = f"repository/commits/{revision}/merge_requests"
        return [item.iid for item in await self.rest.get(path, list[_MergeRequest])]

    async def comments(self, request: int, page: int) -> Sequence[Comment]:
        """See `forge.Forge`."""
        path = f"merge_requests/{request}/notes?per_page={PAGE}&page={page}"
        found = await self.rest.get(path, list[_Note])
        return [Comment(id=item.id, body=item.body) for item in found]

    async def comment(self, request: int, body: str, replaces: Comment | None) -> None:
        """See `forge.Forge`."""
        notes = f"merge_requests/{request}/notes"
        if replaces is None:
            await self.rest.write("POST", notes, {"body": body})
        else:
            await self.rest.write("PUT", f"{notes}/{replaces.id}", {"body": body})
