"""A plan as lines of text, for the command line and the page alike; readable without colour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.model.action import (
    DeleteJob,
    DeletePackage,
    DeleteScript,
    ExecJob,
    ForgetRecord,
    KeepRecord,
    OfferRevert,
    ProbeHost,
    PublishPackage,
    PublishScript,
    QuarantineRelease,
    ReadBack,
    ResendCommand,
    RolloutAgent,
    UpsertJob,
)
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName
from reconciler.model.plan import PRUNE_HELD, Assessment, Deferred, Plan, State, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that will be done or is held: a mark, what it is, and why."""

    mark: str
    """`+` something new, `~` something changed, `-` something deleted, `>` a command to a host,
    `!` a failure that ends a rollout, `.` not now."""
    what: str
    why: str
    more: str = ""
    """The reason, and what the thing is called elsewhere, as in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A release, or the jobs that no release owns, with its lines."""

    title: str
    lines: tuple[Line, ...]


def explain(plan: Plan, desired: Desired) -> tuple[Section, ...]:
    """Return *plan* by release; one with nothing to do shows what is proved."""
    sections = [
        Section(title=_title(release, plan), lines=tuple(_release_lines(release, plan)))
        for release in desired.releases
    ]
    loose = [(step, _step_line(step)) for step in plan.steps if step.release is None]
    free = [line for step, line in loose if not isinstance(step.action, _Gone)]
    gone = [line for step, line in loose if isinstance(step.action, _Gone)]
    for item in plan.deferred:
        if not item.release:
            (gone if item.reason == PRUNE_HELD else free).append(_deferred_line(item))
    if plan.held_prune is not None:
        why = "it waits for a person's approval"
        gone += [Line(mark=".", what=f"delete {item}", why=why) for item in plan.held_prune.items]
    if free:
        sections.insert(0, Section(title="jobs of no release", lines=tuple(free)))
    if gone:
        sections.append(Section(title="no longer needed", lines=tuple(gone)))
    return tuple(sections)


def _title(release: Release, plan: Plan) -> str:
    views = plan.hosts.get(release.name, ())
    done = sum(view.state is State.CONVERGED for view in views)
    return f"{release.name} {release.version}: {done} of {len(views)} hosts proved"


def _release_lines(release: Release, plan: Plan) -> Iterator[Line]:
    for step in plan.steps:
        if step.release == release.name:
            yield _step_line(step)
    for item in plan.deferred:
        if item.release == release.name:
            yield _deferred_line(item)
    explained: Mapping[HostName | None, Deferred] = {
        item.host: item for item in plan.deferred if item.release == release.name
    }
    for view in plan.hosts.get(release.name, ()):
        if view.state in _WORTH_A_LINE and view.host not in explained:
            yield _host_line(view)


_WORTH_A_LINE = (
    State.DISPATCHED,
    State.RUNNING,
    State.VERIFYING,
    State.FAILED,
    State.TIMED_OUT,
)


def _step_line(step: Step) -> Line:
    return replace(_said(step), more=f"{step.reason}  {step.action.key}")


def _said(step: Step) -> Line:
    match step.action:
        case PublishPackage() | PublishScript() | ReadBack() as action:
            return Line(mark="+", what=_supplying(action), why=step.message)
        case UpsertJob() as action:
            mark = "+" if step.reason == "JobMissing" else "~"
            what = f"register job {action.job_id} {action.version}"
            return Line(mark=mark, what=what, why=step.message)
        case KeepRecord() | QuarantineRelease() | OfferRevert() as action:
            return _memory(action, step.message)
        case RolloutAgent(host=host, version=version):
            return Line(mark=">", what=f"update agent of {host} to {version}", why=step.message)
        case DeletePackage() | DeleteScript() | DeleteJob() | ForgetRecord() as action:
            return Line(mark="-", what=_removal(action), why=step.message)
        case command:
            return Line(mark=">", what=_command(command), why=step.message)


def _supplying(action: PublishPackage | PublishScript | ReadBack) -> str:
    match action:
        case PublishPackage(ref=ref):
            return f"publish package {ref}"
        case PublishScript(ref=ref):
            return f"publish script {ref}"
        case ReadBack(kind=kind, ref=ref):
            return f"read {kind} {ref} back"


def _memory(action: KeepRecord | QuarantineRelease | OfferRevert, why: str) -> Line:
    match action:
        case KeepRecord(record=record, as_approved=as_approved):
            how = "approved" if as_approved else "proved"
            what = f"keep {record.release} {record.version} as {how}"
            return Line(mark="+", what=what, why=why)
        case QuarantineRelease(quarantine=found):
            return Line(mark="!", what=f"quarantine {found.release} {found.version}", why=why)
        case OfferRevert(back_to=record):
            what = f"offer a branch that reverts {record.release} to {record.version}"
            return Line(mark="+", what=what, why=why)


_Gone = DeletePackage | DeleteScript | DeleteJob | ForgetRecord


def _removal(action: DeletePackage | DeleteScript | DeleteJob | ForgetRecord) -> str:
    match action:
        case DeletePackage(ref=ref):
            return f"delete package {ref}"
        case DeleteScript(ref=ref):
            return f"delete script {ref}"
        case DeleteJob(job_id=job, version=version):
            return f"delete job {job} {version}"
        case ForgetRecord(release=release, version=version):
            return f"forget that {release} {version} was proved"


def _command(action: ExecJob | ProbeHost | ResendCommand) -> str:
    job, host = action.attempt.job, action.attempt.wish.host
    match action:
        case ExecJob():
            return f"exec {job} on {host}"
        case ProbeHost():
            return f"probe {host} with {job}"
        case ResendCommand():
            return f"resend {job} to {host}"


def _deferred_line(item: Deferred) -> Line:
    what = f"not now: {item.host}" if item.host is not None else "not now"
    ends = f"until {item.until:%Y-%m-%dT%H:%M:%SZ}" if item.until is not None else ""
    more = "until a person acts" if item.needs_person else ends
    return Line(mark=".", what=what, why=f"{item.reason}: {item.message}", more=more)


def _host_line(view: Assessment) -> Line:
    fix = f"; {view.failure.fix}" if view.failure is not None else ""
    ids = (attempt.exec_id or attempt.wish_id for attempt in (view.install,) if attempt)
    more = "  ".join([view.reason, *ids])
    return Line(
        mark="=", what=f"{view.host} is {view.state}", why=f"{view.message}{fix}", more=more
    )
