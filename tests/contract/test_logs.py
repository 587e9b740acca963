"""How an agent shows the end of its log: the one of a host that nobody else speaks with."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.commands import ANSWER_SECONDS
from tests.contract.fleets import SPARE, Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextlib.contextmanager
def log_of(fleet: Fleet, text: str | None) -> Iterator[Path]:
    """Let the agent's log say *text*, or not be there; yields where it is."""
    path = fleet.logs[SPARE]
    own = {file: file.rename(file.with_suffix(".kept")) for file in path.parent.glob("agent*.log")}
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_text(text)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        for file, kept in own.items():
            kept.rename(file)


async def shown(fleet: Fleet, payload: bytes) -> str:
    subject = f"logs.fetch.{SPARE}"
    return (await fleet.client.request(subject, payload, timeout=ANSWER_SECONDS)).data.decode()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, ""), (1, "c\n"), (2, "\nc\n"), (9, "a\n\nc\n"), (2**32 - 1, "a\n\nc\n")],
)
@pytest.mark.parametrize("written", ["a\n\nc\n", "a\r\n\r\nc"])
async def test_as_many_lines_come_as_were_asked_for(
    fleet: Fleet, written: str, count: int, expected: str
) -> None:
    with log_of(fleet, written):
        assert await shown(fleet, b'{"tail_lines": %d}' % count) == expected


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"{}", b'{"tail_lines": -1}', b'{"tail_lines": 4294967296}', b"[]"]
)
async def test_a_request_that_makes_no_sense_is_one_for_500_lines(
    fleet: Fleet, payload: bytes
) -> None:
    with log_of(fleet, "".join(f"line {number}\n" for number in range(600))):
        lines = (await shown(fleet, payload)).splitlines()

    assert lines == [f"line {number}" for number in range(100, 600)]


async def test_too_much_is_cut_at_its_beginning_between_two_characters(fleet: Fleet) -> None:
    with log_of(fleet, "\u3042" * 300_000 + "\nthe end"):
        text = await shown(fleet, b'{"tail_lines": 2}')

    assert 800 * 1024 - 3 < len(text.encode()) <= 800 * 1024
    assert text.strip("\u3042") == "\nthe end\n"


async def test_a_log_without_a_line_is_empty(fleet: Fleet) -> None:
    with log_of(fleet, ""):
        assert await shown(fleet, b"{}") == ""


async def test_an_agent_that_cannot_read_its_log_says_so(fleet: Fleet) -> None:
    with log_of(fleet, None) as path:
        text = await shown(fleet, b"{}")

    assert text == f'logs.fetch: read "{path}": No such file or directory (os error 2)'
