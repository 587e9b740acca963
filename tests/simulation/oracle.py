"""The rules that hold at every step, whatever dies; it sees what no controller can see."""

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.identity import HostName, JobId, RequestId
from reconciler.model.proof import Proof
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.report import RunFinished, RunStarted
from reconciler.state.codec import decode
from reconciler.state.names import (
    JOURNAL,
    PROOFS,
    QUARANTINE,
    RECORDS,
    RUNS,
    STATE_BUCKET,
    journal_key,
)
from tests.simulation.brakes import Brakes
from tests.simulation.climate import MOST_OFF
from tests.simulation.deeds import Deeds, Sent
from tests.simulation.facts import Fact, fact_in, fact_of, wanted_digest
from tests.simulation.own_runs import OwnRuns
from tests.simulation.policy import Policy
from tests.simulation.storm import LIFE, Life
from tests.simulation.supplies import Supplies
from tests.simulation.trace import Trace
from tests.support.fake_agents import Order, read_order
from tests.support.fake_world import World

_SILENCE = 60.0
_OFF = timedelta(seconds=MOST_OFF)
_OFTEN = (".refresh", ".take", ".state", ".ask", "nats.store")
"""Calls of which nobody wants to read each."""
_KEPT: dict[str, tuple[str, type[object]]] = {
    JOURNAL: ("journal.record", Attempt),
    PROOFS: ("journal.prove", Proof),
    RECORDS: ("archive.keep", ReleaseRecord),
    QUARANTINE: ("archive.quarantine", Quarantine),
    RUNS: ("journal.note_run", RunStarted),
}
"""What is stored below which prefix of our bucket, and as what the rules know it."""


