"""Finds our JSON Schemas, in a checkout or an installed wheel, and builds each validator once."""

import json
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from reconciler.desired.keywords import KEYWORDS
from reconciler.model.identity import Json

Schema: TypeAlias = dict[str, Json]

_HERE = Path(__file__).resolve().parents[1]
_PLACES = (_HERE / "_data" / "schemas", _HERE.parent / "schemas")


def _is_integer(_checker: object, value: object) -> bool:
    """JSON Schema takes 5.0 for a whole number, and so would hand a float to code that counts."""
    return isinstance(value, int) and not isinstance(value, bool)


_Strict: type[Validator] = extend(  # type: ignore[no-untyped-call]  # its stubs say nothing
    Draft202012Validator,
    KEYWORDS,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


class Kind(StrEnum):
    """What a file describes."""

    RELEASE = "release"
    JOB = "job"
    HOSTS = "hosts"
    SETTINGS = "settings"


@cache
def schema_of(kind: Kind) -> Schema:
    """Return the schema of *kind*."""
    name = f"{kind}.schema.json"
    path = next((place / name for place in _PLACES if (place / name).is_file()), _PLACES[-1] / name)
    schema = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(schema, dict):
        raise TypeError(f"{path} is not a JSON Schema")
    return schema


@cache
def validator_of(kind: Kind) -> Validator:
    """Return the validator of *kind*; it never fetches a reference from anywhere."""
    return _Strict(schema_of(kind), registry=Registry())


def resolve(schema: Json, root: Schema) -> Schema:
    """Return *schema* with its `$ref` into *root*'s `$defs` followed."""
    if not isinstance(schema, dict):
        return {}
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    definitions = root.get("$defs")
    target = definitions.get(reference.rpartition("/")[2]) if isinstance(definitions, dict) else {}
    return {**(target if isinstance(target, dict) else {}), **schema}


def schema_at(path: Iterable[str | int], kind: Kind) -> Schema:
    """Return what the schema of *kind* says of the value at *path*; nothing where it knows none."""
    root = schema_of(kind)
    there = root
    for key in path:
        properties = there.get("properties")
        known = properties.get(str(key)) if isinstance(properties, dict) else None
        other = there.get("items" if isinstance(key, int) else "additionalProperties")
        there = resolve(known if known is not None else other, root)
    return there


def with_defaults(value: Json, schema: Json, root: Schema) -> Json:
    """Return *value* with what it leaves out, as the schema's `default`s say."""
    there = resolve(schema, root)
    if isinstance(value, list):
        return [with_defaults(item, there.get("items"), root) for item in value]
    properties = there.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    filled = dict(value)
    for name, member in properties.items():
        default = resolve(member, root)
        if name not in filled and "default" in default:
            filled[name] = default["default"]
        if name in filled:
            filled[name] = with_defaults(filled[name], member, root)
    return filled


def without_defaults(value: Json, schema: Json, root: Schema) -> Json:
    """Return *value* without the members that `with_defaults` would put back."""
    there = resolve(schema, root)
    if isinstance(value, list):
        return [without_defaults(item, there.get("items"), root) for item in value]
    properties = there.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    return {
        name: without_defaults(item, properties.get(name), root)
        for name, item in value.items()
        if not _is_default(item, properties.get(name), root)
    }


def _is_default(value: Json, schema: Json, root: Schema) -> bool:
    there = resolve(schema, root)
    return "default" in there and with_defaults(there["default"], schema, root) == value
