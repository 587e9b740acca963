"""Tables that more than the leader reads, and what the key of an unreadable entry still shows."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from reconciler.jetstream.kv import decode_key
from reconciler.jetstream.mirror import Mirror
from reconciler.model.attempt import Purpose
from reconciler.model.failure import FailureClass
from reconciler.model.host_log import HostLog
from reconciler.model.identity import Fingerprint, HostName, ReleaseName, Version
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.revert import RevertOffer
from reconciler.state.names import LOGS, RECORDS, STATE_BUCKET
from reconciler.state.table import Table


def record_table(mirror: Mirror) -> Table[tuple[ReleaseName, Fingerprint], ReleaseRecord]:
    """Return the releases that were proved, as they are in our bucket."""
    return Table(mirror, STATE_BUCKET, RECORDS, ReleaseRecord, by_fingerprint)


def log_table(mirror: Mirror) -> Table[tuple[ReleaseName, HostName], HostLog]:
    """Return what hosts had written down when they failed, as it is in our bucket."""
    return Table(mirror, STATE_BUCKET, LOGS, HostLog, lambda item: (item.release, item.host))


def by_fingerprint(
    item: ReleaseRecord | Quarantine | RevertOffer,
) -> tuple[ReleaseName, Fingerprint]:
    """Return the key of what is kept of one fingerprint of a release."""
    return item.release, item.fingerprint


def install_of(key: str) -> tuple[ReleaseName, HostName] | None:
    """Return whose entry of the journal *key* names; `None` for a probe's, and for none of ours.

    A purpose that is not known was written by another version of us, and may be an install.
    """
    try:
        release, host, purpose = map(decode_key, key.split("."))
    except ValueError:
        return None
    return None if purpose == Purpose.PROBE else (ReleaseName(release), HostName(host))


def unreadable_quarantine(key: str, at: datetime) -> Iterator[Quarantine]:
    """Yield what the key alone shows; nothing when it is none of ours."""
    release, _, fingerprint = key.partition(".")
    with suppress(ValueError):
        yield Quarantine(
            release=ReleaseName(decode_key(release)),
            fingerprint=Fingerprint(decode_key(fingerprint)),
            version=Version(""),
            reason=FailureClass.OUTCOME_UNKNOWN,
            message="the record of it cannot be read",
            at=at,
            host=HostName(""),
            readable=False,
        )
