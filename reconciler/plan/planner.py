"""Return the steps that turn what is observed into what is desired."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, ReleaseName, RequestId, Revision
from reconciler.model.observed import Observed
from reconciler.model.plan import Assessment, Deferred, Plan, State, Step, WaveState
from reconciler.plan.approval import unapproved
from reconciler.plan.archive import plan_approved, plan_quarantine, plan_record
from reconciler.plan.busy import busy_hosts, newly_busy
from reconciler.plan.by_hand import RunByHand, runs_by_hand
from reconciler.plan.case import cases_of
from reconciler.plan.courses import Course, courses_of, quarantine_in_force
from reconciler.plan.dispatch import Sending, send
from reconciler.plan.gates import Scene, first_shut, first_shut_for_changes
from reconciler.plan.observe_only import observe_only
from reconciler.plan.offer import plan_offer
from reconciler.plan.order import in_order
from reconciler.plan.presence import is_there, with_presence
from reconciler.plan.progress import late, late_at
from reconciler.plan.prune import Pruning, with_pruning
from reconciler.plan.resend import resends
from reconciler.plan.route import way
from reconciler.plan.supply import Supply, probe_errand, supply_of
from reconciler.plan.targets import targets_of
from reconciler.plan.terms import Terms
from reconciler.plan.upsert import jobs_to_claim, plan_free_jobs
from reconciler.plan.verdict import judge
from reconciler.plan.wants import Verdict
from reconciler.plan.waves import Permit, permit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one release adds to the plan."""

    steps: tuple[Step, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    hosts: tuple[Assessment, ...] = ()
    waves: tuple[WaveState, ...] = ()
    blocked: Deferred | None = None
    recheck_at: datetime | None = None
    is_ready: bool = False
    """Git's version is in force and rolled out: what depends on the release may begin."""


def plan(desired: Desired, observed: Observed, now: datetime, terms: Terms) -> Plan:
    """Return the plan for one reading.

    The same arguments always give an equal plan; when all its steps have succeeded, the next
    one is empty until a host answers or the clock moves on. What cannot be done now is deferred
    with its reason, never dropped.
    """
    busy = busy_hosts(observed, now, terms)
    via = way(observed, terms, in_flight=bool(busy))
    may_write = via is not None and not observed.freeze.frozen
    steps, deferred = plan_free_jobs(desired, observed, now, terms) if may_write else ([], [])
    again, lost = resends(desired, observed, busy, now, terms) if may_write else ([], [])
    steps, deferred = [*steps, *again], [*deferred, *lost]
    ours = frozenset(
        RequestId(attempt.request_id or attempt.wish_id) for attempt in observed.attempts.values()
    )
    by_hand = runs_by_hand(desired, observed, now, terms)
    unfinished = frozenset(release.name for release in desired.releases)
    parts: dict[ReleaseName, _Part] = {}
    for release in in_order(desired.releases):
        part = _plan_release(
            release, desired, observed, _Moment(now, terms, busy, ours, by_hand, via, unfinished)
        )
        parts[release.name] = part
        busy = busy | newly_busy(part.steps)
        if part.is_ready:
            unfinished -= {release.name}
    steps += plan_approved(desired, observed, now) if via is not None else []
    pruning = Pruning(steps=(*steps, *(step for part in parts.values() for step in part.steps)))
    if may_write:
        pruning = with_pruning(pruning.steps, desired, observed, now, terms)
    waiting = [unapproved(it, observed, parts[it.name].hosts, now) for it in desired.releases]
    lacking = {found.release: found for found in waiting if found is not None}
    found = Plan(
        revision=desired.revision,
        via=via,
        steps=pruning.steps,
        deferred=(
            *deferred,
            *(item for part in parts.values() for item in part.deferred),
            *pruning.deferred,
        ),
        claims=jobs_to_claim(desired, observed) if may_write else {},
        held_prune=pruning.held,
        hosts={name: part.hosts for name, part in parts.items()},
        waves={name: part.waves for name, part in parts.items()},
        blocked={name: part.blocked for name, part in parts.items() if part.blocked is not None},
        unapproved=lacking,
        wake_at=_earliest(
            [
                *(part.recheck_at for part in parts.values()),
                *(it.until for it in (*deferred, *lacking.values())),
            ]
        ),
    )
    return observe_only(found, observed) if terms.observe_only else found


@dataclass(frozen=True, slots=True)
class _Moment:
    now: datetime
    terms: Terms
    busy: Mapping[HostName, Attempt]
    ours: frozenset[RequestId]
    by_hand: Mapping[HostName, RunByHand]
    via: Via | None
    unfinished: frozenset[ReleaseName]


def _plan_release(release: Release, desired: Desired, observed: Observed, moment: _Moment) -> _Part:
    """Plan every course of *release*; where there are several, one at a time may change hosts.

    That is because they share a job, and at most one version of a job is in force.
    """
    courses = courses_of(release, targets_of(release, desired, observed), observed)
    judged = [_Judged(course, _verdicts(course, observed, moment)) for course in courses.parts]
    acting = _acting(judged, observed)
    parts = [_plan_course(one, desired, observed, moment, acts=one is acting) for one in judged]
    if courses.why is None:
        return parts[0]
    blocked = next((part.blocked for part in parts if part.blocked is not None), courses.why)
    offer = plan_offer(release, observed, moment.terms) if moment.via is not None else None
    steps = [step for part in parts for step in part.steps]
    return _Part(
        steps=(*steps, *([offer] if offer is not None else [])),
        deferred=(courses.why, *(item for part in parts for item in part.deferred)),
        hosts=tuple(sorted((v for part in parts for v in part.hosts), key=lambda v: v.host)),
        waves=_on_the_way_back(judged, parts),
        blocked=blocked,
        recheck_at=_earliest(part.recheck_at for part in parts),
    )


class _Judged(NamedTuple):
    course: Course
    verdicts: list[Verdict]


def _on_the_way_back(judged: Sequence[_Judged], parts: Sequence[_Part]) -> tuple[WaveState, ...]:
    """Return the waves of those who go back; who stands still is on no way anywhere."""
    both = zip(judged, parts, strict=True)
    return tuple(wave for one, part in both if one.course.goes_back for wave in part.waves)


def _verdicts(course: Course, observed: Observed, moment: _Moment) -> list[Verdict]:
    found = cases_of(course.release, course.hosts, observed, moment.now, moment.terms)
    return [judge(case) for case in found]


def _acting(judged: Sequence[_Judged], observed: Observed) -> _Judged:
    """Return the course whose commands may go: one under way, or the first with some to send."""

    def claim(one: _Judged) -> int:
        moves = any(verdict.assessment.state in _UNDER_WAY for verdict in one.verdicts)
        could = any(_is_install(item) and is_there(item, observed) for item in one.verdicts)
        return 2 if moves else 1 if could and not one.course.stands_still else 0

    return judged[0] if len(judged) == 1 else max(judged, key=claim)


_UNDER_WAY = (State.DISPATCHED, State.RUNNING)


def _plan_course(
    judged: _Judged, desired: Desired, observed: Observed, moment: _Moment, *, acts: bool
) -> _Part:
    (course, verdicts), now, terms = judged, moment.now, moment.terms
    release = course.release
    scene = Scene(
        release=release,
        observed=observed,
        hosts=tuple(verdict.assessment for verdict in verdicts),
        unfinished=moment.unfinished,
        goes_back=course.goes_back,
        in_flight=bool(moment.busy),
        now=now,
        terms=terms,
    )
    going = permit(release, scene.hosts, desired, observed, now)
    is_ready = going.done and not course.goes_back
    shut = first_shut(scene)
    if shut is not None or moment.via is None:
        return _held(verdicts, observed, shut, going.waves, is_ready=is_ready)
    may_change = acts and not course.stands_still
    supply = supply_of(release, desired, observed, now, terms) if may_change else Supply()
    changes = bool(supply.steps) or any(_is_install(verdict) for verdict in verdicts)
    shut = supply.blocked
    if shut is None and changes and may_change:
        shut = first_shut_for_changes(scene)
    kept = _kept(scene, verdicts, supply, going, desired.revision)
    if shut is not None:
        supply = Supply(blocked=shut)
    sending = Sending(
        release=release,
        observed=observed,
        busy=moment.busy,
        by_hand=moment.by_hand,
        ours=moment.ours,
        via=moment.via,
        install=supply.errand,
        probe=probe_errand(release, desired, observed, now, terms),
        permit=going,
        goes_back=course.goes_back,
        hosts=desired.hosts,
        now=now,
        terms=terms,
    )
    sent, deferred = send(sending, verdicts)
    stands, late_by = _pace(sending, verdicts, deferred)
    deferred = [item for item in (shut, *deferred, stands) if item is not None]
    person = stands if stands is not None and stands.needs_person else None
    return _Part(
        steps=(*kept, *supply.steps, *sent),
        deferred=tuple(deferred),
        hosts=with_presence(verdicts, observed),
        waves=going.waves,
        blocked=shut or person,
        recheck_at=_earliest([_recheck_at(verdicts, deferred), late_by]),
        is_ready=is_ready,
    )


def _pace(
    sending: Sending, verdicts: list[Verdict], deferred: list[Deferred]
) -> tuple[Deferred | None, datetime | None]:
    """Return why later waves wait, or the last one is late, and when it is worth checking again."""
    going = sending.permit
    if sending.install is None or going.shut is None:
        return None, None
    at = late_at(sending, verdicts, deferred)
    if at is not None and at <= sending.now:
        return late(sending.release, going.shut, at), None
    return (going.shut if going.waits else None), at


def _kept(
    scene: Scene, verdicts: list[Verdict], supply: Supply, going: Permit, revision: Revision
) -> list[Step]:
    """Return what is to be remembered of git's version: that it was good, or that it was not."""
    release, observed = scene.release, scene.observed
    if scene.goes_back or quarantine_in_force(release, observed) is not None:
        return []
    record = None
    if supply.errand is not None and not supply.steps:
        record = plan_record(release, scene.hosts, observed, revision, scene.now)
    quarantine = plan_quarantine(scene, verdicts, going.lost)
    return [step for step in (record, quarantine) if step is not None]


def _held(
    verdicts: list[Verdict],
    observed: Observed,
    shut: Deferred | None,
    waves: tuple[WaveState, ...],
    *,
    is_ready: bool,
) -> _Part:
    """Everything of the release waits; it is reported only when there is something that waits."""
    wanted = any(verdict.want is not None for verdict in verdicts)
    held = shut if shut is not None and (wanted or shut.reason == "Suspended") else None
    deferred = (held,) if held is not None else ()
    return _Part(
        deferred=deferred,
        hosts=with_presence(verdicts, observed),
        waves=waves,
        blocked=held,
        recheck_at=_recheck_at(verdicts, deferred),
        is_ready=is_ready,
    )


def _recheck_at(verdicts: Iterable[Verdict], deferred: Iterable[Deferred]) -> datetime | None:
    return _earliest(
        [*(verdict.recheck_at for verdict in verdicts), *(item.until for item in deferred)]
    )


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _is_install(verdict: Verdict) -> bool:
    return verdict.want is not None and verdict.want.wish.purpose is Purpose.INSTALL
