"""The changes of a release, each with its end; what only the records know is told, too."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.model.identity import Revision
from reconciler.model.status import Change
from reconciler.status.history import history_of
from tests.status.situations import GOOD, ITEM, applied, told
from tests.support import builders
from tests.support.builders import NOON, REVISION

LATER = NOON + timedelta(minutes=4)


def change(
    *,
    proved_at: datetime | None = None,
    failed_at: datetime | None = None,
    replaced_at: datetime | None = None,
) -> Change:
    return Change(
        revision=REVISION,
        committed_at=NOON,
        proved_at=proved_at,
        failed_at=failed_at,
        replaced_at=replaced_at,
    )


@pytest.mark.parametrize(
    ("ended", "outcome", "minutes"),
    [
        (change(), "under way", None),
        (change(proved_at=LATER), "proved", 4),
        (change(proved_at=LATER, failed_at=NOON), "proved, after a failure", 4),
        (change(proved_at=LATER, failed_at=LATER), "proved", 4),
        (change(failed_at=NOON), "failed", None),
        (change(failed_at=NOON, replaced_at=LATER), "failed", 4),
        (change(replaced_at=LATER), "replaced before its proof", 4),
    ],
)
def test_how_a_change_ended(ended: Change, outcome: str, minutes: int | None) -> None:
    [entry] = history_of(replace(told(applied(GOOD)), change=ended), ())

    assert entry.outcome == outcome
    assert entry.took == (timedelta(minutes=minutes) if minutes is not None else None)


def test_a_proof_on_record_is_told_once() -> None:
    status = replace(told(applied(GOOD)), change=change(proved_at=LATER))
    known = builders.record(ITEM)
    lost = replace(known, revision=Revision("b" * 40))

    entries = history_of(status, (lost, known))

    assert [entry.revision for entry in entries] == [REVISION, lost.revision]
    assert entries[1].outcome == "proved"
