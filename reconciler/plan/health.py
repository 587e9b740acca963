"""Health of a service after its host was proved: healthy for the whole soak, or not."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.plan import Assessment, State
from reconciler.plan.case import Case
from reconciler.plan.wants import Verdict

_START_UP = timedelta(minutes=5)
"""For so long after it was first proved, an install answers for its service's health."""


def with_health(case: Case, verdict: Verdict) -> Verdict:
    """Return *verdict* on a proved host with what its health check says.

    Later than the soak, or than five minutes, bad health is reported and nothing is undone for it:
    by then it may have any cause. After a restart of ours nothing is known, which is no failure.
    """
    view, health = verdict.assessment, case.health
    if case.release.verify.http is None or view.state is not State.CONVERGED:
        return verdict
    if health is None:
        return _unknown(verdict) if _is_fresh(case, view) else verdict
    if health.ok:
        since = max(view.healthy_since or health.since, health.since)
        healthy_since = since if _is_fresh(case, view) else view.healthy_since
        return replace(verdict, assessment=replace(view, healthy_since=healthy_since))
    if _is_fresh(case, view):
        return replace(verdict, assessment=_failed(view, health.message))
    return replace(verdict, assessment=replace(view, unhealthy=health.message))


def _is_fresh(case: Case, view: Assessment) -> bool:
    """True while the service's health is that of our own install of this very release."""
    if not case.is_ours or view.healthy_since is None:
        return False
    watched = max(case.release.rollout.soak, _START_UP)
    told_at = case.health.since if case.health is not None else case.now
    return told_at <= view.healthy_since + watched


def _unknown(verdict: Verdict) -> Verdict:
    message = "its probe has proved it; its health is not known yet"
    view = replace(
        verdict.assessment, state=State.VERIFYING, reason="HealthUnknown", message=message
    )
    return replace(verdict, assessment=view)


def _failed(view: Assessment, said: str) -> Assessment:
    failure = Failure(
        kind=FailureClass.UNHEALTHY,
        cause=f"it runs, but its service is not well: {said}",
        fix="read the service's log on the host, then commit a version that stays well",
        next=Next.ROLL_BACK,
        install_intact=False,
    )
    return replace(
        view, state=State.FAILED, reason=str(failure.kind), message=failure.cause, failure=failure
    )
