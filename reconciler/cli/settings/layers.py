"""Environment and flags as nodes, and all layers put on top of each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.desired.node import Node
from reconciler.desired.schemas import Kind, schema_at
from reconciler.desired.wording import printable
from reconciler.errors import Fault
from reconciler.model.identity import Json, Position

PREFIX = "RECONCILER_"
_NOT_SETTINGS = frozenset({"RECONCILER_CONFIG", "RECONCILER_DEBUG"})
"""Options of the command line, which reads them itself."""
_NOWHERE = Position("settings")


def from_environment(environment: Mapping[str, str]) -> Iterator[Node | Fault]:
    """Yield what RECONCILER_* says: `RECONCILER_NATS__URL` is `nats.url`; empty is not set.

    The names of tables come last: where a whole table is given besides its members, it is reported
    that it must be a table, and not dropped.
    """
    ways = {
        name: tuple(name.removeprefix(PREFIX).lower().split("__"))
        for name, text in sorted(environment.items())
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS and text
    }
    for name, way in sorted(ways.items(), key=lambda item: -len(item[1])):
        meant = _meant("_".join(way).split("_")) if not schema_at(way, Kind.SETTINGS) else None
        if meant is not None:
            spelled = f"{PREFIX}{'__'.join(meant).upper()}"
            message = f"there is no setting {'.'.join(way)}; did you mean {spelled}?"
            yield Fault(Position(name), f"{message} two underscores lead into a table")
        else:
            yield _branch(way, environment[name], Position(name))


def _meant(words: Sequence[str], table: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """Return the way to the setting that *words* spell, put together by whichever underscores."""
    if not words:
        return table
    for count in range(1, len(words) + 1):
        way = (*table, "_".join(words[:count]))
        found = _meant(words[count:], way) if schema_at(way, Kind.SETTINGS) else None
        if found is not None:
            return found
    return None


def from_flags(overrides: Iterable[str]) -> Node | Fault:
    """Return what `--set key=value` says."""
    root = Node({}, _NOWHERE)
    for override in sorted(overrides, key=lambda text: -text.partition("=")[0].count(".")):
        key, equals, text = override.partition("=")
        way = tuple(key.strip().split("."))
        if not equals or not all(way):
            message = f"{printable(override)}: expected key=value, as in source.ref=main"
            return Fault(Position("--set"), message)
        root = _merged(root, _branch(way, text, Position(f"--set {key.strip()}")))
    return root


def layered(layers: Iterable[Node]) -> Node:
    """Return the layers as one, the later ones stronger; tables are merged, all else replaced."""
    root = Node({}, _NOWHERE)
    for layer in layers:
        root = _merged(root, layer)
    return root


def _branch(way: tuple[str, ...], text: str, position: Position) -> Node:
    node = _typed(text, schema_at(way, Kind.SETTINGS), position)
    for name in reversed(way):
        node = Node({name: node}, position, keys={name: position})
    return node


def _typed(text: str, schema: Mapping[str, Json], position: Position) -> Node:
    """Return *text* as what the schema expects here, as itself where it does not fit."""
    stated = schema.get("type")
    types = stated if isinstance(stated, list) else [stated]
    if "boolean" in types and text.lower() in {"true", "false"}:
        return Node(text.lower() == "true", position, text)
    if "integer" in types and text.isascii() and text.removeprefix("-").isdigit():
        return Node(int(text[:19]), position, text)
    if "array" in types and ("string" not in types or "," in text):
        items = [part.strip() for part in text.split(",") if part.strip()]
        return Node([Node(item, position, item) for item in items], position)
    return Node(text, position, text)


def _merged(below: Node, above: Node) -> Node:
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    members = dict(below.value)
    for name, member in above.value.items():
        members[name] = _merged(members[name], member) if name in members else member
    position = above.position if above.value and not below.value else below.position
    return Node(members, position, keys={**below.keys, **above.keys})
