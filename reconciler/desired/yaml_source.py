"""Bytes to `Document`: a small, strict YAML, every value with its line and column.

One pass over libyaml's events, so nothing is built before it has been counted: anchors,
aliases, merge keys, tags, several documents, duplicate keys and deep nesting are refused.
"""

import re
from collections.abc import Iterator

import yaml

from reconciler.desired.node import Document, Node
from reconciler.desired.plain_scalar import misreading, resolve
from reconciler.desired.wording import quoted
from reconciler.errors import Fault
from reconciler.model.identity import Position

DEEPEST = 32
MOST_VALUES = 250_000

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029\ufffe\uffff]")


class _Refused(Exception):
    """Carries a fault out of the recursion; never leaves this module."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def read_yaml(content: bytes, file: str) -> Document | Fault:
    """Return the document that *content* holds, or the first thing wrong with it."""
    text = _decode(content, file)
    if isinstance(text, Fault):
        return text
    try:
        root = _Reader(text, file).document()
    except _Refused as refused:
        return refused.fault
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
        return Fault(where, _explain(error))
    except yaml.YAMLError as error:
        return Fault(Position(file, 1, 1), f"not valid YAML: {quoted(str(error))}")
    return Document(root, text)


def _decode(content: bytes, file: str) -> str | Fault:
    if content[:2] in _UTF16:
        return Fault(
            Position(file, 1, 1), "not valid UTF-8 at byte 1: this is UTF-16; save it as UTF-8"
        )
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

    def document(self) -> Node:
        """Read the one document that there may be."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise self._refusal(
                    event, "a second document begins here; put it in a file of its own"
                )
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, 0)
                if root.value is None and not root.text:
                    raise self._refusal(event, "file is empty")
        if root is None:
            raise _Refused(Fault(self._top, "file is empty"))
        return root

    def _place(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return Position(self._file, mark.line + 1, mark.column + 1) if mark else self._top

    def _refusal(self, event: yaml.Event, message: str) -> _Refused:
        return _Refused(Fault(self._place(event), message))

    def _node(self, event: yaml.NodeEvent, depth: int) -> Node:
        self._refuse_cleverness(event)
        if depth >= DEEPEST and not isinstance(event, yaml.ScalarEvent):
            raise self._refusal(event, f"nested deeper than {DEEPEST} levels")
        position = self._place(event)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, position)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(position, depth + 1)
        return self._sequence(position, depth + 1)

    def _refuse_cleverness(self, event: yaml.NodeEvent) -> None:
        self._count += 1
        if self._count > MOST_VALUES:
            raise self._refusal(event, f"more than {MOST_VALUES:,} values in one file")
        if event.anchor is not None:
            raise self._refusal(event, "YAML anchors and aliases are not allowed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            spelled = tag.replace("tag:yaml.org,2002:", "!!")
            raise self._refusal(event, f"tag {quoted(spelled)} is not allowed; leave it out")

    def _mapping(self, position: Position, depth: int) -> Node:
        members: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            place = self._place(event)
            if key in keys:
                first = keys[key]
                raise self._refusal(
                    event,
                    f"duplicate key {quoted(key)}: it is at line {first.line} already",
                )
            keys[key] = place
            members[key] = self._node(self._next_node(), depth)
        return Node(members, position, keys=keys)

    def _key(self, event: yaml.Event) -> str:
        if not isinstance(event, yaml.NodeEvent):
            raise self._refusal(event, "not valid YAML: expected a key")
        self._refuse_cleverness(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refusal(event, "a key must be text, not a list or a mapping")
        if event.value == "<<" and not event.style:
            raise self._refusal(event, "YAML merge keys (<<) are not allowed")
        return event.value

    def _sequence(self, position: Position, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            if isinstance(event, yaml.NodeEvent):
                items.append(self._node(event, depth))
        return Node(items, position)

    def _next_node(self) -> yaml.NodeEvent:
        event = next(self._events)
        if not isinstance(event, yaml.NodeEvent):
            raise self._refusal(event, "not valid YAML: expected a value")
        return event


def _scalar(event: yaml.ScalarEvent, position: Position) -> Node:
    text: str = event.value
    if event.style:
        return Node(text, position, text)
    value = resolve(text)
    misread = misreading(text) if isinstance(value, str) else ""
    return Node(value, position, text, misread)
