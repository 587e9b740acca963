"""One trace from a commit to its proof, as values; pure.

The trace of a change has the first 32 digits of its commit for a name, and every span's id
follows from what it is about: passes, restarts and other controllers all add to the same trace,
and what is reported twice is the same span.

    change               from the commit to the proof on every host, or to where it failed
      source.fetch       how it came here
      plan               reading and planning, in a pass that did something
        step             one action; of a command until it is handed over
          command        from its send to its result
            result       the run itself, as the host reports it
            proof        the same of a probe
      mended             from the failure to the proof, where one follows after all
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.model.action import ExecJob, ProbeHost, ResendCommand
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import ReleaseName, Revision
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.status import Change, ReleaseStatus, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took time; ids are lowercase hex, as in W3C's trace context."""

    trace: str
    id: str
    parent: str | None
    name: str
    began: datetime
    ended: datetime
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """When the revision that is in force was fetched."""

    revision: Revision
    began: datetime
    ended: datetime


def spans(before: Status, after: Status, applied: Applied, fetch: Fetch | None) -> Iterator[Span]:
    """Yield what a pass adds to the traces of the changes that are not proved yet."""
    yield from _removed(before, after, applied)
    for name, release in sorted(after.releases.items()):
        earlier = before.releases.get(name)
        yield from _replaced(earlier, release)
        change = release.change
        if change is None or change.committed_at is None or _was_proved(earlier, release):
            continue
        trace, about = _Trace(name, change), _of(release)
        root = trace.id("change")
        if fetch is not None and fetch.revision == change.revision:
            yield trace.span(("source.fetch",), root, (fetch.began, fetch.ended), about)
        yield from _plan(trace, release, applied)
        for view in applied.plan.hosts.get(name, ()):
            for attempt in (view.install, view.probe):
                if attempt is not None and attempt.wish.fingerprint == release.fingerprint:
                    yield from _command(trace, attempt)
        yield from _ends(trace, change, about)


def _ends(trace: "_Trace", change: Change, about: Mapping[str, str | int]) -> Iterator[Span]:
    """Yield the root once its end is known: the proof, or the first failure before it.

    What has failed may be proved later, by another try; its root has ended by then.
    """
    ends = [at for at in (change.failed_at, change.proved_at) if at is not None]
    if not ends or change.committed_at is None:
        return
    failed = change.failed_at is not None
    root = trace.span(("change",), None, (change.committed_at, ends[0]), about)
    yield replace(root, failed=failed)
    if failed and change.proved_at is not None:
        yield trace.span(("mended",), root.id, (ends[0], change.proved_at), about)


def _replaced(earlier: ReleaseStatus | None, release: ReleaseStatus) -> Iterator[Span]:
    """Yield the root of a change that another took the place of before it came to any end."""
    if earlier is not None and earlier.fingerprint != release.fingerprint and release.past:
        yield from _given_up(earlier, release.past[0].replaced_at, "Replaced")


def _removed(before: Status, after: Status, applied: Applied) -> Iterator[Span]:
    """Yield the roots of changes whose releases have left git before they came to any end."""
    for name, earlier in sorted(before.releases.items()):
        if name not in after.releases:
            yield from _given_up(earlier, applied.planned, "Removed")


def _given_up(earlier: ReleaseStatus, gone: datetime | None, why: str) -> Iterator[Span]:
    old = earlier.change
    if old is None or old.committed_at is None or gone is None or old.proved_at or old.failed_at:
        return
    trace = _Trace(earlier.name, old)
    root = trace.span(("change",), None, (old.committed_at, gone), _of(earlier))
    yield replace(root, attributes={**root.attributes, "error.type": why}, failed=True)


def _was_proved(earlier: ReleaseStatus | None, release: ReleaseStatus) -> bool:
    same = earlier is not None and earlier.fingerprint == release.fingerprint
    old = earlier.change if earlier is not None and same else None
    return old is not None and old.proved_at is not None


class _Trace:
    """Makes the spans of one change of one release."""

    def __init__(self, release: ReleaseName, change: Change) -> None:
        self._release = release
        self._revision = change.revision

    def id(self, *parts: str) -> str:
        text = "\0".join((self._revision, self._release, *parts))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def span(
        self,
        about: tuple[str, ...],
        parent: str | None,
        times: tuple[datetime, datetime],
        attributes: Mapping[str, str | int],
    ) -> Span:
        """Return the span that is named by the first word of *about*."""
        return Span(
            trace=self._revision[:32],
            id=self.id(*about),
            parent=parent,
            name=about[0],
            began=times[0],
            ended=times[1],
            attributes=attributes,
        )


def _plan(trace: _Trace, release: ReleaseStatus, applied: Applied) -> Iterator[Span]:
    steps = [item for item in applied.outcomes if item.step.release == release.name and item.began]
    if not steps or applied.began is None or applied.planned is None:
        return
    plan = trace.span(
        ("plan", applied.began.isoformat()),
        trace.id("change"),
        (applied.began, applied.planned),
        {**_of(release), "steps": len(steps)},
    )
    yield plan
    for item in steps:
        yield from _step(trace, plan, item)


def _step(trace: _Trace, plan: Span, item: StepOutcome) -> Iterator[Span]:
    if item.began is None or item.ended is None:
        return
    action = item.step.action
    about = action.key + item.began.isoformat()
    if isinstance(action, ExecJob | ProbeHost | ResendCommand):
        about = action.attempt.wish_id
    span = trace.span(
        ("step", about),
        plan.id,
        (item.began, item.ended),
        {"action": action.key, "why": item.step.reason, "error.type": item.reason},
    )
    yield replace(span, failed=item.state is not StepState.DONE)


def _command(trace: _Trace, attempt: Attempt) -> Iterator[Span]:
    outcome, sent_at = attempt.outcome, attempt.sent_at
    if outcome is None or sent_at is None:
        return
    attributes: dict[str, str | int] = {
        "host": attempt.wish.host,
        "job": attempt.job,
        "attempt": attempt.number,
        "exit_code": outcome.exit_code,
    }
    wish, failed = attempt.wish_id, not outcome.succeeded
    end = "proof" if attempt.wish.purpose is Purpose.PROBE else "result"
    ran = (attempt.started_at or sent_at, outcome.at)
    parent = trace.id("step", wish)
    command = trace.span(("command", wish), parent, (sent_at, outcome.at), attributes)
    yield replace(command, failed=failed)
    yield replace(trace.span((end, wish), command.id, ran, attributes), failed=failed)


def _of(release: ReleaseStatus) -> dict[str, str | int]:
    return {
        "release": release.name,
        "package": release.package,
        "version": release.version,
        "revision": release.change.revision if release.change is not None else release.revision,
    }
