"""What a schema's refusal says in plain words."""

from collections.abc import Callable, Mapping

from jsonschema import ValidationError

from reconciler.desired.durations import EXPECTED
from reconciler.desired.node import Node
from reconciler.desired.wording import did_you_mean, found, listed, quoted
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


def word(error: ValidationError, node: Node) -> str:
    """Return the end of a sentence that begins with the name of the value."""
    stated = _schema(error).get("errorMessage")
    if isinstance(stated, str):
        return f"does not belong here: {stated}"
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


def _type(error: ValidationError, node: Node) -> str:
    value = error.validator_value
    types = [str(name) for name in value] if isinstance(value, list) else [str(value)]
    expected = " or ".join(_TYPES.get(name, name) for name in types)
    bounds = _schema(error).get("x-duration")
    if bounds is not None and isinstance(node.value, int | float):
        return f"must be {bounds}, written {EXPECTED}; found {found(node)}"
    if "string" in types and isinstance(node.value, bool | int | float):
        kind = "boolean" if isinstance(node.value, bool) else "number"
        spelled = str(node.value).lower()
        return (
            f"must be a string; {node.text} would be read as the {kind} {spelled}: "
            f'write "{node.text}"'
        )
    shown = "a text" if "object" in types and isinstance(node.value, str) else found(node)
    may_be_empty = "string" in types and not _schema(error).get("minLength")
    hint = '; write "" for an empty text' if may_be_empty and node.value is None else ""
    stated = _schema(error).get("x-hint")
    hint += f"; {stated}" if stated else ""
    return f"must be {expected}; found {shown}{hint}"


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
    return f"{quoted(text)} does not match (expected {expected})"


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
        size = len(node.value) if isinstance(node.value, str | list | dict) else node.text
        return phrase.format(limit=error.validator_value, size=size)

    return say


_WORDINGS: Mapping[str, Callable[[ValidationError, Node], str]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "dependentRequired": _dependent,
    "minLength": _bound("is empty"),
    "maxLength": _bound("is {size} characters long; at most {limit} are allowed"),
    "minimum": _bound("must be at least {limit}; found {size}"),
    "maximum": _bound("must be at most {limit}; found {size}"),
    "minItems": _bound("is empty; leave it out or name at least {limit}"),
    "maxItems": _bound("has {size} items; at most {limit} are allowed"),
    "minProperties": _bound("is empty; leave it out or name at least {limit}"),
    "maxProperties": _bound("has {size} keys; at most {limit} are allowed"),
}
