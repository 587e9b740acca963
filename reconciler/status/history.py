"""What a release has been asked to be, change by change, and how each of them ended; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.identity import Revision, Version
from reconciler.model.record import ReleaseRecord
from reconciler.model.status import Change, ReleaseStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change of a release, from its commit to its end or to now."""

    revision: Revision
    version: Version | None
    author: str
    subject: str
    at: datetime | None
    """When it was committed, or else proved; `None` when nobody saw either."""
    outcome: str
    took: timedelta | None
    """From the commit to the proof, or to its replacement; `None` where it goes on."""


def history_of(
    release: ReleaseStatus, records: Iterable[ReleaseRecord]
) -> tuple[HistoryEntry, ...]:
    """Return the changes of *release*, the newest first.

    A proof that is on record counts, too, where the status it was published in has been lost.
    """
    changes = (*((release.change,) if release.change is not None else ()), *release.past)
    published = {change.revision for change in changes}
    lost = (record for record in records if record.release == release.name)
    return (
        *(_entry(change) for change in changes),
        *_of_records(record for record in lost if record.revision not in published),
    )


def _of_records(records: Iterable[ReleaseRecord]) -> Iterator[HistoryEntry]:
    for record in sorted(records, key=lambda record: record.at, reverse=True):
        yield HistoryEntry(
            revision=record.revision,
            version=record.version,
            author="",
            subject="",
            at=record.at,
            outcome="proved",
            took=None,
        )


def _entry(change: Change) -> HistoryEntry:
    end = change.proved_at or change.replaced_at
    begun = change.committed_at
    return HistoryEntry(
        revision=change.revision,
        version=change.version,
        author=change.author,
        subject=change.subject,
        at=begun or change.proved_at or change.failed_at,
        outcome=_outcome(change),
        took=end - begun if end is not None and begun is not None else None,
    )


def _outcome(change: Change) -> str:
    failed, proved = change.failed_at, change.proved_at
    if proved is not None:
        return "proved, after a failure" if failed is not None and failed < proved else "proved"
    if failed is not None:
        return "failed"
    return "replaced before its proof" if change.replaced_at is not None else "under way"
