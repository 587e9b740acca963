"""People who approve, freeze, suspend and ask for another try; some of them too late."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from reconciler.desired.load import load
from reconciler.model.approval import Approval
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.observed import Freeze, Retry, Suspension
from reconciler.model.snapshot import Snapshot
from reconciler.state.requests import RequestBook

if TYPE_CHECKING:
    from tests.simulation.play import Play

TOOL_RELEASE = ReleaseName("tool")
_APPROVERS = ("ann", "ann", "ben", "cleo")
"""In the order in which they speak; the first is eager, and counts once."""


@dataclass(kw_only=True)
class People:
    """What they have seen in git, and what they do about it."""

    play: "Play"
    fingerprints: dict[str, Fingerprint] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One word after the other."""

    def see(self, version: str, snapshot: Snapshot) -> None:
        """Read a commit; who has to agree does so, each in his own time."""
        (release,) = load(snapshot).releases
        self.fingerprints[version] = release.fingerprint
        needed = self.play.policy.approvals
        for name in _APPROVERS[: needed + 1] if needed else ():
            wait = self.play.chance.uniform(5, 150)
            self.play.later(wait, partial(self.approve, version, name))

    def version_of(self, fingerprint: str) -> str:
        """Return the version that *fingerprint* is of; empty where it is none of ours."""
        found = (name for name, one in self.fingerprints.items() if one == fingerprint)
        return next(found, "")

    def approve(self, version: str, by: str) -> None:
        """Agree to one fingerprint."""
        now = self.play.theatre.clock.now()
        word = Approval(
            release=TOOL_RELEASE, fingerprint=self.fingerprints[version], approver=by, at=now
        )
        self._ask(lambda book: book.approve(word), lambda: self._agrees(version, by))

    def _agrees(self, version: str, by: str) -> None:
        self.play.trace.tell(by, f"approves {version}")
        self.play.brakes.hears(version, by)

    def approve_an_older_one(self) -> None:
        """Agree to what git does not say any more."""
        for name in sorted(set(_APPROVERS)) if len(self.fingerprints) > 1 else ():
            self.approve(self.play.chance.choice(list(self.fingerprints)[:-1]), name)

    def approve_the_last(self) -> None:
        """Agree to what git says, as long as it waits for that."""
        if "waits for approval" in self.play.told():
            for name in sorted(set(_APPROVERS)):
                self.approve(self.play.version, name)

    def freeze(self) -> None:
        """Freeze kanade for a while."""
        play = self.play
        play.theatre.freeze = Freeze(frozen=True, reason="the quarter ends")
        play.brakes.is_frozen()
        play.theatre.changed()
        play.later(play.chance.uniform(10, 120), self.thaw)

    def thaw(self) -> None:
        """Let kanade go on."""
        self.play.theatre.freeze = Freeze(frozen=False)
        self.play.brakes.frozen_since = None
        self.play.theatre.changed()

    def suspend(self) -> None:
        """Let the release stand still for a while."""
        play, now = self.play, self.play.theatre.clock.now()
        word = Suspension(release=TOOL_RELEASE, by="mika", reason="lunch", since=now)
        self._ask(lambda book: book.suspend(word), play.brakes.is_suspended)
        play.later(play.chance.uniform(10, 120), self.resume)

    def resume(self) -> None:
        """Let the release go on."""
        self._ask(lambda book: book.resume(TOOL_RELEASE), self.play.brakes.is_resumed)

    def retry(self) -> None:
        """Ask for one more try of what git says."""
        play = self.play
        play.trace.tell("mika", f"retries: {play.told()}")
        play.storm.counts["retry"] += 1
        number = play.theatre.next_sequence()
        word = Retry(
            release=TOOL_RELEASE, id=f"retry-{number}", by="mika", at=play.theatre.clock.now()
        )
        self._ask(lambda book: book.retry(word), play.brakes.is_retried)

    def _ask(
        self,
        write: Callable[[RequestBook], Awaitable[None]],
        written: Callable[[], None] = lambda: None,
    ) -> None:
        """Write something down as the command line does, and know that it is written."""

        async def ask() -> None:
            async with self.turn:
                written()
                await write(await self.play.theatre.own.book())

        self.play.spawn(ask())
