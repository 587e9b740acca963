"""One event a transition, none for a pass."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import HostName, ReleaseName, Revision
from reconciler.model.status import (
    ControllerStatus,
    Event,
    HostStatus,
    ReleaseStatus,
    Status,
)
from reconciler.status.transitions import transitions
from tests.support import builders
from tests.support.builders import NOON, REVISION

NOTHING = Status(controller=ControllerStatus(revision=None))
ITEM = builders.release()
LATER = NOON + timedelta(minutes=5)


def condition(kind: ConditionType, status: Truth, reason: str, message: str = "") -> Condition:
    return Condition(
        type=kind, status=status, reason=reason, message=message, revision=REVISION, since=NOON
    )


READY = condition(ConditionType.READY, Truth.FALSE, "Progressing", "1 of 2")
RECONCILING = condition(ConditionType.RECONCILING, Truth.TRUE, "Progressing")
CALM = condition(ConditionType.STALLED, Truth.FALSE, "Progressing")
STEADY = condition(ConditionType.DRIFT_DETECTED, Truth.FALSE, "NoDrift")
DRIFTED = condition(ConditionType.DRIFT_DETECTED, Truth.TRUE, "DriftDetected", "pc-01")
STUCK = condition(ConditionType.STALLED, Truth.TRUE, "NoRoom", "full")
FETCHED = condition(ConditionType.SOURCE_READY, Truth.TRUE, "Fetched", "a")
UNREAD = condition(ConditionType.SOURCE_READY, Truth.FALSE, "GitUnavailable", "no answer")
SILENT = condition(ConditionType.KANADE_READY, Truth.FALSE, "KanadeUnavailable", "no answer")


def release(*conditions: Condition, name: str = "tool") -> Status:
    status = ReleaseStatus(
        name=ReleaseName(name),
        package=ITEM.package,
        version=ITEM.version,
        fingerprint=ITEM.fingerprint,
        revision=REVISION,
        job=ITEM.job.id,
        conditions=conditions,
    )
    return replace(NOTHING, releases={status.name: status})


def controller(*conditions: Condition, revision: Revision | None = None) -> Status:
    return Status(controller=ControllerStatus(revision=revision, conditions=conditions))


def host(state: str, reason: str = "InFlight", name: str = "pc-01", **changes: object) -> Status:
    status = HostStatus(
        release=ITEM.name,
        host=HostName(name),
        state=state,
        reason=reason,
        message=f"it is {state}",
        wanted=ITEM.version,
    )
    status = replace(status, **changes)  # type: ignore[arg-type]  # the test names real fields
    return replace(NOTHING, hosts={(ITEM.name, HostName(name)): status})


def kinds(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.severity) for event in events]


@pytest.mark.parametrize(
    "status",
    [
        NOTHING,
        release(READY, RECONCILING, STUCK, DRIFTED),
        controller(UNREAD, SILENT, revision=REVISION),
        host("failed", "NoRoom"),
    ],
)
def test_a_pass_that_changes_nothing_is_no_event(status: Status) -> None:
    assert transitions(status, status, LATER) == ()


def test_a_revision_is_told_when_it_comes_into_force() -> None:
    after = Status(controller=ControllerStatus(revision=REVISION, subject="Bump tool"))

    (event,) = transitions(NOTHING, after, LATER)

    assert event == Event(
        at=LATER,
        kind="RevisionApplied",
        message="revision aaaaaaaaaaaa is in force: Bump tool",
        revision=REVISION,
    )
    assert transitions(after, NOTHING, LATER) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((), (FETCHED,), [("Fetched", "info")]),
        ((FETCHED,), (UNREAD,), [("GitUnavailable", "error")]),
        ((UNREAD,), (FETCHED,), [("Fetched", "info")]),
        ((), (SILENT,), [("KanadeUnavailable", "error")]),
        ((FETCHED,), (replace(FETCHED, message="b"),), []),
        ((FETCHED,), (replace(FETCHED, since=LATER),), []),
    ],
)
def test_what_befalls_the_controller_is_told_once(
    old: tuple[Condition, ...], new: tuple[Condition, ...], expected: list[tuple[str, str]]
) -> None:
    assert kinds(transitions(controller(*old), controller(*new), LATER)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((), (READY, RECONCILING, CALM, STEADY), [("Progressing", "info")]),
        ((), (READY, STUCK, DRIFTED), [
            ("Progressing", "info"), ("NoRoom", "error"), ("DriftDetected", "error"),
        ]),
        ((CALM,), (STUCK,), [("NoRoom", "error")]),
        ((STUCK,), (CALM,), [("Progressing", "info")]),
        ((STEADY,), (DRIFTED,), [("DriftDetected", "error")]),
        ((DRIFTED,), (STEADY,), [("NoDrift", "info")]),
        ((DRIFTED,), (replace(DRIFTED, message="pc-02"),), []),
        ((RECONCILING,), (replace(RECONCILING, status=Truth.FALSE, reason="Settled"),), []),
    ],
)  # fmt: skip
def test_what_befalls_a_release_is_told_once_and_calm_is_no_news(
    old: tuple[Condition, ...], new: tuple[Condition, ...], expected: list[tuple[str, str]]
) -> None:
    assert kinds(transitions(release(*old), release(*new), LATER)) == expected


def test_an_event_of_a_release_says_which_condition_and_since_which_revision() -> None:
    (event,) = transitions(release(READY), release(replace(READY, reason="NoRoom")), LATER)

    assert event == Event(
        at=LATER,
        kind="NoRoom",
        message="1 of 2",
        release=ReleaseName("tool"),
        revision=REVISION,
        condition=ConditionType.READY,
        truth=Truth.FALSE,
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (NOTHING, host("unknown"), [("HostUnknown", "info")]),
        (host("running"), host("verifying"), [("HostVerifying", "info")]),
        (host("running"), host("failed", "NoRoom"), [("HostFailed", "error")]),
        (host("running"), host("timed-out", "Timeout"), [("HostTimedOut", "error")]),
        (host("failed", "NoRoom"), host("failed", "Timeout"), [("HostFailed", "error")]),
        (host("running"), host("running", message="still"), []),
        (host("converged"), host("converged", proved_at=LATER), []),
        (host("converged"), host("converged", wanted="3.0.0"), [("HostConverged", "info")]),
    ],
)
def test_what_befalls_a_host_is_told_once(
    old: Status, new: Status, expected: list[tuple[str, str]]
) -> None:
    assert kinds(transitions(old, new, LATER)) == expected


def test_an_event_of_a_host_says_why_and_under_which_revision() -> None:
    after = replace(host("failed", "NoRoom"), controller=ControllerStatus(revision=REVISION))

    events = transitions(NOTHING, after, LATER)

    assert events[1] == Event(
        at=LATER,
        kind="HostFailed",
        message="NoRoom: it is failed",
        release=ITEM.name,
        host=HostName("pc-01"),
        revision=REVISION,
        severity="error",
    )


def test_events_have_an_order_controller_releases_hosts_by_name() -> None:
    one, two = release(READY, name="a"), release(READY, name="b")
    after = Status(
        controller=ControllerStatus(revision=REVISION, conditions=(FETCHED,)),
        releases={**two.releases, **one.releases},
        hosts={**host("running", name="pc-02").hosts, **host("running").hosts},
    )

    events = transitions(NOTHING, after, LATER)

    assert [(item.kind, item.release, item.host) for item in events] == [
        ("RevisionApplied", None, None),
        ("Fetched", None, None),
        ("Progressing", "a", None),
        ("Progressing", "b", None),
        ("HostRunning", "tool", "pc-01"),
        ("HostRunning", "tool", "pc-02"),
    ]


def ids(before: Status, after: Status, *, later: timedelta = timedelta(0)) -> list[str]:
    return [event.id for event in transitions(before, after, LATER + later)]


def test_a_transition_that_is_told_again_later_has_the_same_id() -> None:
    """Its teller may have died before it could keep what it had told."""
    before = replace(release(READY), hosts=host("running").hosts)
    after = Status(
        controller=ControllerStatus(revision=REVISION, conditions=(FETCHED,)),
        releases=release(replace(READY, reason="NoRoom", since=LATER)).releases,
        hosts=host("failed").hosts,
    )
    again = replace(after, releases=release(replace(READY, reason="NoRoom")).releases)

    told = ids(before, after)

    assert len(set(told)) == 4
    assert told == ids(before, again, later=timedelta(minutes=1))


def test_the_same_change_of_heart_is_another_event_each_time() -> None:
    calm, later = release(STEADY), release(replace(STEADY, since=LATER))

    assert ids(calm, release(DRIFTED)) != ids(later, release(DRIFTED))
    assert ids(host("running"), host("failed")) != ids(
        host("running", attempt=2), host("failed", attempt=2)
    )


def test_a_revision_is_told_with_its_plan() -> None:
    after = controller(FETCHED, revision=REVISION)

    revision, fetched = transitions(NOTHING, after, LATER, details="tool 2.0.0: 0 of 2")

    assert (revision.details, fetched.details) == ("tool 2.0.0: 0 of 2", "")
