"""The verbs of the command line, each imported when it is asked for: most need little of it."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import NoReturn, cast

import click

_NAMES = (
    "adopt",
    "apply",
    "approve",
    "bump",
    "check",
    "completion",
    "demo",
    "diff",
    "events",
    "export",
    "get",
    "history",
    "init",
    "lab",
    "logs",
    "permissions",
    "plan",
    "reconcile",
    "resume",
    "retry",
    "rollback",
    "run",
    "stop",
    "suspend",
    "tree",
    "validate",
    "version",
    "why",
)
_MODULES = {"resume": "suspend"}
"""Where a verb is not in the module of its name."""


class Verbs(MutableMapping[str, click.Command]):
    """The commands by their names: `click` asks for the one to run, or for all to list them."""

    def __getitem__(self, name: str) -> click.Command:
        """Import the command; raises `KeyError` where there is no such verb."""
        if name not in _NAMES:
            raise KeyError(name)
        module = import_module(f"reconciler.cli.commands.{_MODULES.get(name, name)}")
        return cast("click.Command", getattr(module, f"{name}_command"))

    def __iter__(self) -> Iterator[str]:
        """Yield the names, in the order of the alphabet."""
        return iter(_NAMES)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(_NAMES)

    def __setitem__(self, name: str, command: click.Command) -> NoReturn:
        """Refuse: a verb has a module of its own."""
        raise TypeError(f"{name}: verbs are listed in {__name__}")

    def __delitem__(self, name: str) -> NoReturn:
        """Refuse, as above."""
        raise TypeError(f"{name}: verbs are listed in {__name__}")
