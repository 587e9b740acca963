"""The tour: a bump, a host that was changed by hand, and a version that does not start.

Each scene ends when all that it claims has been seen.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.demo.shown import show
from reconciler.cli.demo.stage import FIRST, HOSTS, Setting, Stage
from reconciler.lab.service import build_service

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
    """The fleet as the controller finds it: proved by probes, and not touched."""
    claims.scene(f"A fleet that runs {FIRST}, and a repository that wants it")
    await stage.until("every host is proved", lambda: stage.all_proved(FIRST))
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
    sent = stage.traffic.installs()
    claims.hold("nothing was installed to find that out", true=not sent, found=sent)


async def bump(stage: Stage, claims: Claims, figures: Figures) -> None:
    """A commit, and its rollout."""
    claims.scene(f"A commit bumps {RELEASE} to {SECOND}")
    binary = build_service(SECOND)
    started = time.monotonic()
    revision = stage.repository.bump(SECOND, binary, f"Bump {RELEASE} to {SECOND}")
    claims.note(f"committed {revision[:12]}")
    await stage.until("the first command is sent", lambda: bool(stage.traffic.installs()))
    first = stage.traffic.installs()[0].at
    figures.commit_to_command_ms = round((first - started) * 1000, 1)
    claims.note(f"the first command went out after {figures.commit_to_command_ms:.0f} ms")
    done = await stage.until("every host is proved", lambda: stage.all_proved(SECOND))
    figures.commit_to_converged_ms = round((done - started) * 1000, 1)
    claims.note(f"all three were proved after {figures.commit_to_converged_ms / 1000:.1f} s")
    figures.steps = stage.steps_done()
    for step in figures.steps:
        if SECOND in step:
            claims.note(f"step  {step}")
    await show(stage, claims, "get", "hosts")
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
            and running.sha256 == status.sha256 == stage.repository.digest,
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
    await stage.until("the drift is seen", lambda: _is_drifted(stage, host))
    status = stage.host(host)
    claims.hold(
        f"the probe finds it: {host} runs {status.running if status else '?'}",
        true=status is not None and status.running == "0.9.9-by-hand",
        found=status,
    )
    await stage.until("it is healed", lambda: stage.all_proved(SECOND))
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
    await stage.until("it waits for approval", lambda: stage.says(BAD, "ApprovalRequired"))
    await show(stage, claims, "plan", expected=1)
    claims.hold(
        "nothing is published before a person agrees",
        true=not await stage.is_published(RELEASE, BAD),
    )
    await show(stage, claims, "approve", RELEASE, "--yes", "--by", "mika")
    await stage.until("it is given up", lambda: stage.says(BAD, "Quarantined"))
    await stage.until("every host is proved on the old one", lambda: stage.all_proved(SECOND))
    failed = [item for item in stage.status.hosts.values() if item.exit_code]
    claims.hold("it stopped at the first host", true=len(failed) == 1, found=failed)
    report = stage.waits_for()
    claims.note(report)
    explained = [item.host for item in failed if f"{item.host}: ServiceDidNotStart" in report]
    figures.failures_explained = len(explained)
    claims.hold(
        "the report says which host, why, and what to do",
        true=len(explained) == len(failed) and f"reconciler retry {RELEASE}" in report,
        found=report,
    )
    for host in HOSTS:
        running = await stage.lab.running(host)
        claims.hold(
            f"{host} is up on {SECOND}",
            true=running is not None and running.version == SECOND,
            found=running,
        )


def _is_drifted(stage: Stage, host: str) -> bool:
    status = stage.host(host)
    return status is not None and status.drifted


def _hurried(repository: Repository) -> None:
    """Let each wave follow the proof of the one before: soaking is shown elsewhere."""
    repository.edit("soak: 1s", "soak: 0s")


async def perform(stage: Stage, claims: Claims) -> Mapping[str, object]:
    """Play the scenes; raises DemoFailed when a claim does not hold."""
    figures = Figures()
    await first_look(stage, claims, figures)
    await bump(stage, claims, figures)
    await drift(stage, claims)
    await bad_version(stage, claims, figures)
    return figures.as_json()


SETTING = Setting(prepare=_hurried)
