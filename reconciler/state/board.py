"""The status as it is kept on NATS, for the command line and the page to read."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from reconciler.jetstream.connection import ANSWER_WITHIN
from reconciler.jetstream.mirror import Mirror
from reconciler.model.identity import HostName, JobId, ReleaseName
from reconciler.model.status import (
    ControllerStatus,
    Event,
    HostStatus,
    JobStatus,
    ReleaseStatus,
    Status,
)
from reconciler.state.codec import encode
from reconciler.state.events import EventLog
from reconciler.state.lease import KvLease
from reconciler.state.ledger import Ledger
from reconciler.state.names import (
    LOGS,
    STATE_BUCKET,
    STATUS_CONTROLLER,
    STATUS_HOSTS,
    STATUS_JOBS,
    STATUS_RELEASES,
    host_key,
    job_key,
    release_key,
)
from reconciler.state.table import Table
from reconciler.state.tables import log_table

K = TypeVar("K")


class Board:
    """Reads the status back, and computes which entries a new one changes."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._controller: Table[None, ControllerStatus] = Table(
            mirror, STATE_BUCKET, STATUS_CONTROLLER, ControllerStatus, lambda _: None
        )
        self._releases: Table[ReleaseName, ReleaseStatus] = Table(
            mirror, STATE_BUCKET, STATUS_RELEASES, ReleaseStatus, lambda item: item.name
        )
        self._hosts: Table[tuple[ReleaseName, HostName], HostStatus] = Table(
            mirror, STATE_BUCKET, STATUS_HOSTS, HostStatus, lambda item: (item.release, item.host)
        )
        self._jobs: Table[JobId, JobStatus] = Table(
            mirror, STATE_BUCKET, STATUS_JOBS, JobStatus, lambda item: item.id
        )

        self._logs = log_table(mirror)

    def read(self) -> Status:
        """Return the last status that a leader has published; an empty one when none ever has."""
        return Status(
            controller=self._controller.read().get(None, ControllerStatus(revision=None)),
            releases=self._releases.read(),
            hosts=self._hosts.read(),
            jobs=self._jobs.read(),
            logs=self._logs.read(),
        )

    def follow(self, changed: Callable[[], None]) -> None:
        """Call *changed* whenever there may be another status to read."""
        self._mirror.follow(
            lambda subject: changed() if subject is None or _is_status(subject) else None
        )


def _is_status(subject: str) -> bool:
    return subject.startswith((f"$KV.{STATE_BUCKET}.status.", f"$KV.{STATE_BUCKET}.{LOGS}."))


def changes(before: Status, after: Status) -> dict[str, bytes | None]:
    """Return the entries to write, `None` for those to remove; none when nothing is new."""
    return {
        **_differing(_controller(before), _controller(after), lambda _: f"{STATUS_CONTROLLER}.it"),
        **_differing(before.releases, after.releases, release_key),
        **_differing(before.hosts, after.hosts, lambda key: host_key(*key)),
        **_differing(before.jobs, after.jobs, job_key),
    }


def _controller(status: Status) -> Mapping[None, ControllerStatus]:
    nobody = ControllerStatus(revision=None)
    return {} if status.controller == nobody else {None: status.controller}


def _differing(
    old: Mapping[K, object], new: Mapping[K, object], key_of: Callable[[K], str]
) -> dict[str, bytes | None]:
    written = {key_of(key): encode(item) for key, item in new.items() if old.get(key) != item}
    return {**written, **{key_of(key): None for key in old.keys() - new.keys()}}


class KvBoard:
    """Implements `ports.StatusBoard`: the status in our bucket, the events in our stream."""

    def __init__(self, board: Board, ledger: Ledger, events: EventLog, lease: KvLease) -> None:
        self._board = board
        self._ledger = ledger
        self._events = events
        self._lease = lease

    def read(self) -> Status:
        """See `ports.StatusBoard`."""
        return self._board.read()

    def follow(self, changed: Callable[[], None]) -> None:
        """Call *changed* whenever there may be another status to read."""
        self._board.follow(changed)

    async def publish(self, status: Status, events: Sequence[Event]) -> None:
        """See `ports.StatusBoard`; events go first, so that none is lost by a crash between.

        Their stream knows no terms, so the lease is renewed for them.
        """
        entries = changes(self._board.read(), status)
        if events:
            await self._lease.confirm(for_at_least=ANSWER_WITHIN, renew=True)
            await self._events.publish(events)
        if entries:
            await self._ledger.write(entries)
