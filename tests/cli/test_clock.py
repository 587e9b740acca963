"""The machine's clock."""

import time

import pytest

from reconciler.cli import clock


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="it is Linux that has it")
def test_seconds_go_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease runs out in that time, and its holder has to know when it wakes up."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)

    assert before <= clock.SystemClock().monotonic() <= before + 60
