"""From the commit to the proof: what is told of a release, hosts of one kind together."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.identity import HostName, ReleaseName, Revision
from reconciler.model.status import Change, Event, ReleaseStatus
from reconciler.status.timeline import timeline
from tests.status.situations import GOOD, MOVING, applied, told
from tests.support.builders import NOON, REVISION

RELEASE = told(applied(GOOD, MOVING))
BEFORE, ASKED = (
    Revision("b" * 40),
    replace(RELEASE, change=Change(revision=REVISION, committed_at=NOON)),
)


def event(minute: int, kind: str, host: str | None = None, **more: object) -> Event:
    made = Event(
        at=NOON + timedelta(minutes=minute),
        kind=kind,
        message=f"{kind} it is",
        release=RELEASE.name,
        host=HostName(host) if host else None,
        revision=REVISION,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # names and values are the test's own


def kinds(release: ReleaseStatus, *events: Event) -> list[tuple[str, int]]:
    return [(moment.kind, moment.count) for moment in timeline(release, events)]


APPLIED = event(1, "RevisionApplied", release=None)


def test_it_begins_with_the_commit_and_leaves_out_what_was_before() -> None:
    old = event(-5, "Converged", revision=BEFORE)

    assert kinds(ASKED, old, APPLIED, event(2, "Progressing")) == [
        ("Committed", 1),
        ("RevisionApplied", 1),
        ("Progressing", 1),
    ]


def test_a_commit_of_a_clock_that_is_ahead_loses_nothing() -> None:
    assert kinds(ASKED, event(-3, "RevisionApplied", release=None), event(-2, "Progressing")) == [
        ("Committed", 1),
        ("RevisionApplied", 1),
        ("Progressing", 1),
    ]


def test_hosts_in_a_row_are_told_together_and_a_few_are_named() -> None:
    hosts = [event(number, "HostConverged", f"pc-{number:02}") for number in range(2, 12)]
    (_, _, moment) = timeline(ASKED, [APPLIED, *hosts])

    assert (moment.count, moment.hosts) == (10, ("pc-02", "pc-03", "pc-04"))
    assert moment.until - moment.at == timedelta(minutes=9)


def test_what_happens_to_the_release_parts_them() -> None:
    told_of = [event(2, "HostRunning", "a"), event(3, "Soaking"), event(4, "HostRunning", "b")]

    assert kinds(ASKED, APPLIED, *told_of)[2:] == [
        ("HostRunning", 1),
        ("Soaking", 1),
        ("HostRunning", 1),
    ]


def test_what_a_pass_tells_at_once_ends_with_the_release_itself() -> None:
    at_once = [event(1, "Converged"), event(1, "HostConverged", "a")]

    assert kinds(ASKED, APPLIED, *at_once)[1:] == [
        ("RevisionApplied", 1),
        ("HostConverged", 1),
        ("Converged", 1),
    ]


def test_another_releases_events_and_revisions_are_not_in_it() -> None:
    others = [
        event(2, "Converged", release=ReleaseName("other")),
        event(3, "RevisionApplied", release=None, revision=BEFORE),
    ]

    assert kinds(ASKED, APPLIED, *others) == [("Committed", 1), ("RevisionApplied", 1)]


def test_it_ends_with_the_proof_even_where_nobody_told_it() -> None:
    change = Change(revision=REVISION, committed_at=NOON, proved_at=NOON + timedelta(hours=1))
    proved = replace(RELEASE, change=change)

    assert kinds(proved, APPLIED)[-1] == ("Converged", 1)
    assert kinds(proved, APPLIED, event(9, "Converged")).count(("Converged", 1)) == 1


def test_what_was_wanted_before_anybody_looked_has_no_commit() -> None:
    seen = replace(RELEASE, change=Change(revision=REVISION, committed_at=None))

    assert kinds(seen, event(2, "Progressing")) == [("Progressing", 1)]
    assert kinds(replace(RELEASE, change=None), event(2, "Progressing")) == [("Progressing", 1)]
