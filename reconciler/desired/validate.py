"""A document against its schema: every fault with its place, in words that say what to write."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from jsonschema import ValidationError

from reconciler.desired.keywords import KEYWORDS
from reconciler.desired.node import (
    Document,
    Key,
    Node,
    Path,
    dotted,
    find,
    key_place,
    place,
    scalars,
    to_json,
)
from reconciler.desired.schema_wording import member_names, unknown_keys, word
from reconciler.desired.schemas import Kind, validator_of
from reconciler.desired.wording import did_you_mean, listed, nearest, printable
from reconciler.errors import Fault
from reconciler.model.identity import Position

_MOST_FAULTS = 1000
"""Of one file and kind; nobody reads more at once."""
_MOST_KEYS = 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a file, and what is merely worth a mention."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()


def check(document: Document, kind: Kind) -> Findings:
    """Return everything in *document* that its schema does not allow."""
    root = document.root
    faults: list[Fault] = []
    notes: list[Fault] = []
    seen: set[Path] = set()
    for error in islice(validator_of(kind).iter_errors(to_json(root)), _MOST_FAULTS):
        path: Path = tuple(error.absolute_path)
        seen.add(path)
        if error.validator == "additionalProperties":
            unknown = _unknown_keys(error, root, path, kind)
            faults += unknown.faults
            notes += unknown.notes
        else:
            faults.append(_fault(error, root, path))
    if kind is not Kind.JOB:
        faults += islice(_misread(root, seen), _MOST_FAULTS)
    return Findings(tuple(faults), tuple(notes))


def _unknown_keys(error: ValidationError, root: Node, path: Path, kind: Kind) -> Findings:
    """Unknown keys of a job that are no slip are kanade's to judge: it may be newer than we."""
    known = member_names(error.schema)
    faults: list[Fault] = []
    notes: list[Fault] = []
    for name in unknown_keys(error)[:_MOST_KEYS]:
        position = key_place(root, (*path, name))
        where = f" in {dotted(path)}" if path else ""
        hint = did_you_mean(name, known, cutoff=0.6) or f"; known here: {listed(known)}"
        if _is_placeholder(find(root, path)):
            hint = f'; a placeholder must stand in quotes: "{{{printable(name)}}}"'
        if kind is Kind.JOB and nearest(name, known) is None:
            message = f"key {printable(name)}{where} is not known here; kanade will judge it"
            notes.append(Fault(position, message))
        else:
            faults.append(Fault(position, f"unknown key {printable(name)}{where}{hint}"))
    return Findings(tuple(faults), tuple(notes))


def _is_placeholder(node: Node | None) -> bool:
    """`{version}` without quotes is a mapping with one key and nothing in it."""
    members = node.value if node is not None and isinstance(node.value, dict) else {}
    return len(members) == 1 and all(
        member.value is None and not member.text for member in members.values()
    )


def _fault(error: ValidationError, root: Node, path: Path) -> Fault:
    node = find(root, path) or root
    if "propertyNames" in error.absolute_schema_path:
        name = str(error.instance)
        return Fault(
            key_place(root, (*path, name)),
            f"{dotted(path)}: {word(error, Node(name, node.position))}",
        )
    if error.validator == "required":
        return _missing(error, node, path)
    subject = dotted(path) or "this file"
    if error.validator in _OWN:
        return Fault(place(root, path), f"{subject}: {error.message}")
    return Fault(place(root, path), f"{subject} {word(error, node)}")


_OWN = frozenset(KEYWORDS) - {"pattern"}


def _missing(error: ValidationError, node: Node, path: tuple[Key, ...]) -> Fault:
    members = node.value if isinstance(node.value, dict) else {}
    required = error.validator_value if isinstance(error.validator_value, list) else []
    name = next(
        (name for name in required if name not in members and repr(name) in error.message), "?"
    )
    return Fault(node.position, f"{dotted((*path, name))} is missing")


def _misread(root: Node, seen: set[Path]) -> Iterator[Fault]:
    for path, node in scalars(root):
        if node.misread and path not in seen:
            yield Fault(node.position, misread_message(dotted(path), node))


def misread_message(subject: str, node: Node) -> str:
    """Say that *node* is text to us and something else to other readers."""
    return (
        f"{subject} must be a string; {printable(node.text)} would be read as {node.misread}: "
        f'write "{printable(node.text)}"'
    )


def sorted_faults(faults: list[Fault]) -> tuple[Fault, ...]:
    """Return *faults* by file, line and column, each once."""
    return tuple(sorted(set(faults), key=_order))


def _order(fault: Fault) -> tuple[Position, str]:
    return fault.position, fault.message
