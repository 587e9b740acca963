"""What README says of its commands, looked at when they have been run."""

import asyncio
import json
import re
from pathlib import Path

from tests.support.documents import Block, blocks_of, commands_of, missing
from tests.walk.place import Astray, Place
from tests.walk.table import entries, look_up, play

_VARYING = re.compile(r"\b(?:[0-9a-f]{12}|\d+(?:\.\d+)? m?s)\b")
"""Commits and times, which are others on another machine."""
_COLLECTED = re.compile(r"^(\d+)(?:/\d+)? tests collected", re.MULTILINE)
_FEWEST_TESTS = 3000
_FEWEST_COMMANDS = 20


def walk(place: Place) -> None:
    """Follow README from top to bottom.

    Raises:
        Astray: something is not as it says.
    """
    page = place.clone / "README.md"
    said: dict[str, str] = {}
    for block in blocks_of(page):
        match block.language:
            case "sh":
                said |= {line: _take(place, line) for line in block.text.splitlines()}
            case "console":
                _follow(place, block)
            case "text":
                _compare(block, said)
                _play_scenarios(place, page)
            case "toml":
                _use(place, page)
            case _:
                """Files, which the tests of the documentation read."""


def _take(place: Place, line: str) -> str:
    if line != "make test":
        return place.run(line)
    # Who walks here has run them all: what counts is that the clone has everything they need.
    printed = place.run(line, PYTEST_ADDOPTS="--collect-only --quiet")
    found = _COLLECTED.search(printed)
    if found is None or int(found[1]) < _FEWEST_TESTS:
        raise Astray(f"`make test` finds too few tests:\n{printed[-1000:]}")
    return printed


def _follow(place: Place, block: Block) -> None:
    for command, shown in commands_of(block):
        _expect(command, shown, place.run(command))


def _compare(block: Block, said: dict[str, str]) -> None:
    shown = [_VARYING.sub("...", line) for line in block.text.splitlines()]
    _expect("make demo", shown, said["make demo"])


def _expect(command: str, shown: list[str], printed: str) -> None:
    lacks = missing(shown, printed)
    if lacks is not None:
        raise Astray(f"`{command}` does not print: {lacks}\n{printed[-4000:]}")


def _play_scenarios(place: Place, page: Path) -> None:
    """Each of the list, with the figures that are said to be printed."""
    text = page.read_text("utf-8")
    named = re.search(r"With `-o json` they print what was measured: (.*?) and others", text)
    figures = set(re.findall(r"`(\w+)`", named[1])) if named else set()
    measured: set[str] = set()
    for name in re.findall(r"^- `(\w+)`: ", text, re.MULTILINE):
        printed = place.run(f"reconciler demo --scenario {name} -o json 2>/dev/null")
        measured |= set(json.loads(printed))
    if not figures or figures - measured:
        raise Astray(f"no scenario prints {figures - measured or 'the figures that README names'}")


def _use(place: Place, page: Path) -> None:
    table = [*entries(page)]
    if len(table) < _FEWEST_COMMANDS:
        raise Astray(f"README's table has {len(table)} commands")
    for entry in table:
        look_up(place, entry)
    asyncio.run(play(place, table))
