"""The rules of a careful rollout: what holds a version back, and what is gone back to."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import HostName, Version
from reconciler.model.proof import Proof
from reconciler.model.record import Quarantine, ReleaseRecord
from tests.simulation.climate import MOST_OFF
from tests.simulation.facts import fact_in, wanted_digest
from tests.simulation.flaws import Flaw, Services
from tests.simulation.policy import Policy
from tests.simulation.storm import Life
from tests.simulation.trace import Trace


@dataclass(kw_only=True)
class Word:
    """Somebody has agreed to a version."""

    by: str
    at: float


@dataclass(kw_only=True)
class Brakes:
    """Watches what leaders send; each commit has a version of its own, so that names it."""

    policy: Policy
    hosts: int
    trace: Trace
    services: Services
    seconds: Callable[[datetime], float]
    words: dict[str, list[Word]] = field(default_factory=lambda: defaultdict(list))
    frozen_since: float | None = None
    suspended_since: float | None = None
    quarantined: dict[str, float] = field(default_factory=dict)
    touched: dict[str, set[HostName]] = field(default_factory=lambda: defaultdict(set))
    """Who was sent a version to go forward."""
    begun: dict[str, float] = field(default_factory=dict)
    """As of when a rollout was let through whose first command was written down, sent or not."""
    retried_at: float = -inf
    ended: dict[tuple[str, HostName], float] = field(default_factory=dict)
    """When an install went well, by its own word."""
    failed: dict[str, dict[HostName, float]] = field(default_factory=lambda: defaultdict(dict))
    """When it was written down that a bad version has done harm."""
    looked: dict[str, dict[HostName, float]] = field(default_factory=lambda: defaultdict(dict))
    """When it was last seen to."""
    came_at: dict[HostName, float] = field(default_factory=dict)
    """When a host that was away was there again."""
    proved: dict[str, dict[HostName, float]] = field(default_factory=lambda: defaultdict(dict))
    """Since when a probe has seen a version run, by the newest that was written down."""

    last_proved: dict[HostName, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    """What can be gone back to, as it was proved in every way that the release asks for."""
    came_from: dict[tuple[str, HostName], str] = field(default_factory=dict)
    """What can be gone back to where a version does harm: the last that was proved there."""

    def watch(self, kind: str, call: str, subject: object, life: Life) -> None:
        """Look at a call of a controller's; see `storm.Watcher`."""
        if kind != "done":
            return
        match call, subject:
            case "archive.keep", ReleaseRecord(version=version):
                self.kept.add(version)
            case "archive.quarantine", Quarantine(version=version):
                self.quarantined.setdefault(version, self._now)
                self.kept.discard(version)
                self.trace.tell("brakes", f"{version} is quarantined")
            case "journal.record", Attempt() as attempt:
                if attempt.wish.purpose is Purpose.INSTALL:
                    self._begins(attempt, life)
                    self._ends(attempt)
            case "journal.prove", Proof() as proof:
                self._proves(proof)
            case _:
                pass

    def _begins(self, attempt: Attempt, life: Life) -> None:
        if not attempt.goes_back:
            self.begun.setdefault(attempt.version, life.remembered_at)

    def _ends(self, attempt: Attempt) -> None:
        """A person's word for another try is one for whatever has ended by then, too."""
        outcome = attempt.outcome
        ended_at = self.seconds(outcome.at) if outcome is not None else -inf
        if outcome is None or ended_at <= self.retried_at:
            return
        version, host = attempt.version, attempt.wish.host
        if outcome.exit_code == 0:
            self.ended.setdefault((version, host), ended_at)
        elif outcome.exit_code == 1 and (version, host) in self.services.flaws:
            self.failed[version].setdefault(host, self._now)

    def _proves(self, proof: Proof) -> None:
        seen, host = proof.by_probe, proof.host
        if seen is None:
            return
        fact, at = fact_in(seen), self.seconds(seen.last_at)
        for version in self.touched:
            if fact.says(Version(version), wanted_digest(version)):
                self.proved[version][host] = self.seconds(seen.first_at)
                self.looked[version][host] = at
                self.last_proved[host] = version
            elif self.ended.get((version, host), at) < at and self._has_harmed(version, host):
                self.failed[version].setdefault(host, self._now)

    def _has_harmed(self, version: str, host: HostName) -> bool:
        """Tell whether it must be known by now; who goes back is told from drift by his soak."""
        flaw = self._flaw(version, host)
        soaks = self.policy.soak_seconds > 0 and (version, host) in self.came_from
        return flaw is Flaw.LIES or (flaw is Flaw.GOES_BACK and soaks)

    def should_be_back(self, version: str, host: HostName) -> bool:
        """Tell whether *host* has come to a quarantined version from one that is still good."""
        is_back = self.policy.rolls_back and version in self.quarantined
        return is_back and self.came_from.get((version, host)) in self.kept

    def _flaw(self, version: str, host: HostName) -> Flaw | None:
        return self.services.flaws.get((Version(version), host))

    def hears(self, version: str, by: str) -> None:
        """Somebody agrees to a version."""
        self.words[version].append(Word(by=by, at=self._now))

    def is_frozen(self) -> None:
        """Kanade is frozen from now on."""
        self.frozen_since = self._now if self.frozen_since is None else self.frozen_since

    def is_suspended(self) -> None:
        """The release stands still from now on."""
        self.suspended_since = self._now if self.suspended_since is None else self.suspended_since

    def is_resumed(self) -> None:
        """The release goes on."""
        self.suspended_since = None

    def is_retried(self) -> None:
        """A person asks for another try: what has failed until now is no reason any more."""
        self.retried_at = self._now
        self.quarantined.clear()
        self.failed.clear()
        self.ended.clear()

    def sends(self, host: HostName, attempt: Attempt, life: Life) -> None:
        """Look at a command that a leader sends."""
        if self.frozen_since is not None and self.frozen_since < life.looked_at:
            self.trace.blame(f"{host} is sent {attempt.job}, and kanade is frozen")
        if self.suspended_since is not None and self.suspended_since < life.remembered_at:
            self.trace.blame(f"{host} is sent {attempt.job}, and the release is suspended")
        if attempt.wish.purpose is not Purpose.INSTALL:
            return
        since = self.quarantined.get(attempt.version)
        if since is not None and since < life.remembered_at:
            self.trace.blame(f"{host} is sent {attempt.version}, which is quarantined")
        if attempt.goes_back:
            self._is_proved(host, attempt)
            return
        self._is_agreed(host, attempt, life)
        self._is_in_time(host, life)
        if host not in self.touched[attempt.version]:
            self._has_its_turn(host, attempt.version, life)
            self._notes_from_where(host, attempt.version)
        self.touched[attempt.version].add(host)

    def _notes_from_where(self, host: HostName, version: str) -> None:
        before = self.last_proved.get(host)
        if before in self.kept and self._flaw(before, host) is None:
            self.came_from[version, host] = before

    def _is_proved(self, host: HostName, attempt: Attempt) -> None:
        if not self.proved[attempt.version]:
            self.trace.blame(f"{host} goes back to {attempt.version}, which was never proved")

    def _is_agreed(self, host: HostName, attempt: Attempt, life: Life) -> None:
        """Enough people agree, or did when its first command was planned, or it was proved."""
        policy, version = self.policy, attempt.version
        lasts = policy.approval_minutes * 60 + MOST_OFF if policy.approval_minutes else inf
        stays = bool(self.touched[version] or self.proved[version])
        since = min(life.remembered_at, self.begun.get(version, inf))
        people = {word.by for word in self.words[version] if stays or since < word.at + lasts}
        if len(people) < policy.approvals:
            self.trace.blame(f"{host} is sent {version}, and only {len(people)} people agree")

    def _is_in_time(self, host: HostName, life: Life) -> None:
        """A window was open at some moment since the last look."""
        window = self.policy.window
        moments = (self._now, life.remembered_at)
        if window is None or any(
            window.is_open(moment + off) for moment in moments for off in (0, MOST_OFF, -MOST_OFF)
        ):
            return
        period = window.every_minutes * 60
        if self._now // period == life.remembered_at // period:
            self.trace.blame(f"{host} is sent an install, and no window is open")

    def _has_its_turn(self, host: HostName, version: Version, life: Life) -> None:
        """Nobody else is touched by what has failed, nor before the first wave has soaked."""
        touched, policy = self.touched[version], self.policy
        bad = {name for name, at in self.failed[version].items() if at < life.remembered_at}
        if policy.watches_health:
            patience = policy.health_seconds + _A_PASS
            bad |= {
                name for name in touched if self.services.sick_seconds(name, version) > patience
            }
        if policy.has_lost(len(bad), self.hosts):
            self.trace.blame(f"{host} is sent {version}, which has failed on {', '.join(bad)}")
        self._is_after_the_early(host, version, life)
        if len(touched) < policy.canaries(self.hosts):
            return
        since = self.proved[version].values()
        if not any(at + policy.soak_seconds <= self._now + MOST_OFF for at in since):
            self.trace.blame(f"{host} is sent {version}, and the first wave has not soaked")

    def _is_after_the_early(self, host: HostName, version: str, life: Life) -> None:
        """Whom no early wave selects waits for all whom it does, and for the soak of one."""
        policy, found = self.policy, self.policy.early_wave(self.hosts)
        if found is None or host in policy.early or len(self.touched[version]) < found[1]:
            return
        left = [one for one in policy.early if not self._has_soaked(version, one)]
        if len(left) == len(policy.early):
            self.trace.blame(f"{host} is sent {version}, and no early host has soaked")
        if not policy.has_lost(1, self.hosts):
            left = [one for one in left if one not in self.touched[version]]
        away = [one for one in left if life.sees_away(one) or self._has_just_come(one, life)]
        for one in left:
            if one not in away:
                self.trace.blame(f"{host} is sent {version} before {one}, which goes early")
        if not found[0].may_skip(sum(life.sees_away(one) for one in away)):
            self.trace.blame(f"{host} is sent {version}, and {', '.join(away)} is waited for")

    def _has_soaked(self, version: str, host: HostName) -> bool:
        since, seen = self.proved[version].get(host, inf), self.looked[version].get(host, -inf)
        return since + self.policy.soak_seconds <= seen

    def _has_just_come(self, host: HostName, life: Life) -> bool:
        return self.came_at.get(host, -inf) > life.remembered_at

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()


_A_PASS = 60.0
"""How long it takes at most from what a controller sees to what it sends."""
