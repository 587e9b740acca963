"""Which hosts get a command in this pass, out of those that need one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.action import ActionKey, ExecJob, ProbeHost
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import Host, JobSpec, Release
from reconciler.model.fingerprint import wish_id
from reconciler.model.identity import Fingerprint, HostName, Json, ObjectRef, RequestId, Version
from reconciler.model.observed import UNSEEN, Observed, Presence
from reconciler.model.plan import Assessment, Deferred, State, Step
from reconciler.model.policy import Window
from reconciler.plan.agents import UPDATING, plan_agent
from reconciler.plan.approval import override_of
from reconciler.plan.by_hand import RunByHand
from reconciler.plan.courses import good_records, last_good
from reconciler.plan.host_gates import AGENT_TOO_OLD, HostScene, host_shut, renamed
from reconciler.plan.terms import Terms
from reconciler.plan.wants import Verdict, Want
from reconciler.plan.waves import Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a host is sent: a job in the version and with the script that stand by then."""

    job: JobSpec
    version: Version
    manifest: Mapping[str, Json] = field(repr=False)
    script: ObjectRef | None = None
    script_sha256: str | None = None
    after: tuple[ActionKey, ...] = ()


_ABSENCE = timedelta(minutes=30)
"""How long a host that went away between its install and its proof keeps its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Everything that decides on the commands of one release."""

    release: Release
    observed: Observed
    busy: Mapping[HostName, Attempt]
    by_hand: Mapping[HostName, RunByHand]
    ours: frozenset[RequestId]
    """The commands that we have sent: finding one of them in a slot is no surprise."""
    via: Via
    install: Errand | None
    """`None` when the job or its script are not to be used now."""
    probe: Errand | None
    permit: Permit
    goes_back: bool
    """The release is a kept record that hosts return to."""
    hosts: Mapping[HostName, Host]
    """How the repository declares them."""
    now: datetime
    terms: Terms


def send(sending: Sending, verdicts: Iterable[Verdict]) -> tuple[list[Step], list[Deferred]]:
    """Return the commands that may go now, and why the others may not.

    Never more than `max_in_flight` hosts of the release at a time, those whose agent updates
    itself included, and one command a host.
    """
    verdicts = tuple(verdicts)
    planned: list[Step | Deferred] = [
        _left(sending.release, verdict) for verdict in verdicts if verdict.held
    ]
    prepared = list(_prepared(sending, verdicts))
    updating = sum(
        isinstance(found, Deferred) and found.reason == UPDATING for *_, found in prepared
    )
    room = sending.release.rollout.max_in_flight - _in_flight(sending, verdicts) - updating
    waiting = 0
    for want, errand, found in prepared:
        if isinstance(found, Deferred):
            planned.append(found)
        elif want.wish.purpose is Purpose.PROBE:
            planned.append(_step(sending, want, errand))
        elif room <= 0:
            waiting += 1
        else:
            room -= 1
            planned.append(found or _step(sending, want, errand))
    if waiting:
        planned.append(_full(sending, waiting, verdicts))
    steps = [item for item in planned if isinstance(item, Step)]
    return steps, [item for item in planned if isinstance(item, Deferred)]


def _prepared(
    sending: Sending, verdicts: tuple[Verdict, ...]
) -> Iterator[tuple[Want, Errand, Step | Deferred | None]]:
    """Yield what hosts need, and what comes before it there: nothing, a wait, or a newer agent."""
    strangers = _Strangers(sending)
    for want, errand in _due(sending, verdicts):
        shut = strangers.check(_scene(sending, want))
        is_old = shut is not None and shut.reason == AGENT_TOO_OLD
        yield want, errand, _agent(sending, want, shut) if shut is not None and is_old else shut


def _agent(sending: Sending, want: Want, shut: Deferred) -> Step | Deferred:
    return plan_agent(sending.release, want.wish.host, sending.observed, sending.now, shut.message)


def _due(sending: Sending, verdicts: tuple[Verdict, ...]) -> Iterator[tuple[Want, Errand]]:
    """Yield what hosts need, where there is a job for it and it is their turn."""
    for verdict in verdicts:
        want = verdict.want
        errand = _errand(sending, want)
        if want is not None and errand is not None and _has_its_turn(sending, want):
            yield want, errand


