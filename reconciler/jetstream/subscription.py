"""Interest in a subject, and what a subject may be."""

from collections.abc import Awaitable, Callable

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from reconciler.errors import KanadeRefused

_MAX_SUBJECT_BYTES = 1024

Handler = Callable[[Msg], Awaitable[None]]


class Subscription:
    """Interest in a subject; it outlives reconnects, and the client itself."""

    def __init__(self, subject: str, handler: Handler) -> None:
        self.subject = checked_subject(subject)
        self.handler = handler
        self.raw: NatsSubscription | None = None
        """The client's own, while there is a client."""


def checked_subject(subject: str) -> str:
    """Return *subject*, if the server would take it.

    Raises:
        KanadeRefused: it is so long that the server would end the connection over it.
    """
    size_bytes = len(subject.encode())
    if size_bytes > _MAX_SUBJECT_BYTES:
        raise KanadeRefused(
            f"a NATS subject of {size_bytes} bytes, {subject[:40]}...; "
            f"at most {_MAX_SUBJECT_BYTES} are allowed: use shorter names"
        )
    return subject
