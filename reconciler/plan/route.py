"""Which way writes to kanade go: through its backend, over NATS, or not now."""

from reconciler.model.attempt import Via
from reconciler.model.observed import BackendState, Observed
from reconciler.plan.terms import Mode, Terms


def way(observed: Observed, terms: Terms, *, in_flight: bool) -> Via | None:
    """Return which way writes to kanade go now; `None` when they have to wait.

    With `observe_only` it is NATS, where a probe needs no job in the catalogue.
    While one of our own commands is in flight a backend that is away is most likely being
    replaced by it, so nothing is written behind its back.
    """
    if terms.observe_only or terms.mode is Mode.NATS or observed.backend is BackendState.NONE:
        return Via.NATS
    if observed.backend is BackendState.UP:
        return Via.HTTP
    return Via.NATS if terms.mode is Mode.AUTO and not in_flight else None
