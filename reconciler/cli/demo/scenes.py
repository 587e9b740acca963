"""What the demo shows, in order; each scene ends when all that it claims has been seen."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field

from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.repository import RELEASE
from reconciler.cli.demo.stage import FIRST, HOSTS, Stage
from reconciler.cli.render import width
from reconciler.lab.service import build_service
from reconciler.model.plan import State
from reconciler.model.status import ReleaseStatus

_INDENT = " " * 5
SECOND = "0.43.0"
BAD = "0.44.0"


@dataclass(kw_only=True)
class Figures:
    """What the demo has measured."""

    sha256_before: dict[str, str] = field(default_factory=dict)
    sha256_after: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    commit_to_command_ms: float = 0.0
    commit_to_converged_ms: float = 0.0
    steps: list[str] = field(default_factory=list)
    failures_explained: int = 0

    def as_json(self) -> dict[str, object]:
        """Return them as `demo -o json` prints them."""
        hosts = {
            host: {
                "version": self.versions[host],
                "sha256_before": self.sha256_before[host],
                "sha256_after": self.sha256_after[host],
            }
            for host in HOSTS
        }
        return {
            "converged": set(self.versions.values()) == {SECOND},
            "hosts": hosts,
            "commit_to_command_ms": self.commit_to_command_ms,
            "commit_to_converged_ms": self.commit_to_converged_ms,
            "steps": self.steps,
            "failures_explained": self.failures_explained,
        }


async def first_look(stage: Stage, claims: Claims, figures: Figures) -> None:
    """The fleet as the controller finds it: proved by looking, and not touched."""
    claims.scene(f"A fleet that runs {FIRST}, and a repository that wants it")
    await stage.until("every host is proved", lambda: _proved(stage, FIRST))
    for host in HOSTS:
        running = await stage.lab.running(host)
        assert running is not None  # noqa: S101 (it was proved a moment ago)
        figures.sha256_before[host] = running.sha256 or ""
        status = stage.host(host)
        said = status.sha256 if status is not None else None
        claims.hold(
            f"{host} runs {running.version}, as its probe says: sha256 {(said or '?')[:12]}",
            true=(running.version, running.sha256) == (FIRST, said),
            found=(running, status),
        )
    installs = [item for item in stage.status.hosts.values() if item.reason == "InFlight"]
    claims.hold("nothing was installed to find that out", true=not installs, found=installs)


async def bump(stage: Stage, claims: Claims, figures: Figures) -> None:
    """A commit, and what becomes of it."""
    claims.scene(f"A commit bumps {RELEASE} to {SECOND}")
    binary = build_service(SECOND)
    commands = await stage.hear_commands(f"install-{RELEASE}")
    started = time.monotonic()
    revision = stage.repository.bump(SECOND, binary, f"Bump {RELEASE} to {SECOND}")
    claims.tell(f"committed {revision[:12]}")
    await stage.until("the first command is sent", lambda: bool(commands))
    first = commands[0]
    figures.commit_to_command_ms = round((first - started) * 1000, 1)
    claims.tell(f"the first command went out after {figures.commit_to_command_ms:.0f} ms")
    done = await stage.until("every host is proved", lambda: _proved(stage, SECOND), 45)
    figures.commit_to_converged_ms = round((done - started) * 1000, 1)
    claims.tell(f"all three were proved after {figures.commit_to_converged_ms / 1000:.1f} s")
    figures.steps = stage.steps_done()
    for step in figures.steps:
        if SECOND in step:
            claims.tell(f"step  {step}")
    await _show(stage, claims, "get", "hosts")
    for host in HOSTS:
        running = await stage.lab.running(host)
        status = stage.host(host)
        figures.sha256_after[host] = (running.sha256 if running else None) or ""
        figures.versions[host] = running.version if running else ""
        claims.hold(
            f"{host} runs {SECOND} in memory, and its probe names the committed sha256",
            true=running is not None
            and status is not None
            and running.version == SECOND
            and running.sha256 == status.sha256,
            found=(running, status),
        )


async def drift(stage: Stage, claims: Claims) -> None:
    """Somebody changes a host by hand."""
    host = HOSTS[1]
    claims.scene(f"Somebody replaces the binary of {host} by hand")
    here = stage.lab.hosts[host]
    rogue = build_service("0.9.9-by-hand")
    here.install(rogue)
    await stage.restart_service(host)
    await stage.until("the drift is seen", lambda: _is_drifted(stage, host), 30)
    status = stage.host(host)
    claims.hold(
        f"the probe finds it: {status.message if status else '?'}",
        true=status is not None and status.running == "0.9.9-by-hand",
        found=status,
    )
    await stage.until("it is healed", lambda: _proved(stage, SECOND), 40)
    running = await stage.lab.running(host)
    claims.hold(
        f"the controller heals it: {host} runs {SECOND} again",
        true=running is not None and running.version == SECOND,
        found=running,
    )


async def bad_version(stage: Stage, claims: Claims, figures: Figures) -> None:
    """A version that does not start, and the gate before it."""
    claims.scene(f"A commit asks for {BAD}, whose service does not start; it needs approval")
    stage.repository.require_approval(wanted=True)
    broken = build_service(BAD, broken=True)
    stage.repository.bump(BAD, broken, f"Bump {RELEASE} to {BAD}")
    await stage.until("it waits for approval", lambda: _waits(stage, "ApprovalRequired"))
    await _show(stage, claims, "plan", expected=1)
    claims.hold("nothing is published before a person agrees", true=await _unpublished(stage))
    await _show(stage, claims, "approve", RELEASE, "--yes", "--by", "mika")
    await stage.until("the failure is reported", lambda: _waits(stage, "ServiceDidNotStart"), 40)
    failed = [item for item in stage.status.hosts.values() if item.state == State.FAILED]
    claims.hold("it stopped at the first host", true=len(failed) == 1, found=failed)
    figures.failures_explained = sum(bool(item.fix) for item in failed)
    for item in failed:
        claims.tell(f"{item.host}: {item.reason}: {item.message}")
        claims.tell(f"what to do: {item.fix}")
    claims.hold("the report says what to do", true=figures.failures_explained == len(failed))
    for host in HOSTS:
        running = await stage.lab.running(host)
        claims.hold(
            f"{host} is up on {SECOND}",
            true=running is not None and running.version == SECOND,
            found=running,
        )


def _proved(stage: Stage, version: str) -> bool:
    hosts = stage.status.hosts.values()
    return len(hosts) == len(HOSTS) and all(
        (item.state, item.running, item.wanted) == (State.CONVERGED, version, version)
        for item in hosts
    )


def _is_drifted(stage: Stage, host: str) -> bool:
    status = stage.host(host)
    return status is not None and status.drifted


def _waits(stage: Stage, reason: str) -> bool:
    release: ReleaseStatus | None = stage.release()
    return (
        release is not None
        and release.version == BAD
        and any(item.reason == reason for item in release.conditions)
    )


async def _unpublished(stage: Stage) -> bool:
    return not await stage.is_published(RELEASE, BAD)


async def _show(stage: Stage, claims: Claims, *arguments: str, expected: int = 0) -> None:
    """Run our own command line as a person would, and show what it prints."""
    claims.tell(f"$ reconciler {' '.join(arguments)}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reconciler", "--config", str(stage.config), *arguments,
        env={**os.environ, "COLUMNS": str(width() - len(_INDENT))},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    for line in output.decode("utf-8", "replace").splitlines():
        claims.say(f"{_INDENT}{line}")
    code = process.returncode
    claims.hold(f"`{arguments[0]}` leaves with exit code {expected}", true=code == expected)