@dataclass(kw_only=True)
class Oracle:
    """Watches every call and every host; what breaks a rule ends the run."""

    world: World
    trace: Trace
    deeds: Deeds
    policy: Policy
    brakes: Brakes
    heard: dict[HostName, Fact] = field(default_factory=dict)
    """The newest that was taken in of each host, as long as anybody could still know it."""
    away_since: dict[HostName, float] = field(default_factory=dict)
    unheard: dict[HostName, tuple[datetime, RequestId]] = field(default_factory=dict)
    """What somebody else has put for a host that has not been heard of since, and when."""
    lost_at: datetime | None = None
    """When all that we keep was lost."""
    supplies: Supplies = field(init=False)
    own_runs: OwnRuns = field(init=False)
    version_of: Callable[[str], str] = lambda _: ""
    """Returns the version that a fingerprint is of."""
    sending: Attempt | None = None
    checks: dict[tuple[str, str], Callable[[object, Life], None]] = field(init=False)

    def __post_init__(self) -> None:
        self.supplies = Supplies(world=self.world, deeds=self.deeds)
        self.own_runs = OwnRuns(trace=self.trace)
        self.checks = self._checks()

    def watch(self, kind: str, call: str, subject: object, life: Life) -> None:
        """Look at a call of a controller's; see `storm.Watcher`."""
        name = f"{life.instance}#{life.number}"
        if kind == "fault":
            self.trace.tell(name, f"{call}: {subject}")
            return
        self.brakes.watch(kind, call, subject, life)
        check = self.checks.get((kind, call))
        if check is not None:
            check(subject, life)
        if kind == "done" and not call.endswith(_OFTEN):
            self.trace.tell(name, call)

    def _checks(self) -> dict[tuple[str, str], Callable[[object, Life], None]]:
        return {
            ("begin", "runner.send"): self._begins_to_send,
            ("begin", "http.exec"): self._begins_to_send,
            ("act", "runner.send"): self._sends,
            ("act", "http.exec"): self._sends,
            ("done", "runner.send"): self._has_sent,
            ("done", "http.exec"): self._has_sent,
            ("done", "fleet.refresh"): self._looks,
            ("done", "fleet.resync"): self._looks,
            ("done", "fleet.ping"): self._is_answered,
            ("begin", "nats.store"): self._begins_to_store,
            ("begin", "records.refresh"): self._begins_to_remember,
            ("begin", "records.resync"): self._begins_to_remember,
            ("done", "records.refresh"): self._remembers,
            ("done", "records.resync"): self._remembers,
            ("done", "app_packages.check"): lambda ref, _: self.supplies.reads_back(ref),
            ("done", "scripts.check"): lambda ref, _: self.supplies.reads_back(ref),
            ("done", "app_packages.delete"): self.supplies.deletes,
            ("done", "scripts.delete"): self.supplies.deletes,
            ("done", "jobs.delete"): self.supplies.deletes_job,
            ("begin", "app_packages.sweep"): self._begins_to_sweep,
            ("begin", "source.fetch"): self._begins_to_fetch,
            ("done", "source.fetch"): self._fetches,
            ("begin", "reports.take"): self._begins_a_pass,
            ("done", "jobs.pin"): self._moves_pin,
            ("done", "reports.take"): self._takes,
            ("done", "journal.prove"): self._proves,
            ("done", "journal.record"): self._takes_for_ours,
            ("done", "journal.note_run"): self._takes_for_a_strangers,
            ("done", "reports.acknowledge"): self._acknowledges,
        }

    def _looks(self, _: object, life: Life) -> None:
        life.looked_at = asyncio.get_running_loop().time()

    def _is_answered(self, hosts: object, _: Life) -> None:
        assert isinstance(hosts, AbstractSet)
        for host in hosts & self.world.pings.keys():
            self.hears_of(host)

    def _begins_to_fetch(self, _: object, life: Life) -> None:
        life.fetch_began_at = asyncio.get_running_loop().time()

    def _fetches(self, _: object, life: Life) -> None:
        life.fetched_at = life.fetch_began_at

    def _begins_a_pass(self, _: object, life: Life) -> None:
        life.git_at = life.git_before

    def _begins_to_sweep(self, _: object, life: Life) -> None:
        """A pass that reads everything anew begins by that, and goes by the commit of then."""
        life.swept_by = life.fetched_at

    def _begins_to_remember(self, _: object, life: Life) -> None:
        life.asked_at = asyncio.get_running_loop().time()
        life.git_before = life.fetched_at if life.swept_by is None else life.swept_by
        life.swept_by = None

    def _remembers(self, _: object, life: Life) -> None:
        life.remembered_at = life.asked_at

    def _begins_to_store(self, subject: object, life: Life) -> None:
        key = str(subject).removeprefix(f"$KV.{STATE_BUCKET}.")
        life.intended_at[key] = asyncio.get_running_loop().time()

    def stores(self, subject: str, data: bytes) -> None:
        """Look at what a controller has got stored of our own, whether it hears of that or not."""
        life, key = LIFE.get(), subject.removeprefix(f"$KV.{STATE_BUCKET}.")
        if not data and key.startswith(f"{RECORDS}."):
            self.supplies.forgets(self.version_of(key.rpartition(".")[2]))
        for prefix, (call, kind) in _KEPT.items() if life is not None and data else ():
            if key.startswith(f"{prefix}."):
                assert life is not None
                self.watch("done", call, decode(data, kind), life)

    def _begins_to_send(self, subject: object, life: Life) -> None:
        assert isinstance(subject, Attempt)
        if not life.leads(5.0):
            self.trace.blame(f"{life.instance} sends to {subject.wish.host} and does not lead")

    def _sends(self, subject: object, _: Life) -> None:
        assert isinstance(subject, Attempt)
        self.sending = subject

    def _has_sent(self, _: object, __: Life) -> None:
        self.sending = None

    def _moves_pin(self, subject: object, life: Life) -> None:
        job, version = getattr(subject, "job_id", JobId("")), getattr(subject, "version", "")
        if not life.is_leader():
            return
        for sent in self.deeds.outstanding():
            if sent.order.job == job and sent.order.version != version:
                self.trace.blame(
                    f"{job} moves to {version} while {sent.order.version} is on its way to "
                    f"{sent.host}"
                )

    def _takes(self, _: object, __: Life) -> None:
        """What is taken in may be acted on, even if it is never acknowledged."""
        for report in self.world.reports:
            if isinstance(report, RunFinished):
                self._hears(report.host, fact_of(report))

    def _proves(self, proof: object, _: Life) -> None:
        """What a pass has taken in before everything was lost is kept after it, too."""
        assert isinstance(proof, Proof)
        if proof.latest is not None:
            self._hears(proof.host, fact_in(proof.latest))

    def _takes_for_ours(self, attempt: object, _: Life) -> None:
        """What somebody has run by hand may be just what was asked for: nobody can tell."""
        assert isinstance(attempt, Attempt)
        self.own_runs.settles(attempt)
        host = attempt.wish.host
        if host in self.unheard and self.unheard[host][1] == attempt.request_id:
            self.hears_of(host)

    def _takes_for_a_strangers(self, run: object, _: Life) -> None:
        assert isinstance(run, RunStarted)
        self.own_runs.is_by_hand(run)

    def _hears(self, host: HostName, fact: Fact | None) -> None:
        newest = self.heard.get(host)
        if fact is not None and (newest is None or newest.at <= fact.at):
            self.heard[host] = fact

    def _acknowledges(self, report: object, _: Life) -> None:
        if not isinstance(report, RunFinished):
            return
        sent = self.deeds.sent.get((report.host, report.request_id))
        if sent is None:
            return
        sent.definite = report.exit_code not in (121, -1)
        if report.host in self.deeds.excused:
            return
        kept = [one for one in self.world.own.attempts.values() if self._is_of(one, sent)]
        if any(not one.settled for one in kept):
            self.trace.blame(f"a result of {report.host} is acknowledged and not recorded")

    def _is_of(self, attempt: Attempt, sent: Sent) -> bool:
        return sent.attempt is not None and attempt.wish_id == sent.attempt.wish_id

    def put_command(self, host: HostName, payload: bytes, now: datetime) -> None:
        """Look at a command that has come to *host*'s slot, before it is there."""
        attempt, life = self.sending, LIFE.get()
        order = read_order(payload)
        if attempt is None or life is None:
            self.unheard[host] = now, order.request_id
            self._by_somebody_else(host, order, now)
            return
        known = self.deeds.sent.get((host, order.request_id))
        self.trace.tell(
            f"{life.instance}#{life.number}",
            f"{'RESENDS' if known else 'SENDS'} {order.job} {order.version} to {host} "
            f"over {attempt.via} as {order.request_id[:12]}",
        )
        if self._was_planned_before_the_loss(life):
            self._by_somebody_else(host, order, now)
            return
        if known is None:
            self.deeds.sent[host, order.request_id] = Sent(
                order=order, host=host, at=now, attempt=attempt
            )
        self._was_recorded(attempt, life)
        self._erases_nothing(attempt, life, is_new=known is None)
        if life.is_leader():
            self.brakes.sends(host, attempt, life)
        if known is None:
            self._is_once(host, attempt, order)
            self._is_alone(host, attempt)
            self._is_there(host, life)
            if attempt.wish.purpose is Purpose.INSTALL:
                if life.is_leader():
                    all_was_lost = self.lost_at is not None
                    self.supplies.are_used(attempt, all_was_lost=all_was_lost)
                self._is_needed(host, attempt, life)

    def _by_somebody_else(self, host: HostName, order: Order, now: datetime) -> None:
        self.deeds.sent[host, order.request_id] = Sent(order=order, host=host, at=now, attempt=None)
        if order.job.startswith("install"):
            self.deeds.excused.add(host)

    def _was_recorded(self, attempt: Attempt, life: Life) -> None:
        """The journal has the very bytes, written before they are sent."""
        wish = attempt.wish
        kept = self.world.own.attempts.get((wish.release, wish.host, wish.purpose))
        if not life.is_leader() or (kept is None and self.lost_at is not None):
            return
        if kept is None or (kept.wish_id, kept.payload) != (attempt.wish_id, attempt.payload):
            self.trace.blame(f"a command to {wish.host} is sent and is not in the journal")

    def _is_once(self, host: HostName, attempt: Attempt, order: Order) -> None:
        """Over HTTP, where each send has an id of its own, a wish is sent once."""
        for (name, request_id), sent in self.deeds.sent.items():
            is_same = sent.attempt is not None and sent.attempt.wish_id == attempt.wish_id
            if name == host and is_same and request_id != order.request_id:
                self.trace.blame(f"a wish for {host} is sent twice, under two ids")

    def _is_alone(self, host: HostName, attempt: Attempt) -> None:
        others = [
            sent
            for sent in self.deeds.outstanding()
            if sent.attempt is not None and sent.attempt.wish_id != attempt.wish_id
        ]
        for sent in others:
            if sent.host == host and not self._is_mistaken(sent):
                self.trace.blame(
                    f"two commands at a time for {host}: {attempt.job} {attempt.version} and "
                    f"{sent.order.job} {sent.order.version}"
                )
        busy = {sent.host for sent in others if sent.is_install} - {host}
        limit = self.policy.limit(goes_back=attempt.returns_to == attempt.wish.fingerprint)
        if attempt.wish.purpose is Purpose.INSTALL and len(busy) >= limit:
            self.trace.blame(f"{len(busy) + 1} installs at a time, with {host}")

    def _is_mistaken(self, sent: Sent) -> bool:
        """Over HTTP a run by hand, at that very moment, may be taken for ours: it does the same."""
        by_http = sent.attempt is not None and sent.attempt.via is Via.HTTP
        return by_http and sent.host in self.deeds.excused

    def _is_there(self, host: HostName, life: Life) -> None:
        since = self.away_since.get(host)
        if since is not None and life.looked_at - since > _SILENCE:
            self.trace.blame(f"{host} is sent a command and has been away since {since:.0f}")

    def _erases_nothing(self, attempt: Attempt, life: Life, *, is_new: bool) -> None:
        """What was there at the last look is not overwritten; a new command looks once more."""
        host, looked_at = attempt.wish.host, life.looked_at
        if is_new:
            looked_at = max(looked_at, life.intended_at.get(journal_key(attempt.wish), 0.0))
        put = self.unheard.pop(host, None)
        if put is not None and self._seconds(put[0]) < looked_at:
            self.trace.blame(f"somebody's command for {host} is overwritten, and it may be unheard")

    def _is_needed(self, host: HostName, attempt: Attempt, life: Life) -> None:
        """Contrary evidence, taken in, and newer than any earlier try of the same version.

        What somebody does by hand after the intent makes it needless, which nobody could know.
        """
        if not life.is_leader():
            return
        digest = wanted_digest(attempt.version)
        newest = self.heard.get(host)
        if newest is None:
            self.trace.blame(f"{host} is sent an install, and nothing is known of it")
            return
        if newest.at + _OFF < attempt.intended_at and newest.says(attempt.version, digest):
            self.trace.blame(f"{host} is sent {attempt.version}, and was seen to run it")
        tries = [
            sent
            for (name, _), sent in self.deeds.sent.items()
            if name == host
            and sent.is_install
            and sent.attempt is not None
            and sent.attempt.wish_id != attempt.wish_id
            and sent.order.version == attempt.version
        ]
        if tries and not tries[-1].definite and newest.at < tries[-1].at:
            self.trace.blame(f"{host} is sent {attempt.version} again, and nobody has looked")

    def comes(self, host: HostName) -> None:
        """A host is there again, and hears what is in its slot."""
        if self.away_since.pop(host, None) is not None:
            self.brakes.came_at[host] = asyncio.get_running_loop().time()
        self.hears_of(host)

    def hears_of(self, host: HostName) -> None:
        """A host has sent something: what was put for it before has come."""
        self.unheard.pop(host, None)

    def goes(self, host: HostName) -> None:
        """A host is away."""
        self.away_since.setdefault(host, asyncio.get_running_loop().time())

    def loses_results(self) -> None:
        """What was taken in, and not kept when the controller died, will never be told again."""
        proofs = self.world.own.proofs.values()
        self.heard = {proof.host: fact_in(proof.latest) for proof in proofs if proof.latest}

    def loses_everything(self, now: datetime) -> None:
        """All that we keep is gone: what was on its way is nobody's any more."""
        self.lost_at = now
        self.heard.clear()
        self.own_runs.are_forgotten()
        self.deeds.excused |= {sent.host for sent in self.deeds.outstanding()}
        for sent in self.deeds.sent.values():
            sent.attempt = None

    def _was_planned_before_the_loss(self, life: Life) -> bool:
        return self.lost_at is not None and life.remembered_at < self._seconds(self.lost_at)

    def _seconds(self, at: datetime) -> float:
        return asyncio.get_running_loop().time() - (self.world.clock.now() - at).total_seconds()
