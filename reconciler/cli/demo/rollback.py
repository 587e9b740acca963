"""A version that is good on the canary and nowhere else: stopped, explained, and gone back from."""

import time
from collections.abc import Mapping

from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.demo.shown import show
from reconciler.cli.demo.stage import FIRST, Setting, Stage
from reconciler.lab.service import build_service
from reconciler.model.identity import Fingerprint

HOSTS = tuple(f"backend-{number:02}" for number in range(1, 7))
CANARY, *OTHERS = HOSTS
BAD = "0.43.0"
MENDED = "0.43.1"


def _in_waves(repository: Repository) -> None:
    canary = "- {name: canary, hosts: 1}"
    named = f"- {{name: canary, hosts: [{CANARY}]}}\n    - {{name: half, percent: 50}}"
    repository.edit(canary, named)
    repository.edit("every: 5s", "every: 1h")
    repository.edit("soak: 1s", "soak: 0s")


SETTING = Setting(hosts=HOSTS, hosts_per_agent=len(HOSTS), prepare=_in_waves)


async def perform(stage: Stage, claims: Claims) -> Mapping[str, object]:
    """Play the scenes; raises DemoFailed when a claim does not hold."""
    pids = await _first_look(stage, claims)
    begun = time.monotonic()
    fingerprint, stopped = await _bad(stage, claims)
    back = await _back(stage, claims, pids)
    touched = stage.traffic.hosts(BAD)
    rolled_back = [host for host in touched if stage.is_proved(host, FIRST)]
    await _mended(stage, claims)
    return {
        "hosts": len(HOSTS),
        "hosts_touched": touched,
        "rolled_back": rolled_back,
        "quarantined": [{"version": BAD, "fingerprint": fingerprint}],
        "commit_to_stop_seconds": round(stopped - begun, 1),
        "commit_to_back_seconds": round(back - begun, 1),
        "mended": all(stage.is_proved(host, MENDED) for host in HOSTS),
    }


async def _first_look(stage: Stage, claims: Claims) -> dict[str, int | None]:
    claims.scene(f"Six hosts run {FIRST}; {CANARY} is the canary, half of them come next")
    await stage.until("every host is proved", lambda: stage.all_proved(FIRST))
    await stage.until("it is kept", lambda: stage.can_go_back_to(FIRST))
    sent = stage.traffic.installs()
    claims.hold("all are proved by probes, and nothing was installed", true=not sent, found=sent)
    return {host: await stage.lab.supervisor.service_pid(host) for host in HOSTS}


async def _bad(stage: Stage, claims: Claims) -> tuple[Fingerprint, float]:
    claims.scene(f"A commit asks for {BAD}, which starts on the canary and nowhere else")
    stage.repository.bump(BAD, build_service(BAD, broken=OTHERS), f"Bump {RELEASE} to {BAD}")
    await stage.until("the canary is proved", lambda: stage.is_proved(CANARY, BAD))
    running = await stage.lab.running(CANARY)
    claims.hold(
        f"the canary runs {BAD}, and its probe names the committed sha256",
        true=running is not None and running.sha256 == stage.repository.digest,
        found=running,
    )
    stopped = await stage.until("it is given up", lambda: stage.says(BAD, "Quarantined"))
    touched = stage.traffic.hosts(BAD)
    claims.hold(
        f"the second wave stopped it: {len(touched)} of {len(HOSTS)} hosts were touched",
        true=touched[0] == CANARY and len(touched) == len({*touched}) and len(touched) in {2, 3},
        found=touched,
    )
    said = await show(stage, claims, "why", touched[1])
    claims.hold(
        "it says what failed, and what to do",
        true="ServiceDidNotStart" in said and f"reconciler retry {RELEASE}" in said,
        found=said,
    )
    release = stage.release()
    assert release is not None  # noqa: S101 (it is quarantined)
    return release.fingerprint, stopped


async def _back(stage: Stage, claims: Claims, pids: Mapping[str, int | None]) -> float:
    claims.scene(f"Everybody goes back to {FIRST}, though git says {BAD}")
    arrived = await stage.until("all are back", lambda: stage.all_proved(FIRST))
    touched = stage.traffic.hosts(BAD)
    back = stage.traffic.hosts(FIRST)
    claims.hold("the canary went back by a command of its own", true=back == [CANARY], found=back)
    said = await show(stage, claims, "get", "hosts")
    claims.hold("`get` shows them where they were", true=BAD not in said, found=said)
    for host in touched:
        running = await stage.lab.running(host)
        claims.hold(
            f"{host} runs {FIRST} in memory",
            true=running is not None and running.version == FIRST,
            found=running,
        )
    rest = [host for host in HOSTS if host not in touched]
    same = [await stage.lab.supervisor.service_pid(host) == pids[host] for host in rest]
    claims.hold(
        f"{', '.join(rest)} were never restarted",
        true=all(same),
        found=dict(zip(rest, same, strict=True)),
    )
    committed = stage.repository.committed()
    claims.hold(f"git still says {BAD}", true=f'version: "{BAD}"' in committed, found=committed)
    sent = stage.traffic.hosts(BAD)
    claims.hold(f"{BAD} was not tried again", true=sent == touched, found=sent)
    return arrived


async def _mended(stage: Stage, claims: Claims) -> None:
    claims.scene(f"A commit mends it: {MENDED}")
    stage.repository.bump(MENDED, build_service(MENDED), f"Bump {RELEASE} to {MENDED}")
    await stage.until("every host is proved", lambda: stage.all_proved(MENDED))
    sent = stage.traffic.hosts(MENDED)
    claims.hold(
        f"all six run {MENDED}, each by one command, the canary first",
        true=sent[0] == CANARY and sorted(sent) == sorted(HOSTS),
        found=sent,
    )
    await show(stage, claims, "get", "releases")
