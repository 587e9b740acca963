"""Bars on a terminal, as they are drawn on it."""

import io
import sys

import pytest
import structlog
from rich.console import Console

from reconciler.cli.logs import configure
from reconciler.cli.progress import Bars
from reconciler.cli.settings import LogFormat, LogLevel, LogSettings
from reconciler.model.identity import HostName, ObjectRef, ReleaseName
from reconciler.model.plan import Assessment, State
from reconciler.ports import BytesContent

REF = ObjectRef("tool", "1.1.0")
TOOL = ReleaseName("tool")
HALF = {
    TOOL: (
        Assessment(host=HostName("pc-01"), state=State.CONVERGED, reason="", message=""),
        Assessment(host=HostName("pc-02"), state=State.RUNNING, reason="", message=""),
    )
}
CONTENT = BytesContent(b"x" * 3000)


class Screen(io.StringIO):
    """What a terminal was told to show."""

    def isatty(self) -> bool:
        return True

    def since(self, position: int) -> str:
        return self.getvalue()[position:]


@pytest.fixture
def screen() -> Screen:
    return Screen()


def bars_on(screen: Screen) -> Bars:
    return Bars(Console(file=screen, force_terminal=True, width=100))


async def read(bars: Bars) -> None:
    async for _ in bars.watch(REF, CONTENT).blocks(1000):
        bars.refresh()


async def test_an_upload_is_drawn_while_it_lasts(screen: Screen) -> None:
    with bars_on(screen) as bars:
        await read(bars)
        ended = len(screen.getvalue())
        bars.show(HALF)

    assert "tool/1.1.0" in screen.getvalue()
    assert "tool/1.1.0" not in screen.since(ended)
    assert "1 of 2 hosts proved" in screen.since(ended)


async def test_an_upload_during_a_rollout_is_drawn_beside_it(screen: Screen) -> None:
    with bars_on(screen) as bars:
        bars.show(HALF)
        blocks = aiter(bars.watch(REF, CONTENT).blocks(1000))
        began = len(screen.getvalue())
        await anext(blocks)
        bars.show(HALF)
        bars.refresh()

        assert "tool/1.1.0" in screen.since(began)
        assert "1 of 2 hosts proved" in screen.since(began)


async def test_of_an_upload_that_is_given_up_nothing_stays(screen: Screen) -> None:
    with bars_on(screen) as bars:
        blocks = bars.watch(REF, CONTENT).blocks(1000)
        await anext(aiter(blocks))
        await blocks.aclose()  # type: ignore[attr-defined]  # as the loop does with what nobody reads on
        ended = len(screen.getvalue())
        bars.show(HALF)

    assert "tool/1.1.0" not in screen.since(ended)


async def test_what_is_logged_meanwhile_stands_whole_above_the_bars(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    configure(LogSettings(format=LogFormat.HUMAN, level=LogLevel.INFO))
    try:
        with bars_on(screen) as bars:
            async for _ in bars.watch(REF, CONTENT).blocks(1000):
                structlog.get_logger().info("step done", step="publish")
            structlog.get_logger().info("pass done")
    finally:
        structlog.reset_defaults()

    logged = [line for line in screen.getvalue().splitlines() if "step done" in line]
    assert len(logged) == 3
    assert all("tool/1.1.0" not in line for line in logged)
    assert "pass done" in screen.getvalue()


@pytest.mark.parametrize("drawn", [True, False])
async def test_where_nobody_looks_nothing_is_drawn(screen: Screen, *, drawn: bool) -> None:
    console = Console(file=screen, force_terminal=not drawn, width=100)

    with Bars(console, drawn=drawn) as bars:
        await read(bars)
        bars.show(HALF)

    assert screen.getvalue() == ""
