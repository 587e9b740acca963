"""The controller is killed again and again while versions are committed: each takes effect once."""

from pathlib import Path

import pytest

from tests.support.lives import live_and_die
from tests.support.playground import playground

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_thirty_lives_and_twenty_versions(mode: str, tmp_path: Path) -> None:
    """At most one effect for any wish, and exactly one on each host for the last version."""
    async with playground(tmp_path, mode, waves=True) as world:
        await live_and_die(world, lives=30, versions=20, name="")
