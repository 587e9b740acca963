"""The ways of writing to kanade."""

from dataclasses import dataclass

from reconciler.ports import AgentRollout, Jobs, Objects, Runner


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of writing to kanade: over NATS, or through the backend."""

    packages: Objects
    scripts: Objects
    jobs: Jobs
    runner: Runner
    agents: AgentRollout
