"""The demo from beginning to end."""

from collections.abc import Callable
from pathlib import Path

from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.scenes import Figures, bad_version, bump, drift, first_look
from reconciler.cli.demo.stage import set_stage


async def play(folder: Path, say: Callable[[str], None]) -> tuple[Figures, Claims]:
    """Play every scene in *folder*, which may be thrown away afterwards.

    Raises:
        DemoFailed: a claim did not hold.
    """
    claims, figures = Claims(say=say), Figures()
    claims.tell("starting NATS, a kanade-like backend, three hosts with an agent each")
    async with set_stage(folder) as stage:
        await first_look(stage, claims, figures)
        await bump(stage, claims, figures)
        await drift(stage, claims)
        await bad_version(stage, claims, figures)
    return figures, claims