class _Strangers:
    """Distinguishes an offline host that may be online under another name from one just offline."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._known: dict[str, HostName] | None = None

    def check(self, scene: HostScene) -> Deferred | None:
        """Return why nothing can be sent to the host of *scene* now, `None` when it can."""
        shut = host_shut(scene)
        if shut is None or shut.reason != "HostOffline":
            return shut
        if self._known is None:
            self._known = _strangers(self._sending)
        return renamed(scene, self._known) or shut


def _strangers(sending: Sending) -> dict[str, HostName]:
    """Return the online hosts that the repository does not know, by all their names."""
    return {
        name.lower(): host
        for host, state in sending.observed.hosts.items()
        if state.presence is Presence.ONLINE and host not in sending.hosts
        for name in (state.hostname, host)
        if name is not None
    }


def _scene(sending: Sending, want: Want) -> HostScene:
    observed, host = sending.observed, want.wish.host
    slot = observed.slots.get(host)
    is_ours = slot is not None and slot.request_id in sending.ours
    return HostScene(
        release=sending.release,
        host=host,
        state=observed.hosts.get(host, UNSEEN),
        busy=sending.busy.get(host),
        by_hand=sending.by_hand.get(host),
        slot=None if is_ours else slot,
        windows=_windows(sending, want),
        lowest_agent=_lowest_agent(sending.release, want),
        via=sending.via,
        skew=sending.terms.clock_skew,
        now=sending.now,
    )


def _lowest_agent(release: Release, want: Want) -> Version | None:
    """Return what the release asks of agents; of one that has proved too old, the newer one."""
    if want.wish.purpose is Purpose.PROBE:
        return None
    was_too_old = want.reason == AGENT_TOO_OLD and release.upgrade_agent is not None
    return release.upgrade_agent if was_too_old else release.requires_agent


def _windows(sending: Sending, want: Want) -> tuple[Window, ...]:
    """Return the host's own windows; a probe needs none, nor a rollback, nor an override."""
    said = sending.hosts.get(want.wish.host)
    free = sending.goes_back or want.wish.purpose is Purpose.PROBE
    if said is None or not said.windows or free:
        return ()
    release, observed = sending.release, sending.observed
    return () if override_of(release, observed, sending.now) else said.windows


def _has_its_turn(sending: Sending, want: Want) -> bool:
    return want.wish.purpose is Purpose.PROBE or want.wish.host in sending.permit.hosts


def _in_flight(sending: Sending, verdicts: tuple[Verdict, ...]) -> int:
    """Count the hosts whose install is on its way, runs, or has yet to be proved.

    One that went away in between keeps its place for half an hour: a version that takes hosts off
    the network takes no more of them at a time, and a host that is switched off stalls nobody.
    """
    return sum(_takes_room(sending, verdict.assessment) for verdict in verdicts)


def _takes_room(sending: Sending, view: Assessment) -> bool:
    gives_up_at = _gives_up_at(sending, view)
    if gives_up_at is not None:
        return sending.now < gives_up_at
    return view.state in (State.DISPATCHED, State.RUNNING, State.VERIFYING)


def _gives_up_at(sending: Sending, view: Assessment) -> datetime | None:
    """Return when a host that is offline before its proof makes room for others."""
    if view.state is not State.VERIFYING:
        return None
    if sending.observed.hosts.get(view.host, UNSEEN).presence is not Presence.OFFLINE:
        return None
    install = view.install
    if install is None:
        return sending.now
    return (install.outcome.at if install.outcome is not None else install.intended_at) + _ABSENCE


def _errand(sending: Sending, want: Want | None) -> Errand | None:
    if want is None:
        return None
    return sending.probe if want.wish.purpose is Purpose.PROBE else sending.install


def _step(sending: Sending, want: Want, errand: Errand) -> Step:
    attempt = _attempt(sending, want, errand)
    if want.wish.purpose is Purpose.PROBE:
        action: ExecJob | ProbeHost = ProbeHost(attempt=attempt, manifest=errand.manifest)
    else:
        action = ExecJob(attempt=attempt, manifest=errand.manifest)
    return Step(
        action=action,
        release=sending.release.name,
        reason=want.reason,
        message=want.message,
        after=errand.after,
    )


def _attempt(sending: Sending, want: Want, errand: Errand) -> Attempt:
    wish, observed = want.wish, sending.observed
    slot = observed.slots.get(wish.host)
    before = observed.attempts.get((wish.release, wish.host, wish.purpose))
    return Attempt(
        wish=wish,
        wish_id=wish_id(wish),
        package=sending.release.package,
        version=errand.version,
        job=errand.job.id,
        script=errand.script,
        script_sha256=errand.script_sha256,
        via=sending.via,
        timeout=errand.job.timeout,
        intended_at=sending.now,
        deadline_at=sending.now + sending.terms.dispatch_deadline,
        number=want.number,
        slot_before=slot.sequence if slot is not None else 0,
        returns_to=_returns_to(sending, want),
        earlier=before.ended if before is not None else (),
        heals=want.heals,
    )


def _returns_to(sending: Sending, want: Want) -> Fingerprint | None:
    """Name the record to go back to, should the install fail.

    A host that runs what was never kept would have gone back to an earlier one, and still does.
    """
    release, host, observed = sending.release, want.wish.host, sending.observed
    if want.wish.purpose is Purpose.PROBE:
        return None
    if sending.goes_back:
        return release.fingerprint
    kept = good_records(release, observed)
    record = last_good(release, host, observed, kept)
    if record is not None:
        return record.fingerprint
    before = observed.attempts.get((release.name, host, Purpose.INSTALL))
    still = (one.fingerprint for one in kept if before and one.fingerprint == before.returns_to)
    return next(still, None)


def _left(release: Release, verdict: Verdict) -> Deferred:
    message = f"{verdict.assessment.message}; {verdict.held}"
    host = verdict.assessment.host
    return Deferred(release=release.name, host=host, reason="DriftReported", message=message)


def _full(sending: Sending, waiting: int, verdicts: tuple[Verdict, ...]) -> Deferred:
    limit = sending.release.rollout.max_in_flight
    moments = (_gives_up_at(sending, verdict.assessment) for verdict in verdicts)
    return Deferred(
        release=sending.release.name,
        reason="MaxInFlight",
        message=f"{waiting} more hosts wait: at most {limit} at a time",
        until=min((at for at in moments if at is not None and at > sending.now), default=None),
    )
