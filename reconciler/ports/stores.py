"""kanade's object stores."""

from collections.abc import Mapping
from typing import Protocol

from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.model.observed import StoredObject
from reconciler.ports.content import Content
from reconciler.ports.reading import Reading


class Store(Reading, Protocol):
    """One of kanade's object stores, to be read: `app_packages` or `scripts`."""

    def stored(self) -> Mapping[ObjectRef, StoredObject]:
        """Return everything that is in the store, by its metadata."""

    async def room(self) -> int | None:
        """Ask how many bytes of content still fit; `None` when nothing limits them."""


class Objects(Store, Protocol):
    """One of kanade's object stores, to be read and written."""

    async def publish(
        self, ref: ObjectRef, content: Content, digest: Digest, *, replaces: int
    ) -> StoredObject:
        """Store *content* whole or not at all; a reader never sees bytes of another digest.

        *replaces* is the metadata sequence the caller has seen, 0 for none.

        Raises:
            DigestMismatch: what was read is not *digest*; nothing can be seen.
            Conflict: the object is not the one the caller has seen.
            NoRoom: the bucket is full; what was sent is removed.
            KanadeUnavailable: no answer; whether it exists is unknown.
        """

    async def check(self, ref: ObjectRef, digest: Digest) -> None:
        """Read the object back as a host would, and hash it.

        Raises:
            DigestMismatch: what is served is not *digest*.
            KanadeRefused: there is no such object.
        """

    async def delete(self, ref: ObjectRef, *, sequence: int) -> None:
        """Remove the object whose metadata is at *sequence*; one that is not there is no error.

        Raises:
            Conflict: another one was stored meanwhile, which stays.
        """


class Sweep(Protocol):
    """A store in which a broken upload of ours may have left something."""

    async def sweep(self) -> object:
        """Remove what we have left behind, and nobody else's; returns what that was."""
