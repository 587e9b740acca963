"""Seven hosts in three waves: one host is offline, and the last wave has a maintenance window."""

from collections.abc import Mapping
from datetime import timedelta

from reconciler.cli.clock import SystemClock
from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.demo.shown import show
from reconciler.cli.demo.stage import FIRST, Setting, Stage
from reconciler.lab.service import build_service
from reconciler.model.plan import State

CANARY = "backend-01"
TOKYO = ("backend-02", "backend-03", "backend-07")
OSAKA = ("backend-04", "backend-05", "backend-06")
AWAY = "backend-07"
PRESENT = (CANARY, *TOKYO[:2], *OSAKA)
NEXT = "0.43.0"
SOAK_SECONDS = 2
AT_ONCE = 2
REASON = "the fix cannot wait for tonight"


def _in_waves(repository: Repository) -> None:
    """Write three waves, and a window for Osaka that opens hours from now."""
    sites = {host: "osaka" if host in OSAKA else "tokyo" for host in (*PRESENT, AWAY)}
    hosts = "".join(
        f"  - {{name: {host}, labels: {{role: backend, machine: demo, site: {site}}}}}\n"
        for host, site in sorted(sites.items())
    )
    hour = (SystemClock().now() + timedelta(hours=6)).hour
    window = f'  - {{labels: {{site: osaka}}, allow: "0 {hour} * * *", duration: 2h}}\n'
    head = "apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts:\n"
    file = repository.state / "hosts" / "fleet.yaml"
    file.write_text(f"{head}{hosts}windows:\n{window}", "utf-8")
    waves = (
        f"- {{name: canary, hosts: [{CANARY}]}}\n"
        "    - {name: tokyo, labels: {site: tokyo}, offline: {rule: skip, max: 1}}\n"
    )
    repository.edit("- {name: canary, hosts: 1}\n", waves)
    repository.edit("{name: rest, percent: 100}", "{name: osaka, percent: 100}")
    repository.edit("max_in_flight: 3", f"max_in_flight: {AT_ONCE}")
    repository.edit("soak: 1s", f"soak: {SOAK_SECONDS}s")
    repository.edit("every: 5s", "every: 1h")


SETTING = Setting(
    hosts=(*sorted(PRESENT), AWAY), hosts_per_agent=len(PRESENT), away=AWAY, prepare=_in_waves
)


async def perform(stage: Stage, claims: Claims) -> Mapping[str, object]:
    """Play the scenes; raises DemoFailed when a claim does not hold."""
    await _first_look(stage, claims)
    soaked = await _two_waves(stage, claims)
    await _window(stage, claims)
    await _override(stage, claims)
    most = stage.traffic.most_at_once(NEXT)
    await _return(stage, claims)
    return {
        "waves": {"canary": [CANARY], "tokyo": [*TOKYO], "osaka": [*OSAKA]},
        "order": stage.traffic.hosts(NEXT),
        "soak_seconds": SOAK_SECONDS,
        "canary_to_next_wave_seconds": round(soaked, 1),
        "max_in_flight": AT_ONCE,
        "most_in_flight": most,
        "offline": [AWAY],
        "held_by_window": [*OSAKA],
        "override": REASON,
        "converged": stage.all_proved(NEXT),
    }


async def _first_look(stage: Stage, claims: Claims) -> None:
    claims.scene(f"Seven hosts in three waves run {FIRST}; {AWAY} is switched off")
    await stage.until("six are proved", lambda: _proved(stage, PRESENT, FIRST))
    await stage.until("the seventh is missed", lambda: _state(stage, AWAY) == State.OFFLINE)
    sent = stage.traffic.installs()
    claims.hold(
        f"six are proved by probes, {AWAY} is offline; nothing was installed",
        true=not sent,
        found=sent,
    )


async def _two_waves(stage: Stage, claims: Claims) -> float:
    claims.scene(f"A commit asks for {NEXT}: the canary first, then Tokyo, then Osaka")
    stage.repository.bump(NEXT, build_service(NEXT), f"Bump {RELEASE} to {NEXT}")
    await stage.until("the canary soaks", lambda: bool(stage.why_held(NEXT, "Soaking")))
    claims.note(stage.why_held(NEXT, "Soaking"))
    await stage.until("Tokyo is proved", lambda: _proved(stage, TOKYO[:2], NEXT))
    canary, tokyo, *_ = stage.traffic.installs(NEXT)
    ended = stage.traffic.ended(canary)
    soaked = tokyo.at - ended if ended is not None else 0.0
    claims.hold(
        f"Tokyo began {soaked:.1f} s after the canary was done; it soaks for {SOAK_SECONDS} s",
        true=canary.host == CANARY and tokyo.host in TOKYO and soaked >= SOAK_SECONDS,
        found=stage.traffic.installs(NEXT),
    )
    return soaked


async def _window(stage: Stage, claims: Claims) -> None:
    claims.scene("Osaka may only be changed in its maintenance window, hours from now")
    await stage.until("Osaka waits", lambda: all(_is_shut(stage, host) for host in OSAKA))
    claims.hold(
        f"{AWAY} has not held anybody up, and is not counted as proved",
        true=_state(stage, AWAY) == State.OFFLINE and not stage.is_proved(AWAY, NEXT),
        found=stage.host(AWAY),
    )
    await show(stage, claims, "plan", expected=1)
    sent = [host for host in stage.traffic.hosts(NEXT) if host in OSAKA]
    claims.hold("nobody in Osaka was sent anything", true=not sent, found=sent)


async def _override(stage: Stage, claims: Claims) -> None:
    claims.scene("Somebody overrides the window, and says why")
    arguments = ("approve", RELEASE, "--override", "window", "--reason", REASON, "--for", "10m")
    await show(stage, claims, *arguments, "--by", "mika", "--yes", last_line_only=True)
    await stage.until("Osaka is proved", lambda: _proved(stage, OSAKA, NEXT))
    most = stage.traffic.most_at_once(NEXT)
    claims.hold(
        f"Osaka runs {NEXT}; never more than {AT_ONCE} hosts were busy at a time",
        true=0 < most <= AT_ONCE and sorted(stage.traffic.hosts(NEXT)) == sorted(PRESENT),
        found=most,
    )
    release = stage.release()
    found = [(item.kind, item.by, item.reason) for item in release.words] if release else []
    claims.hold(
        "who did that, and why, is kept",
        true=("override of window", "mika", REASON) in found,
        found=found,
    )


async def _return(stage: Stage, claims: Claims) -> None:
    claims.scene(f"{AWAY} is switched on again")
    await stage.lab.agents[AWAY].start()
    await stage.until("it is proved", lambda: stage.is_proved(AWAY, NEXT))
    running = await stage.lab.running(AWAY)
    claims.hold(
        f"{AWAY} is brought to {NEXT} without anybody's doing",
        true=running is not None and running.version == NEXT,
        found=running,
    )
    await show(stage, claims, "get", "hosts")


def _proved(stage: Stage, hosts: tuple[str, ...], version: str) -> bool:
    return all(stage.is_proved(host, version) for host in hosts)


def _state(stage: Stage, host: str) -> str:
    status = stage.host(host)
    return status.state if status is not None else ""


def _is_shut(stage: Stage, host: str) -> bool:
    status = stage.host(host)
    held = status.held if status is not None else None
    return held is not None and held.reason == "OutsideWindow"
