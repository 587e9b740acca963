"""Bytes to `Document`: a small, strict YAML, every value with its line and column.

One pass over libyaml's events, so nothing is built before it has been counted: anchors,
aliases, merge keys, tags, several documents, duplicate keys and deep nesting are refused, all
at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import yaml

from reconciler.desired.node import Document, Node
from reconciler.desired.plain_scalar import misreading, resolve
from reconciler.desired.wording import quoted
from reconciler.errors import Fault
from reconciler.model.identity import Position

DEEPEST = 32
MOST_VALUES = 250_000
MOST_FAULTS = 1000
"""Of one file; nobody reads more at once."""

_UTF32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds, and what of it is refused.

    The document is `None` where nothing can be made of the file; otherwise it is read as though
    the refused things were not there, and what is not known for that reason is marked so.
    """

    document: Document | None
    faults: tuple[Fault, ...] = ()


class _Unreadable(Exception):
    """Carries a fault that ends the reading; never leaves this module."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def read_yaml(content: bytes, file: str) -> Reading:
    """Return the document that *content* holds, and everything in it that is not allowed."""
    text = _decode(content, file)
    if isinstance(text, Fault):
        return Reading(None, (text,))
    reader = _Reader(text, file)
    try:
        root = reader.document()
    except _Unreadable as unreadable:
        return Reading(None, (*reader.faults, unreadable.fault))
    except yaml.YAMLError as error:
        return Reading(None, (*reader.faults, _syntax_fault(error, file)))
    return Reading(Document(root, text), tuple(reader.faults))


def _syntax_fault(error: yaml.YAMLError, file: str) -> Fault:
    if not isinstance(error, yaml.MarkedYAMLError):
        return Fault(Position(file, 1, 1), f"not valid YAML: {quoted(str(error))}")
    mark = error.problem_mark
    where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
    return Fault(where, _explain(error))


def _decode(content: bytes, file: str) -> str | Fault:
    encoding = _other_encoding(content)
    if encoding:
        message = f"not valid UTF-8 at byte 1: this is {encoding}; save it as UTF-8"
        return Fault(Position(file, 1, 1), message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        return Fault(
            _after(file, before), f"not valid UTF-8 at byte {error.start + 1}; save it as UTF-8"
        )
    strange = _FORBIDDEN.search(text)
    if strange:
        code = f"U+{ord(strange[0]):04X}"
        return Fault(
            _after(file, text[: strange.start()]),
            f"the control character {code} is not allowed; write it as an escape in double quotes",
        )
    return text


def _other_encoding(content: bytes) -> str:
    """Return the name of a wider encoding, known by its mark or by the zeros beside letters."""
    if content[:4] in _UTF32:
        return "UTF-32"
    if content[:2] in _UTF16:
        return "UTF-16"
    return {3: "UTF-32", 2: "UTF-16"}.get(content[:4].count(0), "")


def _after(file: str, before: str) -> Position:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Position(file, len(lines), len(lines[-1]) + 1)


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unreadable"
    if "cannot start any token" in problem:
        problem += " (a tab for indentation, or text beginning with @ or `: quote it)"
    elif "mapping values are not allowed" in problem:
        problem += " (a colon inside of text: quote it; or the indentation is wrong)"
    context = f" {error.context}" if error.context else ""
    return f"not valid YAML: {problem}{context}"


class _Reader:
    """Builds nodes from events; one use only."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._top = Position(file, 1, 1)
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._count = 0
        self._anchors: set[str] = set()
        self.faults: list[Fault] = []

    def document(self) -> Node:
        """Read the one document that there may be."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                self._refuse(event, "a second document begins here; put it in a file of its own")
                return replace(root, doubtful=True)
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, 0)
                if root.value is None and not root.text and not root.doubtful:
                    raise self._end(event, "file is empty")
        if root is None:
            raise _Unreadable(Fault(self._top, "file is empty"))
        return root

    def _place(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return Position(self._file, mark.line + 1, mark.column + 1) if mark else self._top

    def _refuse(self, event: yaml.Event, message: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(self._place(event), message))

    def _end(self, event: yaml.Event, message: str) -> _Unreadable:
        return _Unreadable(Fault(self._place(event), message))

    def _node(self, event: yaml.NodeEvent, depth: int) -> Node:
        self._refuse_cleverness(event)
        node = self._plain_node(event, depth)
        if getattr(event, "tag", None) is not None:
            return Node(None, node.position, doubtful=True)
        return node

    def _plain_node(self, event: yaml.NodeEvent, depth: int) -> Node:
        position = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            return Node(None, position, doubtful=True)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, position)
        if depth >= DEEPEST:
            self._refuse(event, f"nested deeper than {DEEPEST} levels")
            self._skip()
            return Node(None, position, doubtful=True)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(position, depth + 1)
        return self._sequence(position, depth + 1)

    def _refuse_cleverness(self, event: yaml.NodeEvent) -> None:
        """Refuse what makes something else of a value; an alias is reported at its anchor."""
        self._count += 1
        if self._count > MOST_VALUES:
            raise self._end(event, f"more than {MOST_VALUES:,} values in one file")
        if event.anchor is not None and event.anchor not in self._anchors:
            self._anchors.add(event.anchor)
            self._refuse(event, "YAML anchors and aliases are not allowed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            spelled = tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(event, f"tag {quoted(spelled)} is not allowed; leave it out")

    def _skip(self) -> None:
        """Pass over the rest of what has just begun, however deep it is."""
        depth = 1
        while depth:
            event = next(self._events)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _mapping(self, position: Position, depth: int) -> Node:
        members: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        doubtful = False
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, depth)
            value = self._node(self._next_node(), depth)
            if key is None:
                doubtful = True
            elif key in keys:
                line = keys[key].line
                self._refuse(event, f"duplicate key {quoted(key)}: it is at line {line} already")
                members[key] = Node(None, members[key].position, doubtful=True)
            else:
                keys[key], members[key] = self._place(event), value
        return Node(members, position, keys=keys, doubtful=doubtful)

    def _key(self, event: yaml.Event, depth: int) -> str | None:
        """Return the key that begins with *event*, `None` for one that cannot be one."""
        if not isinstance(event, yaml.NodeEvent):
            raise self._end(event, "not valid YAML: expected a key")
        if not isinstance(event, yaml.ScalarEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                self._refuse(event, "a key must be text, not a list or a mapping")
            self._node(event, depth)
            return None
        self._refuse_cleverness(event)
        if event.value == "<<" and not event.style:
            self._refuse(event, "YAML merge keys (<<) are not allowed")
            return None
        return event.value

    def _sequence(self, position: Position, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            if isinstance(event, yaml.NodeEvent):
                items.append(self._node(event, depth))
        return Node(items, position, doubtful=any(item.doubtful for item in items))

    def _next_node(self) -> yaml.NodeEvent:
        event = next(self._events)
        if not isinstance(event, yaml.NodeEvent):
            raise self._end(event, "not valid YAML: expected a value")
        return event


def _scalar(event: yaml.ScalarEvent, position: Position) -> Node:
    text: str = event.value
    if event.style:
        return Node(text, position, text)
    value = resolve(text)
    misread = misreading(text) if isinstance(value, str) else ""
    return Node(value, position, text, misread)
