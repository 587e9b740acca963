"""A schema's refusal, in plain English."""

import re
from collections.abc import Callable, Mapping

from jsonschema import ValidationError

from reconciler.desired.durations import EXPECTED
from reconciler.desired.keywords import SHA256
from reconciler.desired.node import Node
from reconciler.desired.schemas import Kind, schema_at, validator_of
from reconciler.desired.wording import did_you_mean, found, listed, printable, quoted
from reconciler.model.identity import Json

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}

_ENORMOUS = re.compile(r"[-+]?(?:[1-9][0-9]{18,}|0x[0-9a-f]{16,})", re.ASCII)
"""More digits than any bound has: read as text, so that nobody has to count on them."""


def sentence(error: ValidationError, node: Node, kind: Kind) -> str:
    """Return the end of a sentence that begins with the name of the value, in a file of *kind*."""
    stated = _schema(error).get("errorMessage")
    if isinstance(stated, str):
        return f"does not belong here: {stated}"
    if error.validator == "type":
        return _type(error, node, kind)
    if error.validator in {"minItems", "minProperties"}:
        return _empty(error, kind)
    wording = _WORDINGS.get(str(error.validator))
    return wording(error, node) if wording else error.message


def _schema(error: ValidationError) -> Mapping[str, Json]:
    return error.schema if isinstance(error.schema, dict) else {}


def unknown_keys(error: ValidationError) -> list[str]:
    """Return the keys that `additionalProperties` refuses."""
    known = member_names(error.schema)
    members = error.instance if isinstance(error.instance, dict) else {}
    return [str(name) for name in members if name not in known]


def member_names(schema: object) -> list[str]:
    """Return the keys that *schema* knows and allows."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return []
    return [
        str(name)
        for name, member in properties.items()
        if not (isinstance(member, dict) and "not" in member)
    ]


def _type(error: ValidationError, node: Node, kind: Kind) -> str:
    value = error.validator_value
    types = [str(name) for name in value] if isinstance(value, list) else [str(value)]
    expected = " or ".join(_TYPES.get(name, name) for name in types)
    if "integer" in types and isinstance(node.value, str) and _ENORMOUS.fullmatch(node.text):
        bound = "minimum" if node.text.startswith("-") else "maximum"
        phrase = "must be at least" if bound == "minimum" else "must be at most"
        return f"{phrase} {_schema(error).get(bound)}; found {printable(node.text)}"
    form = _form(_schema(error))
    if node.value is None and form:
        return f"must be {form}; found nothing"
    if "string" in types and isinstance(node.value, bool | int | float):
        return _unquoted(error, node, kind, expected)
    shown = "a text" if "object" in types and isinstance(node.value, str) else found(node)
    may_be_empty = "string" in types and not _schema(error).get("minLength")
    hint = '; write "" for an empty text' if may_be_empty and node.value is None else ""
    stated = _schema(error).get("x-hint")
    hint += f"; {stated}" if stated else ""
    return f"must be {expected}; found {shown}{hint}"


def _form(schema: Mapping[str, Json]) -> str:
    """Say how a text of a fixed form is written; nothing of any other."""
    bounds = schema.get("x-duration", schema.get("x-kanade-duration"))
    if bounds is not None:
        return f"{bounds}, written {EXPECTED}"
    return SHA256 if "x-sha256" in schema else ""


def _empty(error: ValidationError, kind: Kind) -> str:
    *around, name = error.absolute_path
    required = schema_at(around, kind).get("required")
    needed = isinstance(required, list) and name in required
    return f"is empty; {'' if needed else 'leave it out or '}name at least {error.validator_value}"


def _unquoted(error: ValidationError, node: Node, kind: Kind, expected: str) -> str:
    """Return that quotes are missing, where with them it would be valid."""
    schema = schema_at(error.absolute_path, kind)
    if "x-sha256" not in schema and (form := _form(schema)):
        return f"must be {form}; found {found(node)}"
    if not validator_of(kind).evolve(schema=schema).is_valid(node.text):
        stated = schema.get("patternErrorMessage")
        hint = f" (expected {stated})" if stated else ""
        return f"must be {expected}; found {found(node)}{hint}"
    read_as = "boolean" if isinstance(node.value, bool) else "number"
    spelled = str(node.value).lower()
    return (
        f"must be a string; {node.text} would be read as the {read_as} {spelled}: "
        f'write "{node.text}"'
    )


def _enum(error: ValidationError, node: Node) -> str:
    values = error.validator_value if isinstance(error.validator_value, list) else []
    known = [str(value) for value in values]
    hint = did_you_mean(node.value, known) if isinstance(node.value, str) else ""
    return f"must be one of {listed(known)}; found {found(node)}{hint}"


def _const(error: ValidationError, node: Node) -> str:
    return f"must be {error.validator_value}; found {found(node)}"


def _pattern(error: ValidationError, node: Node) -> str:
    text = str(node.value)
    expected = _schema(error).get("patternErrorMessage", error.validator_value)
    strange = next(
        ((i, c) for i, c in enumerate(text, start=1) if not c.isascii() or not c.isprintable()),
        None,
    )
    if strange is not None:
        at, character = strange
        return (
            f"{quoted(text)}: character U+{ord(character):04X} at {at} is not allowed "
            f"(expected {expected})"
        )
    types = _schema(error).get("type")
    is_number = isinstance(types, list) and "integer" in types and text.isdecimal()
    hint = f"; write {text} without quotes" if is_number else ""
    return f"{quoted(text)} does not match (expected {expected}){hint}"


def _unique(_error: ValidationError, node: Node) -> str:
    seen: set[str] = set()
    for item in node.value if isinstance(node.value, list) else []:
        if item.text in seen:
            return f"names {quoted(item.text)} twice"
        seen.add(item.text)
    return "names something twice"


def _dependent(error: ValidationError, node: Node) -> str:
    needs = error.validator_value if isinstance(error.validator_value, dict) else {}
    members = node.value if isinstance(node.value, dict) else {}
    for name, others in needs.items():
        missing = [other for other in others if other not in members]
        if name in members and missing:
            return f"needs {listed(missing)} beside {name}"
    return error.message


def _bound(phrase: str) -> Callable[[ValidationError, Node], str]:
    def say(error: ValidationError, node: Node) -> str:
        measured = len(node.value) if isinstance(node.value, str | list | dict) else None
        size = printable(node.text) if measured is None else str(measured)
        return phrase.format(limit=error.validator_value, size=size)

    return say


_WORDINGS: Mapping[str, Callable[[ValidationError, Node], str]] = {
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "dependentRequired": _dependent,
    "minLength": _bound("is empty"),
    "maxLength": _bound("is {size} characters long; at most {limit} are allowed"),
    "minimum": _bound("must be at least {limit}; found {size}"),
    "maximum": _bound("must be at most {limit}; found {size}"),
    "maxItems": _bound("has {size} items; at most {limit} are allowed"),
    "maxProperties": _bound("has {size} keys; at most {limit} are allowed"),
}
