"""What belongs to what: releases with all that they stand on, and jobs of no release; pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.plan import State
from reconciler.model.status import HostStatus, JobStatus, ReleaseStatus, Status, WaveStatus

_FEW = 10
"""So many hosts of a wave in the same good state are named; more are counted."""
_SELF_EXPLAINING = (State.CONVERGED, State.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A thing, how it stands, and what belongs to it."""

    kind: str
    name: str
    state: str = ""
    message: str = ""
    parts: tuple["Node", ...] = ()


def tree_of(status: Status, name: str | None, *, every_host: bool) -> tuple[Node, ...]:
    """Return the release *name*, or all of them and the jobs that none owns.

    Without *every_host* the hosts of a wave that are in the same good state are counted where
    they are many.
    """
    releases = tuple(
        _release(status, release, every_host=every_host)
        for key, release in sorted(status.releases.items())
        if name in (None, key)
    )
    if name is not None:
        return releases
    free = (job for _, job in sorted(status.jobs.items()) if job.release is None)
    return (*releases, *map(_job, free))


def _release(status: Status, release: ReleaseStatus, *, every_host: bool) -> Node:
    ready = next(item for item in release.conditions if item.type is ConditionType.READY)
    job = status.jobs.get(release.job)
    hosts = sorted(
        (item for (name, _), item in status.hosts.items() if name == release.name),
        key=lambda item: item.host,
    )
    parts = [Node(kind="package", name=f"{release.package}/{release.version}")]
    if job is not None:
        parts += [_job(job)]
    if job is not None and job.script:
        parts.insert(1, Node(kind="script", name=job.script))
    return Node(
        kind="release",
        name=f"{release.name} {release.version}",
        state=_word(ready),
        message=ready.message,
        parts=(*parts, *_waves(release.waves, hosts, every_host=every_host)),
    )


def _word(ready: Condition) -> str:
    return "Ready" if ready.status is Truth.TRUE else ready.reason


def _job(job: JobStatus) -> Node:
    return Node(
        kind="job", name=f"{job.id} {job.version}".rstrip(), state=job.reason, message=job.message
    )


def _waves(
    waves: Sequence[WaveStatus], hosts: Sequence[HostStatus], *, every_host: bool
) -> Iterator[Node]:
    known = {wave.name for wave in waves}
    for wave in waves:
        inside = [item for item in hosts if item.wave == wave.name]
        message = f"{wave.healthy} of {wave.hosts} hosts are proved"
        state = "open" if wave.is_open else "not open yet"
        parts = tuple(_hosts(inside, every_host=every_host))
        yield Node(kind="wave", name=wave.name, state=state, message=message, parts=parts)
    yield from _hosts([item for item in hosts if item.wave not in known], every_host=every_host)


def _hosts(hosts: Sequence[HostStatus], *, every_host: bool) -> Iterator[Node]:
    counts = Counter(item.state for item in hosts if item.state in _SELF_EXPLAINING)
    many = {state for state, count in counts.items() if count > _FEW and not every_host}
    for item in hosts:
        if item.state not in many:
            runs = f"runs {item.running}; " if item.running and item.running != item.wanted else ""
            message = f"{runs}{item.reason}: {item.message}"
            yield Node(kind="host", name=item.host, state=item.state, message=message)
    for state in sorted(many):
        names = [item.host for item in hosts if item.state == state]
        yield Node(kind="hosts", name=f"{names[0]} to {names[-1]} ({len(names)})", state=state)
