"""Why a host is as it is: the chain from the commit to its present state, and what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName
from reconciler.model.plan import ENDED_BADLY, State
from reconciler.model.status import Held, HostStatus, ReleaseStatus, RunStatus, Status
from reconciler.status.alike import groups_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One part of the chain; the first that is not `ok` is the reason for all after it."""

    what: str
    text: str
    ok: bool = True
    at: datetime | None = None
    lines: tuple[str, ...] = ()
    """What a machine has written down, to be shown as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """All that is known of one release on one host."""

    host: HostName
    release: str
    state: str
    links: tuple[Link, ...]
    next: str
    """What to do, or that there is nothing to do; a command where there is a safe one."""


def chains_of(status: Status, host: HostName) -> tuple[Chain, ...]:
    """Return why *host* is as it is, for each release that wants something of it."""
    return tuple(
        _chain(status, status.releases[release], item)
        for (release, name), item in sorted(status.hosts.items())
        if name == host and release in status.releases
    )


def _chain(status: Status, release: ReleaseStatus, host: HostStatus) -> Chain:
    links = (
        *_commit(status),
        *_release(release, host),
        *_run(host),
        *_result(host),
        *_log(status, release, host),
        _state(status, host),
    )
    return Chain(
        host=host.host,
        release=release.name,
        state=host.state,
        links=links,
        next=_next_of(release, host, status),
    )


def _commit(status: Status) -> Iterator[Link]:
    found = status.controller
    if found.revision is None:
        yield Link(what="commit", text="no revision has ever been good enough to go by", ok=False)
        return
    yield Link(what="commit", text=f"{found.revision[:12]} {found.subject}")
    for condition in found.conditions:
        if condition.status is not Truth.TRUE and condition.type in _NAMES:
            text = f"{condition.reason}: {condition.message}"
            yield Link(what=_NAMES[condition.type], text=text, ok=False, at=condition.since)


_NAMES = {ConditionType.SOURCE_READY: "source", ConditionType.KANADE_READY: "kanade"}


def _release(release: ReleaseStatus, host: HostStatus) -> Iterator[Link]:
    wanted = f"wants {release.package} {release.version}"
    if host.wanted != release.version:
        wanted += f"; in force here is {host.wanted}"
    yield Link(what="release", text=f"{release.name} {wanted}", ok=host.wanted == release.version)
    for held in release.held:
        yield Link(what="gate", text=f"{held.reason}: {held.message}", ok=False, at=held.until)
    wave = next((item for item in release.waves if item.name == host.wave), None)
    if wave is not None:
        stands = "open" if wave.is_open else "not open yet"
        text = f"{wave.name} is {stands}: {wave.healthy} of {wave.hosts} hosts are proved"
        yield Link(what="wave", text=text, ok=wave.is_open)
    if host.held is not None:
        text = f"{host.held.reason}: {host.held.message}"
        yield Link(what="host", text=text, ok=False, at=host.held.until)


def _run(host: HostStatus) -> Iterator[Link]:
    run = host.run
    if run is None:
        yield Link(what="command", text="none was ever sent", ok=host.state == State.CONVERGED)
        return
    name = f"{run.purpose} {run.job} {run.version}, attempt {run.number}, over {run.via}"
    if run.sent_at is None and run.started_at is None:
        yield Link(what="command", text=f"{name}: about to be sent", ok=False, at=run.intended_at)
        return
    sent = f", exec {host.exec_id}" if host.exec_id is not None else ""
    yield Link(what="command", text=f"{name}{sent}", at=run.sent_at)
    if run.started_at is not None:
        yield Link(what="started", text="the agent has begun it", at=run.started_at)
    elif run.ended_at is None:
        yield Link(what="started", text="the agent has not reported it yet", ok=False)


def _result(host: HostStatus) -> Iterator[Link]:
    run: RunStatus | None = host.run
    if run is None or run.ended_at is None:
        return
    line = f": {host.last_line}" if host.last_line else ""
    text = f"exit code {host.exit_code}{line}"
    yield Link(what="result", text=text, ok=host.exit_code == 0, at=run.ended_at)
    if run.stderr_tail:
        yield Link(what="stderr", text=run.stderr_tail, ok=False)


def _log(status: Status, release: ReleaseStatus, host: HostStatus) -> Iterator[Link]:
    """Show what the host had written down, as long as its failure has not been put right."""
    log = status.logs.get((release.name, host.host))
    if log is None or (host.state == State.CONVERGED and host.wanted == log.version):
        return
    if host.result_id != log.result_id and release.fingerprint != log.fingerprint:
        return
    text = f"of the agent, when {release.package} {log.version} did not start"
    text += f": {log.missing}" if log.missing else ""
    yield Link(what="log", text=text, at=log.asked_at, lines=log.lines)


def _state(status: Status, host: HostStatus) -> Link:
    text = f"{host.state}: {host.reason}: {host.message}"
    if host.running is not None:
        digest = f", sha256 {host.sha256[:12]}" if host.sha256 is not None else ""
        text += f" (runs {host.running}{digest})"
    group = next((group for group in groups_of(status.hosts.values()) if host in group), ())
    if len(group) > 1:
        others = "another host" if len(group) == 2 else f"{len(group) - 1} other hosts"
        text += f"; {others} failed in the same way"
    if host.unhealthy:
        text += f"; its service is not well: {host.unhealthy}"
    return Link(what="state", text=text, ok=_is_well(host), at=host.proved_at)


def _is_well(host: HostStatus) -> bool:
    return host.state == State.CONVERGED and not host.unhealthy


def _next_of(release: ReleaseStatus, host: HostStatus, status: Status) -> str:
    """Return what to do next for *host*: by a person's hand, or nothing at all.

    What is wrong with the host itself comes before what holds its release.
    """
    if _has_failed(host):
        return _mended(host)
    if host.held is not None and host.held.needs_person:
        return host.held.message
    by_person = next((held for held in release.held if held.needs_person), None)
    if by_person is not None:
        return _opened(by_person, release, status)
    return _waited_for(release, host)


def _waited_for(release: ReleaseStatus, host: HostStatus) -> str:
    """Return what goes on by itself, or what there is to read where nothing has to be done."""
    if host.held is not None:
        return f"nothing: it goes on when this has passed: {host.held.message}"
    if _is_well(host):
        return "nothing"
    if host.unhealthy:
        return f"read the service's log on {host.host}"
    stalled = (item for item in release.conditions if item.type is ConditionType.STALLED)
    messages = [item.message for item in stalled if item.status is Truth.TRUE]
    return messages[0] if messages else "nothing: it is under way"


def _has_failed(host: HostStatus) -> bool:
    return host.state in ENDED_BADLY


def _mended(host: HostStatus) -> str:
    return f"{host.fix}; then: reconciler retry {host.release}"


def _opened(gate: Held, release: ReleaseStatus, status: Status) -> str:
    """Return what opens *gate*; where it is the failure of another host, what mends that."""
    known = _BY_REASON.get(gate.reason)
    if known is not None:
        return known.format(name=release.name)
    failed = (
        host
        for (name, _), host in sorted(status.hosts.items())
        if name == release.name and _has_failed(host) and host.reason == gate.reason
    )
    worst = next(failed, None)
    return f"on {worst.host}: {_mended(worst)}" if worst is not None else gate.message


_BY_REASON = {
    "ApprovalRequired": "reconciler approve {name}",
    "Suspended": "reconciler resume {name}",
    "RolledBack": "commit another version, or: reconciler resume {name}",
    "Quarantined": "commit another version, or: reconciler retry {name}",
    "DowngradeRefused": "set `allow_downgrade: true` in the release, if that is meant",
    "DriftReported": "set `drift: heal` in the release, or put it right by hand",
}
