"""The status as it is kept on NATS, for the command line and the page to read."""

from collections.abc import Mapping, Sequence

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
from reconciler.state.ledger import Ledger
from reconciler.state.names import (
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


class Board:
    """Reads the status back, and says which entries a new one changes."""

    def __init__(self, mirror: Mirror) -> None:
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

    def read(self) -> Status:
        """Return the last status that a leader has told; an empty one when none ever has."""
        return Status(
            controller=self._controller.read().get(None, ControllerStatus(revision=None)),
            releases=self._releases.read(),
            hosts=self._hosts.read(),
            jobs=self._jobs.read(),
        )


def changes(before: Status, after: Status) -> dict[str, bytes | None]:
    """Return the entries to write, `None` for those to remove; none when nothing is new."""
    old, new = _entries(before), _entries(after)
    written = {key: encode(value) for key, value in new.items() if old.get(key) != value}
    return {**written, **dict.fromkeys(old.keys() - new.keys())}


def _entries(status: Status) -> Mapping[str, object]:
    entries: dict[str, object] = {}
    if status.controller != ControllerStatus(revision=None):
        entries[f"{STATUS_CONTROLLER}.it"] = status.controller
    entries.update((release_key(name), item) for name, item in status.releases.items())
    entries.update((host_key(*key), item) for key, item in status.hosts.items())
    entries.update((job_key(job), item) for job, item in status.jobs.items())
    return entries


class KvBoard:
    """Implements `ports.StatusBoard`: the status in our bucket, the events in our stream."""

    def __init__(self, board: Board, ledger: Ledger, events: EventLog) -> None:
        self._board = board
        self._ledger = ledger
        self._events = events

    def read(self) -> Status:
        """See `ports.StatusBoard`."""
        return self._board.read()

    async def tell(self, status: Status, events: Sequence[Event]) -> None:
        """See `ports.StatusBoard`; events go first, so that none is lost by a crash between."""
        entries = changes(self._board.read(), status)
        if entries:
            await self._events.publish(events)
            await self._ledger.write(entries)
