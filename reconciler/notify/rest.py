"""A forge's JSON API, from the address of a repository as people know it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec
import yarl

from reconciler.errors import NotificationNotDelivered
from reconciler.model.identity import Json
from reconciler.notify.post import Poster

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The part of an API that belongs to one repository; raises what `Poster.ask` raises."""

    poster: Poster
    root: str
    """Of the repository in the API, without a slash at its end."""
    headers: Callable[[], Mapping[str, str]] = field(repr=False)

    async def get(self, path: str, kind: type[Found]) -> Found:
        """Read *path* below the repository as *kind*."""
        answer = await self.poster.ask("GET", f"{self.root}/{path}", headers=self.headers())
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError as error:
            host = yarl.URL(self.root).host
            raise NotificationNotDelivered(
                f"{host}: an answer that is not this API's: {error}"
            ) from error

    async def write(self, method: Literal["POST", "PUT", "PATCH"], path: str, body: Json) -> None:
        """Send *body* to *path* below the repository."""
        headers = {**self.headers(), "Content-Type": "application/json"}
        data = json.dumps(body).encode()
        await self.poster.ask(method, f"{self.root}/{path}", headers=headers, body=data)


def repository_path(address: str) -> str:
    """Return `owner/name`, or whatever groups there are, of a repository's address."""
    return yarl.URL(address).path.strip("/").removesuffix(".git")
