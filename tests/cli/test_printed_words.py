"""What the commands answer to whoever says something, to the letter; and that none is left out."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
import pytest

from reconciler.cli.commands import stop
from reconciler.cli.main import cli
from reconciler.model.pruning import HeldPrune
from tests.cli.conftest import Office
from tests.cli.published import GROWN, publish
from tests.cli.test_printed import SNAPSHOTS, file_of, printed
from tests.support.golden import assert_same

HELD = replace(
    GROWN,
    controller=replace(
        GROWN.controller,
        held_prune=HeldPrune(items=("package tool/0.9.0", "script deploy-tool/0.9.0")),
    ),
)
MOMENT = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
NOT_HERE = {
    "run": "it is the log of the controller, for whoever keeps logs",
    "demo": "its scenes are walked, and their claims held, in tests/e2e",
    "lab": "it says where everything is, and then goes on",
    "completion": "it is the shell's own script, as click makes it",
}
"""Commands without a text of their own to be held to the letter; their help is."""

AS_THEY_ARE = {
    "bump": "a file, its version and its sha256 stand on one line, for scripts",
    "logs": "the lines are the host's",
    "why": "the lines of a log in it are the host's",
    "init": "a file, and commands to be copied",
    "permissions": "a file for nats-server",
}
"""Commands that print what is not ours to wrap."""


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words",
    [
        "suspend tool --reason holidays",
        "suspend tool --reason holidays --until 2h",
        "resume tool",
        "retry tool",
        "rollback tool --reason broken",
        "stop tool --reason broken",
        "approve tool --yes --by mika",
        "approve --prune --yes --by mika",
        "approve tool --override window --reason holidays --yes --by mika",
        "reconcile --timeout 1s",
        "reconcile --wait --timeout soon",
        "version",
        "permissions viewer",
        "logs backend-09",
        "get releases tol",
        "nonsense",
    ],
)
def test_what_is_answered(
    kanade: Office, words: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "_PATIENCE", timedelta(0))
    publish(kanade, HELD)

    text = MOMENT.sub("2026-11-23 12:00:00 UTC", printed(kanade, words, columns))

    assert_same(text, file_of(words, f"-{columns}"))


def all_commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix}{name} ")


COMMANDS = dict(all_commands(cli))
LEAVES = {name: item for name, item in COMMANDS.items() if not isinstance(item, click.Group)}


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_of_commands(kanade: Office, columns: int) -> None:
    text = printed(kanade, "--help", columns)

    assert "..." not in text.partition("Commands:")[2]
    assert_same(text, file_of("help", f"-{columns}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_the_help_of_each_command(kanade: Office, columns: int) -> None:
    texts = [printed(kanade, f"{name} --help", columns) for name in COMMANDS]

    assert_same("\n".join(texts), file_of("help-of-each", f"-{columns}"))


@pytest.mark.parametrize("suffix", ["80", "120", "json", "yaml"])
@pytest.mark.parametrize("name", sorted(set(LEAVES) - set(NOT_HERE)))
def test_no_command_is_left_out_in_any_shape(name: str, suffix: str) -> None:
    if suffix in {"json", "yaml"} and suffix not in shapes_of(LEAVES[name]):
        pytest.skip("it has no such shape")
    verb = name.replace(" ", "-")

    held = [path.name for path in SNAPSHOTS.glob(f"*-{suffix}.txt")]

    assert any(re.match(rf"(said-)?{verb}\b", file) for file in held)


def shapes_of(command: click.Command) -> set[str]:
    found = (item.type for item in command.params if item.name in {"output", "kind"})
    return {str(word) for kind in found if isinstance(kind, click.Choice) for word in kind.choices}


NARROW = sorted(SNAPSHOTS.glob("*-80.txt"))


@pytest.mark.parametrize("file", NARROW, ids=lambda file: file.stem)
def test_a_narrow_terminal_is_wide_enough(file: Path) -> None:
    """What goes to stderr is a line for each thing, for grep and for editors."""
    if file.name.removeprefix("said-").split("-")[0] in AS_THEY_ARE:
        pytest.skip("it is not ours to wrap")

    lines = file.read_text("utf-8").partition("-- stderr\n")[0].splitlines()

    assert [line for line in lines if len(line) > 80 > len(max(line.split(), key=len)) + 20] == []
