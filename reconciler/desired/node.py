"""A value that knows where it stands: what YAML, and the settings' TOML, are read into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.model.identity import Json, Position

Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]
"""The way to a value: names of mappings, numbers of lists."""

Value: TypeAlias = "bool | int | float | str | list[Node] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Node:
    """One value, its place, and for a plain scalar how it was written."""

    value: Value
    position: Position
    text: str = ""
    misread: str = ""
    """What older YAML readers would take this text for; empty where all agree."""
    keys: Mapping[str, Position] = field(default_factory=dict)
    """Of a mapping: where each of its keys stands."""
    doubtful: bool = False
    """True when a part of it was refused: what it is, or lacks, is no fault of its own."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read; `text` is the whole of it."""

    root: Node
    text: str = field(repr=False)

    @property
    def position(self) -> Position:
        """Where it begins."""
        return self.root.position


def to_json(node: Node) -> Json:
    """Return the bare value."""
    match node.value:
        case dict() as members:
            return {name: to_json(member) for name, member in members.items()}
        case list() as items:
            return [to_json(item) for item in items]
        case scalar:
            return scalar


def find(node: Node, path: Sequence[Key]) -> Node | None:
    """Return the value at *path* below *node*, or `None` when it is not there."""
    for key in path:
        match node.value, key:
            case dict() as members, str() if key in members:
                node = members[key]
            case list() as items, int() if key < len(items):
                node = items[key]
            case _:
                return None
    return node


def place(node: Node, path: Sequence[Key]) -> Position:
    """Return where the value at *path* stands, or the nearest value around it."""
    while path and find(node, path) is None:
        path = path[:-1]
    found = find(node, path)
    return (found or node).position


def key_place(node: Node, path: Sequence[Key]) -> Position:
    """Return where the key that *path* ends with stands, else where its value does."""
    parent = find(node, path[:-1]) if path else None
    if parent is not None and parent.keys and path[-1] in parent.keys:
        return parent.keys[str(path[-1])]
    return place(node, path)


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every scalar below *node* with its path."""
    match node.value:
        case dict() as members:
            for name, member in members.items():
                yield from scalars(member, (*path, name))
        case list() as items:
            for index, item in enumerate(items):
                yield from scalars(item, (*path, index))
        case _:
            yield path, node


def doubts(node: Node, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything below *node* that is doubtful."""
    if node.doubtful:
        yield path
    match node.value:
        case dict() as members:
            for name, member in members.items():
                yield from doubts(member, (*path, name))
        case list() as items:
            for index, item in enumerate(items):
                yield from doubts(item, (*path, index))
        case _:
            return


def mappings(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every mapping below *node* with its path."""
    match node.value:
        case dict() as members:
            yield path, node
            for name, member in members.items():
                yield from mappings(member, (*path, name))
        case list() as items:
            for index, item in enumerate(items):
                yield from mappings(item, (*path, index))
        case _:
            return


def dotted(path: Sequence[Key]) -> str:
    """Return *path* as a person says it: `rollout.waves[0].percent`."""
    spelled = ""
    for key in path:
        spelled += f"[{key}]" if isinstance(key, int) else f".{key}" if spelled else key
    return spelled
