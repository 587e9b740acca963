"""A scenario of the demo from beginning to end."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reconciler.cli.demo import approval, rollback, tour, waves
from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.stage import Setting, Stage, set_stage
from reconciler.cli.render import counted


class Scenario(StrEnum):
    """What there is to see."""

    TOUR = "tour"
    ROLLBACK = "rollback"
    APPROVAL = "approval"
    WAVES = "waves"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What was seen, and how long it took."""

    figures: Mapping[str, object]
    claims: Claims
    start_seconds: float
    """How long the fleet took to come up, before there was anything to see."""
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Return it as `demo -o json` prints it."""
        return {
            **self.figures,
            "claims": len(self.claims.held),
            "start_seconds": round(self.start_seconds, 1),
            "seconds": round(self.seconds, 1),
        }


_Perform = Callable[[Stage, Claims], Awaitable[Mapping[str, object]]]
_PLAYS: Mapping[Scenario, tuple[Setting, _Perform]] = {
    Scenario.TOUR: (tour.SETTING, tour.perform),
    Scenario.ROLLBACK: (rollback.SETTING, rollback.perform),
    Scenario.APPROVAL: (approval.SETTING, approval.perform),
    Scenario.WAVES: (waves.SETTING, waves.perform),
}


async def play(scenario: Scenario, folder: Path, say: Callable[[str], None]) -> Played:
    """Play every scene in *folder*, which may be thrown away afterwards.

    Raises:
        DemoFailed: a claim did not hold.
    """
    setting, perform = _PLAYS[scenario]
    claims = Claims(say=say)
    hosts = counted(len(setting.hosts), "host")
    claims.note(f"starting NATS, a kanade-like backend, {hosts} with agents, and the controller")
    begun = time.monotonic()
    async with set_stage(folder, setting) as stage:
        started = time.monotonic()
        figures = await perform(stage, claims)
        ended = time.monotonic()
    return Played(
        figures=figures,
        claims=claims,
        start_seconds=started - begun,
        seconds=ended - started,
    )
