"""Who is online: a host that needs something and is offline is that before anything else."""

from collections.abc import Iterable

from msgspec.structs import replace

from reconciler.model.observed import Observed, Presence
from reconciler.model.plan import Assessment, State
from reconciler.plan.wants import Verdict


def is_there(verdict: Verdict, observed: Observed) -> bool:
    """True when the host is known to be online."""
    state = observed.hosts.get(verdict.assessment.host)
    return state is not None and state.presence is Presence.ONLINE


def with_presence(verdicts: Iterable[Verdict], observed: Observed) -> tuple[Assessment, ...]:
    """Return what is shown of the hosts: those that need something and do not answer as offline."""
    return tuple(_seen(verdict, observed) for verdict in verdicts)


def _seen(verdict: Verdict, observed: Observed) -> Assessment:
    view = verdict.assessment
    state = observed.hosts.get(view.host)
    away = state is not None and state.presence is Presence.OFFLINE
    if not away or verdict.want is None or view.state is State.CONVERGED:
        return view
    message = f"offline; {view.message}"
    return replace(view, state=State.OFFLINE, reason="HostOffline", message=message)
