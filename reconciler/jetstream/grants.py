"""What a NATS user must be permitted, so that the rest of this package works for it; no I/O.

A user of JetStream publishes questions on subjects that name a stream, and hears the answers in
its inbox. Who may read one message of a stream by its place may read all of them: NATS has no
narrower permission for that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from reconciler.jetstream.object_info import chunks_subject, metadata_filter, stream_of

_API = "$JS.API"
USER_INFO = "$SYS.REQ.USER.INFO"
"""Where a user asks what it is permitted."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Subjects, with wildcards, that a user may publish to and subscribe to."""

    publish: frozenset[str] = frozenset()
    subscribe: frozenset[str] = frozenset()

    def __or__(self, other: "Grants") -> "Grants":
        """Return what both permit."""
        return Grants(self.publish | other.publish, self.subscribe | other.subscribe)


def together(parts: Iterable[Grants]) -> Grants:
    """Return what all of *parts* permit."""
    return reduce(or_, parts, Grants())


def sending(*subjects: str) -> Grants:
    """Publish, to everybody who listens."""
    return Grants(publish=frozenset(subjects))


def hearing(*subjects: str) -> Grants:
    """Subscribe, past any stream."""
    return Grants(subscribe=frozenset(subjects))


def asking(*verbs: str) -> Grants:
    """Call the JetStream API."""
    return sending(*(f"{_API}.{verb}" for verb in verbs))


def connected(inbox_prefix: str) -> Grants:
    """Get answers at all, and know what is permitted."""
    return sending(USER_INFO) | hearing(f"{inbox_prefix}.>")


def known(stream: str) -> Grants:
    """See whether a stream exists, and how full it is."""
    return asking(f"STREAM.INFO.{stream}")


def measured(bucket: str) -> Grants:
    """See how much room an object store has."""
    return known(stream_of(bucket)) | asking("INFO")


def read(stream: str) -> Grants:
    """Read the last message of a subject, as `api.last_message` does."""
    return known(stream) | asking(f"STREAM.MSG.GET.{stream}")


def mirrored(stream: str, filter_subject: str) -> Grants:
    """Read everything that matches, and follow it: a `Mirror` or a `Tail`."""
    info = asking(f"CONSUMER.INFO.{stream}.*")
    return read(stream) | info | _consuming(stream, "*", filter_subject)


def fed(stream: str, filter_subject: str, durable: str) -> Grants:
    """Read under a name that the server remembers: a `Feed`, or a `Queue` by any name (`*`)."""
    return (
        known(stream)
        | asking(f"CONSUMER.INFO.{stream}.{durable}")
        | _consuming(stream, durable, filter_subject)
        # The second one is that of a server with the feature js_ack_fc_v2.
        | sending(f"$JS.ACK.{stream}.{durable}.>", f"$JS.ACK.*.*.{stream}.{durable}.>")
    )


def written(bucket: str, keys: str = ">") -> Grants:
    """Write keys of a KV bucket."""
    return known(f"KV_{bucket}") | sending(f"$KV.{bucket}.{keys}")


def downloaded(bucket: str) -> Grants:
    """Read objects of a store."""
    stream = stream_of(bucket)
    return read(stream) | _consuming(stream, "*", chunks_subject(bucket, "*"))


def uploaded(bucket: str) -> Grants:
    """Store and delete objects, and clear away the chunks that nothing names."""
    stream = stream_of(bucket)
    return (
        read(stream)
        | asking(f"STREAM.PURGE.{stream}")
        | sending(chunks_subject(bucket, "*"), metadata_filter(bucket))
    )


def withdrawn(stream: str) -> Grants:
    """Take messages out of a stream."""
    return read(stream) | asking(f"STREAM.PURGE.{stream}")


def made(stream: str) -> Grants:
    """Make a stream where it is missing, and give it more replicas."""
    return known(stream) | asking(f"STREAM.CREATE.{stream}", f"STREAM.UPDATE.{stream}")


def _consuming(stream: str, name: str, filter_subject: str) -> Grants:
    return asking(
        f"CONSUMER.CREATE.{stream}.{name}.{filter_subject}",
        *(f"CONSUMER.{verb}.{stream}.{name}" for verb in ("MSG.NEXT", "DELETE")),
    )
