"""Agents first: a host whose agent is too old for a release is brought to a newer one before."""

from datetime import datetime, timedelta

from reconciler.model.action import RolloutAgent
from reconciler.model.desired import Release
from reconciler.model.identity import HostName
from reconciler.model.observed import AgentTarget, Observed
from reconciler.model.plan import Deferred, Step
from reconciler.plan.host_gates import AGENT_TOO_OLD

UPDATING = "AgentUpdating"
_PATIENCE = timedelta(minutes=30)
"""How long an agent may take to update itself; later it takes no other host's place any more."""


def plan_agent(
    release: Release, host: HostName, observed: Observed, now: datetime, message: str
) -> Step | Deferred:
    """Return the step that has *host* update its agent, or why there is none.

    *message* says how old the agent is. Once its version is set it updates itself, and its
    heartbeat shows when it is done; one that does not in half an hour is for a person.
    """
    target = release.upgrade_agent
    if target is None:
        text = f"{message}: name an `upgrade_agent` in the release, or: kanade agent rollout"
        return _needs_person(release, host, AGENT_TOO_OLD, text)
    current = observed.agent_targets.get(host)
    if current is not None and current.version == target:
        return _updating(release, host, current, now, message)
    if target not in observed.agent_releases:
        text = f"{message}; agent release {target} is not published: kanade agent publish"
        return _needs_person(release, host, "AgentReleaseMissing", text)
    return Step(
        action=RolloutAgent(host=host, version=target),
        release=release.name,
        reason=AGENT_TOO_OLD,
        message=message,
    )


def _updating(
    release: Release, host: HostName, target: AgentTarget, now: datetime, message: str
) -> Deferred:
    until = target.at + _PATIENCE
    if until <= now:
        text = (
            f"{message}; it was set at {target.at:%Y-%m-%d %H:%M:%S} UTC to run {target.version}, "
            f"and does not: reconciler logs {host}"
        )
        return _needs_person(release, host, "AgentUpdateStuck", text)
    text = f"{message}; it is set to run {target.version}"
    return Deferred(release=release.name, host=host, reason=UPDATING, message=text, until=until)


def _needs_person(release: Release, host: HostName, reason: str, message: str) -> Deferred:
    return Deferred(
        release=release.name, host=host, reason=reason, message=message, needs_person=True
    )
