"""A plan as lines of text, for the command line and the page alike; readable without colour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.action import (
    ExecJob,
    ProbeHost,
    PublishPackage,
    PublishScript,
    ResendCommand,
    UpsertJob,
)
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName
from reconciler.model.plan import Assessment, Deferred, Plan, State, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that will be done or is held: a mark, what it is, and why."""

    mark: str
    """`+` something new, `~` something changed, `>` a command to a host, `.` not now."""
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A release, or the jobs that no release owns, with its lines."""

    title: str
    lines: tuple[Line, ...]


def explain(plan: Plan, desired: Desired) -> tuple[Section, ...]:
    """Return *plan* by release; a release with nothing to do says what is proved."""
    sections = [
        Section(title=_title(release, plan), lines=tuple(_release_lines(release, plan)))
        for release in desired.releases
    ]
    free = [_step_line(step) for step in plan.steps if step.release is None]
    free += [_deferred_line(item) for item in plan.deferred if not item.release]
    if free:
        sections.insert(0, Section(title="jobs of no release", lines=tuple(free)))
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
    told: Mapping[HostName | None, Deferred] = {
        item.host: item for item in plan.deferred if item.release == release.name
    }
    for view in plan.hosts.get(release.name, ()):
        if view.state in _WORTH_A_LINE and view.host not in told:
            yield _host_line(view)


_WORTH_A_LINE = (
    State.DISPATCHED,
    State.RUNNING,
    State.VERIFYING,
    State.FAILED,
    State.TIMED_OUT,
)


def _step_line(step: Step) -> Line:
    match step.action:
        case PublishPackage(ref=ref):
            return Line(mark="+", what=f"publish package {ref}", why=step.message)
        case PublishScript(ref=ref):
            return Line(mark="+", what=f"publish script {ref}", why=step.message)
        case UpsertJob() as action:
            mark = "+" if step.reason == "JobMissing" else "~"
            what = f"register job {action.job_id} {action.version}"
            return Line(mark=mark, what=what, why=step.message)
        case ExecJob(attempt=attempt):
            return _command(step, f"exec {attempt.job} on {attempt.wish.host}")
        case ProbeHost(attempt=attempt):
            return _command(step, f"probe {attempt.wish.host} with {attempt.job}")
        case ResendCommand(attempt=attempt):
            return _command(step, f"resend {attempt.job} to {attempt.wish.host}")


def _command(step: Step, what: str) -> Line:
    return Line(mark=">", what=what, why=step.message)


def _deferred_line(item: Deferred) -> Line:
    what = f"not now: {item.host}" if item.host is not None else "not now"
    return Line(mark=".", what=what, why=f"{item.reason}: {item.message}")


def _host_line(view: Assessment) -> Line:
    fix = f"; {view.failure.fix}" if view.failure is not None else ""
    return Line(mark="=", what=f"{view.host} is {view.state}", why=f"{view.message}{fix}")
