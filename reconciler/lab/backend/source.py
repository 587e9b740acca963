"""A manifest's text as a tree that still knows where everything stood.

YAML and JSON differ in what they let pass: YAML reads any scalar as text where text is due, so
`version: 1.10` is "1.10"; JSON does not.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from reconciler.lab import wire

_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INTEGER = re.compile(r"[-+]?\d+")
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")


class Unreadable(ValueError):
    """The text is not what it is said to be."""


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A single value."""

    value: wire.Json
    text: str | None = None
    """How YAML spells it: usable wherever text is due."""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Items:
    """A sequence."""

    items: tuple["Node", ...]
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Fields:
    """A mapping, in the order of the text."""

    fields: tuple[tuple[str, "Node"], ...]
    place: str = ""


Node = Scalar | Items | Fields


def parse_yaml(text: str) -> Node:
    """Return the one document of *text*.

    Raises:
        Unreadable: it is no YAML, or more than one document.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        problem = (error.problem or "").replace("allowed here", "allowed in this context")
        raise Unreadable(f"{problem}{place}") from error
    except yaml.YAMLError as error:
        raise Unreadable(str(error)) from error
    if len(documents) > 1:
        raise Unreadable(
            "deserializing from YAML containing more than one document is not supported"
        )
    root = documents[0] if documents else None
    return Fields(fields=()) if root is None else _from_yaml(root, "")


def parse_json(data: bytes) -> Node:
    """Return the document *data*.

    Raises:
        Unreadable: it is no JSON, or a key occurs twice.
    """
    try:
        value: object = json.loads(data, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        end = error.pos >= len(data.decode(errors="replace").rstrip())
        what = "EOF while parsing a value" if end else "expected value"
        what = "trailing characters" if error.msg == "Extra data" else what
        raise Unreadable(f"{what} at line {error.lineno} column {error.colno}") from error
    return _from_json(value)


def described(node: Node) -> str:
    """Return what *node* is, as an error names it."""
    if not isinstance(node, Scalar):
        return "sequence" if isinstance(node, Items) else "map"
    value = node.value
    names = {bool: f"boolean `{str(value).lower()}`", int: f"integer `{value}`"}
    names |= {float: f"floating point `{value}`", type(None): "unit value"}
    return names.get(type(value), f'string "{value}"')


class _Pairs(list[tuple[str, object]]):
    """A JSON object that keeps its order and is no list."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> _Pairs:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise Unreadable(f'duplicate field "{key}"')
        seen.add(key)
    return _Pairs(pairs)


def _from_json(value: object) -> Node:
    match value:
        case _Pairs():
            return Fields(fields=tuple((key, _from_json(child)) for key, child in value))
        case list():
            return Items(items=tuple(_from_json(child) for child in value))
        case None | bool() | int() | float() | str():
            return Scalar(value=value)
        case _:
            raise Unreadable("expected value")


def _from_yaml(node: yaml.Node, path: str) -> Node:
    mark = node.start_mark
    place = f" at line {mark.line + 1} column {mark.column + 1}"
    match node:
        case yaml.MappingNode():
            return Fields(fields=tuple(_yaml_fields(node, path, place)), place=place)
        case yaml.SequenceNode():
            items = enumerate(node.value)
            below = tuple(_from_yaml(child, f"{path}[{index}]") for index, child in items)
            return Items(items=below, place=place)
        case _:
            text = str(node.value)
            plain = isinstance(node, yaml.ScalarNode) and node.style is None
            return Scalar(value=_plain(text) if plain else text, text=text, place=place)


def _yaml_fields(node: yaml.MappingNode, path: str, place: str) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            found = f'duplicate field "{name}"'
            raise Unreadable(f"{path}: {found}{place}" if path else found)
        seen.add(name)
        yield name, _from_yaml(value, f"{path}.{name}" if path else name)


def _plain(text: str) -> wire.Json:
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
