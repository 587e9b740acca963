"""The settings' TOML file, every value with the line of its key."""

import re
import tomllib
from pathlib import Path

from reconciler.cli.settings.toml_places import toml_places
from reconciler.desired.node import Node
from reconciler.desired.node import Path as Way
from reconciler.errors import Fault
from reconciler.model.identity import Position

MOST_BYTES = 1024 * 1024

_LARGEST = 2**63 - 1
"""Of TOML's integers; Python would read on, until there are too many digits."""
_UNSPEAKABLE = 10**4000
"""Python refuses to spell it in decimal digits."""
_TOO_LONG = re.compile(r"(?<![\w.])[+-]?\d[\d_]{4300,}")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")


def read_settings_file(path: Path) -> Node | Fault:
    """Return what the file says, or why it cannot be read."""
    file = str(path)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            return Fault(Position(file), f"{size:,} bytes; at most {MOST_BYTES:,} are read")
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Fault(Position(file), f"cannot be read: {reason}; name the settings by --config")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return Fault(Position(file, 1, 1), f"not valid UTF-8 at byte {error.start + 1}")
    return _parsed(text, file)


def _parsed(text: str, file: str) -> Node | Fault:
    try:
        return _node(tomllib.loads(text), (), toml_places(text), file)
    except tomllib.TOMLDecodeError as error:
        return _syntax_fault(str(error), text, file)
    except RecursionError:
        return Fault(Position(file, 1, 1), "nested too deep")
    except ValueError:
        return Fault(_too_long(text, file), "not valid TOML: a number of thousands of digits")


def _too_long(text: str, file: str) -> Position:
    match = _TOO_LONG.search(text)
    before = text[: match.start()] if match is not None else ""
    return Position(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _syntax_fault(message: str, text: str, file: str) -> Fault:
    match = _AT.search(message)
    if match is None or match[1] is None:
        lines = text.split("\n")
        where = Position(file, len(lines), len(lines[-1]) + 1)
    else:
        where = Position(file, int(match[1]), int(match[2]))
    text = _AT.sub("", message)
    return Fault(where, f"not valid TOML: {text[:1].lower()}{text[1:]}")


def _node(value: object, way: Way, places: dict[Way, tuple[int, int]], file: str) -> Node:
    position = Position(file, *places.get(way, (1, 1)))
    match value:
        case dict():
            members = {str(k): _node(v, (*way, str(k)), places, file) for k, v in value.items()}
            keys = {name: member.position for name, member in members.items()}
            return Node(members, position, keys=keys)
        case list():
            items = [_node(item, (*way, i), places, file) for i, item in enumerate(value)]
            return Node(items, position)
        case bool():
            return Node(value, position, str(value).lower())
        case int() if abs(value) > _LARGEST:
            text = str(value) if abs(value) < _UNSPEAKABLE else hex(value)
            return Node(text, position, text, misread="a number")
        case int() | float() | str():
            return Node(value, position, str(value))
        case _:
            return Node(str(value), position, str(value), misread="a date")
