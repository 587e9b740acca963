"""README's table of commands: with their options in the help, and run on a fleet."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.demo.repository import Repository
from reconciler.cli.demo.stage import FIRST, HOSTS, Setting, set_stage
from tests.walk.place import Astray, Place

_STAND_FOR = {
    "NAME": "kanade-backend",
    "HOST": HOSTS[0],
    "ROLE": "controller",
    "FOLDER": "../exported",
    "...": "walking",
}
_ELSEWHERE = {
    "run": "the demo does it",
    "apply": "there can be one controller only: tests/e2e",
    "adopt": "there can be one controller only: tests/e2e",
    "init": "it asks what its reader has: docs/how-to/begin.md",
    "rollback": "it needs two versions: docs/how-to/roll-back-by-hand.md",
    "bump": "it needs a build: docs/how-to/bump-from-ci.md",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as the table has it, `get hosts` where that says only `hosts`."""

    command: str
    options: tuple[str, ...]

    @property
    def verb(self) -> str:
        """Its words up to the first that stands for something, or is an option."""
        found = re.match(r"[a-z-]+( [a-z]+)*(?= |$)", self.command)
        return found[0] if found else self.command

    @property
    def played(self) -> bool:
        """True when all that it is asked about is at hand."""
        words = re.findall(r"[A-Z]{2,}|\.\.\.", self.command)
        return self.verb not in _ELSEWHERE and set(words) <= _STAND_FOR.keys()

    @property
    def spelled_out(self) -> str:
        """The command with all that is optional, but for what never ends."""
        plain = self.command.replace(" [--watch]", "").replace("[", "").replace("]", "")
        return " ".join(_STAND_FOR.get(word, word) for word in plain.split())


def entries(page: Path) -> Iterator[Entry]:
    """Yield what stands in the table of *page*, from top to bottom."""
    for row in re.findall(r"^\| (`reconciler .*) \|$", page.read_text("utf-8"), re.MULTILINE):
        commands, _, _ = row.partition(" | ")
        named, *others = re.findall(r"`([^`]+)`", commands)
        options = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row)
        first = Entry(named.removeprefix("reconciler "), tuple(options))
        yield first
        for other in others:
            sibling = f"{first.verb.rpartition(' ')[0]} {other}"
            yield Entry(other if " " in other else sibling, ())


def look_up(place: Place, entry: Entry) -> None:
    """See that a command is there, with the options that its row names.

    Raises:
        Astray: it is not.
    """
    told = place.run(f"reconciler {entry.verb} --help")
    lacking = [option for option in entry.options if not re.search(rf"(?<!\S){option}\b", told)]
    if lacking:
        raise Astray(f"`reconciler {entry.verb}` knows no {', '.join(lacking)}:\n{told}")


async def play(place: Place, table: list[Entry]) -> None:
    """Run them one after the other, on a fleet that is as git wants it; a question is answered."""
    setting = Setting(hosts_per_agent=len(HOSTS), prepare=_in_a_hurry)
    async with set_stage(place.folder / "stage", setting) as stage:
        shutil.copy(stage.config, stage.repository.folder)
        await stage.until("every host is proved", lambda: stage.all_proved(FIRST))
        await stage.until("it is kept", lambda: stage.can_go_back_to(FIRST))
        for entry in table:
            if entry.played:
                command = f"yes | reconciler {entry.spelled_out}"
                await asyncio.to_thread(place.run, command, stage.repository.folder)


def _in_a_hurry(repository: Repository) -> None:
    repository.edit("soak: 1s", "soak: 0s")
    repository.edit("every: 5s", "every: 1h")
