"""Whether a plan would change a host or kanade, now or when something ends its wait; pure."""

from reconciler.model.plan import Deferred, Plan, State
from reconciler.plan.forecast import OF_THE_ROLLOUT


def is_outstanding(plan: Plan) -> bool:
    """True when *plan* has steps, or holds back what would change a host or kanade.

    A wave that soaks holds nothing back where every host of its release is proved.
    """
    return bool(plan.steps) or any(_holds_back(item, plan) for item in plan.deferred)


def _holds_back(item: Deferred, plan: Plan) -> bool:
    views = plan.hosts.get(item.release, ())
    done = bool(views) and all(view.state is State.CONVERGED for view in views)
    return not (done and item.reason in OF_THE_ROLLOUT)
