"""Environment and flags as nodes, and all layers put on top of each other."""

from collections.abc import Iterable, Mapping

from reconciler.desired.node import Node
from reconciler.desired.schemas import Kind, resolve, schema_of
from reconciler.desired.wording import printable
from reconciler.errors import Fault
from reconciler.model.identity import Json, Position

PREFIX = "RECONCILER_"
_NOT_SETTINGS = frozenset({"RECONCILER_CONFIG", "RECONCILER_DEBUG"})
_NOWHERE = Position("settings")


def from_environment(environment: Mapping[str, str]) -> Node:
    """Return what RECONCILER_* says: `RECONCILER_NATS__URL` is `nats.url`; empty is not set."""
    root = Node({}, _NOWHERE)
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS and text:
            way = tuple(name.removeprefix(PREFIX).lower().split("__"))
            root = _merged(root, _branch(way, text, Position(name)))
    return root


def from_flags(overrides: Iterable[str]) -> Node | Fault:
    """Return what `--set key=value` says."""
    root = Node({}, _NOWHERE)
    for override in overrides:
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
    node = _typed(text, _schema_at(way), position)
    for name in reversed(way):
        node = Node({name: node}, position, keys={name: position})
    return node


def _schema_at(way: tuple[str, ...]) -> Mapping[str, Json]:
    root = schema_of(Kind.SETTINGS)
    there = root
    for name in way:
        properties = there.get("properties")
        known = properties.get(name) if isinstance(properties, dict) else None
        there = resolve(known if known is not None else there.get("additionalProperties"), root)
    return there


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
