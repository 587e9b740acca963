"""kanade itself: its jobs, its backend, and the way of a command to a host."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from reconciler.model.action import UpsertJob
from reconciler.model.attempt import Attempt
from reconciler.model.identity import ExecId, HostName, JobId, Json, RequestId, Version
from reconciler.model.observed import AgentTarget, BackendState, LiveJob
from reconciler.model.report import Execution, RunFinished
from reconciler.ports.reading import Reading


class Catalogue(Reading, Protocol):
    """kanade's job catalogue, read over NATS."""

    def live(self) -> Mapping[JobId, LiveJob]:
        """Return every job with its pin and whether it is revoked."""


class Backend(Protocol):
    """kanade's HTTP API."""

    async def state(self) -> BackendState:
        """Return whether it can be written through; silence is `DOWN`, no error.

        Raises:
            Unauthorized: it answers, and refuses our token.
        """

    async def manifest_schema(self) -> Mapping[str, Json] | None:
        """Return the JSON Schema of the jobs that it takes; `None` where there is no backend."""


class Executions(Protocol):
    """What kanade's backend has written down of execs, and of how they ended."""

    async def of_job(self, job: JobId) -> Sequence[Execution]:
        """Return the newest execs of *job*, the newest first; none without a backend.

        Raises:
            KanadeUnavailable: no answer.
            KanadeRefused: the token may not see them.
        """

    async def runs_of(self, exec_id: ExecId) -> Mapping[HostName, RequestId]:
        """Return the hosts whose agent is known to have run it; raises as `of_job`."""

    async def result_of(self, attempt: Attempt) -> RunFinished | None:
        """Return how the run of *attempt* ended, as far as the backend knows; raises as `of_job`.

        Its time is the agent's own, as the stream that took the result in may have lost it.
        """


class Jobs(Protocol):
    """kanade's job catalogue, to be written."""

    async def upsert(self, action: UpsertJob, yaml: str) -> None:
        """Write the manifest, its YAML and the version pin, the pin readable before this returns.

        Raises:
            KanadeRefused: kanade does not accept the manifest.
        """

    async def delete(self, job: JobId) -> None:
        """Revoke the job, then remove its manifest; its YAML stays. An absent one is no error.

        Raises:
            KanadeRefused: a schedule still names it.
            Conflict: somebody has changed it since it was read.
        """

    async def unrevoke(self, job: JobId) -> None:
        """Put a job back in use: what a deletion has left of it."""


class Runner(Protocol):
    """A way to send a command to a host."""

    @property
    def answers_within(self) -> timedelta:
        """How long `send` may take at the most."""

    def prepare(self, attempt: Attempt, manifest: Mapping[str, Json]) -> Attempt:
        """Return *attempt* with the exact payload that `send` will send; no effect, no I/O."""

    async def send(self, attempt: Attempt) -> Attempt:
        """Send the attempt's exact payload; return it with the ids and times that are now known.

        Raises:
            KanadeRefused: it was not sent, and will not be.
            KanadeUnavailable: it may have been sent: only the host's slot can show whether it was.
        """


class Agents(Reading, Protocol):
    """The agents' own releases."""

    def releases(self) -> frozenset[Version]:
        """Return the versions that hosts can be set to run."""

    def targets(self) -> Mapping[HostName, AgentTarget]:
        """Return the version set for each host by itself."""


class AgentRollout(Protocol):
    """The agents' own update."""

    async def roll_out(self, host: HostName, version: Version) -> None:
        """Set the agent of *host* to run *version*.

        Raises:
            KanadeRefused: there is no such release.
        """
