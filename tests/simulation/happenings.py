"""What happens to a fleet while controllers are at work: each by its name, at a random moment."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.kanade.command import command_payload
from reconciler.model.attempt import Attempt, Purpose, Via, Wish
from reconciler.model.digest import Digest
from reconciler.model.identity import (
    Fingerprint,
    JobId,
    Json,
    ObjectRef,
    ReleaseName,
    Version,
    WishId,
)
from tests.simulation.hosts import TOOL, SimulatedHost
from tests.support.fake_world import KeptJob

if TYPE_CHECKING:
    from tests.simulation.play import Play

INSTALL = JobId("install-tool")


def _controller_is_killed(play: "Play") -> None:
    play.chance.choice(play.seats).kill()


def _controller_is_stopped(play: "Play") -> None:
    play.chance.choice(play.seats).stop(play.chance.choice((5, 20, 60, 900)))


def _controller_is_told_to_end(play: "Play") -> None:
    play.chance.choice(play.seats).end()


def _agent_dies(play: "Play") -> None:
    host = play.some_host()
    host.die()
    play.later(play.chance.uniform(1, 120), host.come)


def _host_goes_offline(play: "Play") -> None:
    host = play.some_host()
    host.go()
    play.later(play.chance.choice((5.0, 45.0, 90.0, 600.0)), host.come)


def _nats_is_restarted(play: "Play") -> None:
    play.storm.nats_down_until = play.now + play.chance.uniform(1, 30)
    play.theatre.nats.restart()


def _backend_is_restarted(play: "Play") -> None:
    longest = play.chance.choice((30, 90, 900))
    play.storm.backend_down_until = play.now + play.chance.uniform(1, longest)


def _somebody_uses_every_slot(play: "Play") -> None:
    """Another operator's exec takes the place of whatever lies in the hosts' slots."""
    for host in play.hosts.values():
        command = _command(play, host, JobId("inventory"), Version("7"))
        play.theatre.put_command(host.name, command)


def _somebody_installs_by_hand(play: "Play") -> None:
    """`kanade exec` of our own job: whatever version the catalogue has now."""
    kept = play.theatre.jobs.get(INSTALL)
    if kept is not None:
        host = play.some_host()
        version = Version(str(kept.manifest["version"]))
        play.theatre.put_command(host.name, _command(play, host, INSTALL, version))


def results_are_evicted(play: "Play") -> None:
    play.theatre.reports.clear()
    play.oracle.loses_results()


def our_state_is_lost(play: "Play") -> None:
    """Buckets, stream and all; the leader finds out at its next write."""
    play.theatre.own.is_lost()
    play.oracle.loses_everything(play.theatre.clock.now())


def _binary_is_overwritten(play: "Play") -> None:
    host = play.some_host()
    if host.agent.runs.get(TOOL) is not None and not host.agent.started:
        play.deeds.drifts(host.name, host.agent.runs[TOOL])
        if not host.agent.has_ledger:
            play.deeds.is_undone(host.name)
        host.agent.runs[TOOL] = (Version("0.0.1"), Digest.of(b"somebody's own"))


def _object_is_deleted(play: "Play") -> None:
    store = play.theatre.stores[play.chance.choice(("app_packages", "scripts"))]
    if store:
        store.pop(play.chance.choice(sorted(store)))
        play.theatre.changed()


def _object_is_tampered_with(play: "Play") -> None:
    """Other bytes under the same name; only what the controller is sure to be its own."""
    for name, owned in (
        ("app_packages", play.theatre.own.packages),
        ("scripts", play.theatre.own.scripts),
    ):
        store = play.theatre.stores[name]
        refs = sorted(ref for ref, item in owned.items() if item.checked and ref in store)
        if refs:
            data = b"tampered with"
            play.theatre.put(name, play.chance.choice(refs), data, Digest.of(data))


def _job_is_edited(play: "Play") -> None:
    kept = play.theatre.jobs.get(INSTALL)
    if kept is not None:
        manifest = {**kept.manifest, "description": f"edited at {play.now:.0f}"}
        sequence = play.theatre.next_sequence()
        play.theatre.jobs[INSTALL] = KeptJob(manifest=manifest, yaml=kept.yaml, sequence=sequence)
        play.theatre.changed()


def _pin_is_moved(play: "Play") -> None:
    if INSTALL in play.theatre.pins:
        play.theatre.pins[INSTALL] = Version("0.0.1")
        play.theatre.changed()


_STORM: dict[str, Callable[["Play"], None]] = {
    "kill": _controller_is_killed,
    "stop": _controller_is_stopped,
    "end": _controller_is_told_to_end,
    "agent-dies": _agent_dies,
    "offline": _host_goes_offline,
    "nats-restart": _nats_is_restarted,
    "backend-restart": _backend_is_restarted,
    "slot": _somebody_uses_every_slot,
    "manual": _somebody_installs_by_hand,
    "evict": results_are_evicted,
    "lose-state": our_state_is_lost,
    "drift": _binary_is_overwritten,
    "delete": _object_is_deleted,
    "tamper": _object_is_tampered_with,
    "edit-job": _job_is_edited,
    "pin": _pin_is_moved,
}
_ROLLOUT: dict[str, Callable[["Play"], None]] = {
    "freeze": lambda play: play.people.freeze(),
    "suspend": lambda play: play.people.suspend(),
    "retry": lambda play: play.people.retry(),
    "approve-older": lambda play: play.people.approve_an_older_one(),
}
EVENTS = _STORM | _ROLLOUT
_NOT_IN_ROLLOUTS = ("manual", "lose-state", "drift", "delete", "tamper")
"""Where anybody changes what is there, a rollback may have no place to go to."""


def names_of_events(*, careful: bool) -> tuple[str, ...]:
    """Return what may happen where people roll out in waves, or where they do not."""
    if not careful:
        return tuple(_STORM)
    return tuple(name for name in EVENTS if name not in _NOT_IN_ROLLOUTS)


def _command(play: "Play", host: SimulatedHost, job: JobId, version: Version) -> bytes:
    """Return a command that somebody else has sent."""
    number = play.theatre.next_sequence()
    kept = play.theatre.jobs.get(job)
    manifest: Mapping[str, Json] = {"execute": {"shell": "sh", "script": "true"}}
    if kept is not None:
        manifest = kept.manifest
    execute = manifest.get("execute")
    key = execute.get("script_object") if isinstance(execute, dict) else None
    script = ObjectRef.parse(key) if isinstance(key, str) else None
    stored = play.theatre.stores["scripts"].get(script) if script is not None else None
    now = play.theatre.clock.now()
    attempt = Attempt(
        wish=Wish(
            release=ReleaseName(""),
            host=host.name,
            fingerprint=Fingerprint(""),
            purpose=Purpose.INSTALL,
            cause="",
        ),
        wish_id=WishId(f"somebody-{number}"),
        package=TOOL,
        version=version,
        job=job,
        script=script,
        script_sha256=Digest.of(stored.data if stored is not None else b"").hex if script else None,
        via=Via.HTTP,
        timeout=timedelta(minutes=5),
        intended_at=now,
        deadline_at=now + timedelta(hours=1),
    )
    return command_payload(attempt, manifest).encode()
