"""What a release with faults still declares, so that rules are checked in the same run.

What is refused is taken out, and a stand-in is put where a release cannot be without; which
paths that concerns goes along, and no rule judges a value that is not known.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from jsonschema import ValidationError

from reconciler.desired.node import Document, Path, scalars, to_json
from reconciler.desired.placeholders import named_in
from reconciler.desired.schema_wording import unknown_keys
from reconciler.desired.schemas import Kind, validator_of
from reconciler.model.identity import Json

FILLED_IN: tuple[Path, ...] = (
    ("artifact",),
    ("script", "knobs"),
    ("verify", "stdout_ends_with"),
    ("verify", "http", "url"),
)
"""Where the placeholders of a release mean something."""

_SOURCES: Mapping[str, tuple[Path, ...]] = {
    "name": (("name",),),
    "package": (("package",), ("name",)),
    "version": (("version",),),
    "sha256": (("artifact", "sha256"),),
}
_STAND_INS: Mapping[str, Json] = {
    "apiVersion": "kanade-reconciler/v1",
    "kind": "Release",
    "name": "unknown",
    "version": "0",
    "artifact": {"sha256": "0" * 64},
    "script": {"path": "unknown.sh", "object": "unknown"},
    "job": "unknown",
    "targets": {},
}


def salvage(document: Document, broken: frozenset[Path]) -> tuple[Json, frozenset[Path]]:
    """Return a release that its schema allows, and all the paths at which it is made up.

    *broken* is where *document* itself has faults.
    """
    value = to_json(document.root)
    value = _filled_up(value if isinstance(value, dict) else {}, _STAND_INS)
    made_up = broken | frozenset(_spoiled(document, broken))
    refused = broken
    while refused:
        for path in refused:
            value = _without(value, path)
        value = _filled_up(value, _STAND_INS)
        made_up |= refused
        errors = validator_of(Kind.RELEASE).iter_errors(value)
        refused = frozenset(chain.from_iterable(map(_refused, errors)))
    return value, made_up


def touches(path: Path, broken: frozenset[Path]) -> bool:
    """True when the value at *path*, one around it or one in it is among *broken*."""
    return any(path[: len(one)] == one[: len(path)] for one in broken)


def _refused(error: ValidationError) -> Iterator[Path]:
    """Yield what to take out."""
    path: Path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from ((*path, name) for name in unknown_keys(error))
    elif "propertyNames" in error.absolute_schema_path:
        yield (*path, str(error.instance))
    else:
        yield path


def _without(value: dict[str, Json], path: Path) -> dict[str, Json]:
    """Return *value* without what is at *path*; a list goes as a whole."""
    if not path:
        return {}
    name, rest = path[0], path[1:]
    kept = {key: member for key, member in value.items() if key != name}
    inner = value.get(str(name))
    if rest and isinstance(inner, dict):
        kept[str(name)] = _without(inner, rest)
    return kept


def _filled_up(value: dict[str, Json], stand_ins: Mapping[str, Json]) -> dict[str, Json]:
    """Return *value* with a stand-in for what it lacks."""
    filled = {**stand_ins, **value}
    for name, stand_in in stand_ins.items():
        inner = filled[name]
        if isinstance(stand_in, dict) and isinstance(inner, dict):
            filled[name] = _filled_up(inner, stand_in)
    return filled


def _spoiled(document: Document, broken: frozenset[Path]) -> Iterator[Path]:
    """Yield the values that are filled in with something that is not known."""
    for path, node in scalars(document.root):
        if isinstance(node.value, str) and any(path[: len(start)] == start for start in FILLED_IN):
            sources = (_SOURCES.get(name, ()) for name in named_in(node.value))
            if any(touches(source, broken) for found in sources for source in found):
                yield path
