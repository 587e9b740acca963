"""Builds the executables that embedded hosts run as kanade-backend."""

import sys
from collections.abc import Sequence
from importlib import resources

from reconciler.lab.failure import LabFailed


def build_service(version: str, *, broken: bool | Sequence[str] = False, delay: float = 0) -> bytes:
    """Return an executable that calls itself kanade-backend *version*.

    The same arguments give the same bytes on one machine, and no two versions share theirs.
    A *broken* one ends with exit code 1 instead of serving, though it still shows its
    version; where that names hosts, on these alone. *delay* is the seconds that it takes to
    come up.

    Raises:
        LabFailed: the running interpreter's path cannot be written into a script.
    """
    program = resources.files("reconciler.lab").joinpath("service_program.py").read_text("utf-8")
    knobs: dict[str, object] = {
        "VERSION": version,
        "BROKEN": broken if isinstance(broken, bool) else tuple(broken),
        "DELAY": float(delay),
    }
    lines = [_set(line, knobs) for line in program.splitlines()]
    return "\n".join(["#!/bin/sh", _start_line(), *lines, ""]).encode()


def _set(line: str, knobs: dict[str, object]) -> str:
    name, equals, _ = line.partition(" = ")
    return f"{name} = {knobs[name]!r}" if equals and name in knobs else line


def _start_line() -> str:
    """Return a line that replaces sh by the interpreter, and that Python takes for strings.

    A shebang of its own could neither hold a path with a space nor a long one.
    """
    if set(sys.executable) & set("'\\\n") or not sys.executable:
        raise LabFailed(f"cannot write a script for the interpreter {sys.executable!r}")
    return f"""'exec' '{sys.executable}' '-ISs' "$0" "$@\""""
