"""A document against its schema: every fault with its place, and with what to write instead."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from jsonschema import ValidationError

from reconciler.desired.keywords import KEYWORDS
from reconciler.desired.node import (
    Document,
    Node,
    Path,
    dotted,
    doubts,
    find,
    key_place,
    mappings,
    place,
    scalars,
    to_json,
)
from reconciler.desired.plain_scalar import other_reading
from reconciler.desired.schema_wording import member_names, sentence, unknown_keys
from reconciler.desired.schemas import Kind, validator_of
from reconciler.desired.wording import did_you_mean, listed, nearest, printable
from reconciler.desired.yaml_source import MOST_FAULTS
from reconciler.errors import Fault
from reconciler.model.identity import Position

_MOST_KEYS = 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a file, and what is merely worth a mention."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()
    broken: frozenset[Path] = frozenset()
    """Where the faults are; of something missing or unknown, where it is or would be."""


def check(document: Document, kind: Kind) -> Findings:
    """Return everything in *document* that its schema does not allow; not what is doubtful."""
    root = document.root
    faults: list[Fault] = []
    notes: list[Fault] = []
    broken = set(doubts(root))
    doubtful = frozenset(broken)
    for error in islice(validator_of(kind).iter_errors(to_json(root)), MOST_FAULTS):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            unknown = _unknown_keys(error, root, path, kind)
            faults += unknown.faults
            notes += unknown.notes
            broken |= unknown.broken
        elif path not in doubtful:
            faults.append(_fault(error, root, path, kind))
            broken.add(_culprit(error, path))
    if kind is not Kind.JOB:
        misread = list(islice(_misread(root, broken), MOST_FAULTS))
        if kind in {Kind.RELEASE, Kind.HOSTS}:
            misread += islice(_misread_keys(document), MOST_FAULTS)
        faults += (fault for _, fault in misread)
        broken |= {path for path, _ in misread}
    return Findings(tuple(faults), tuple(notes), frozenset(broken))


def _culprit(error: ValidationError, path: Path) -> Path:
    if "propertyNames" in error.absolute_schema_path:
        return (*path, str(error.instance))
    return (*path, _missing_name(error)) if error.validator == "required" else path


def _unknown_keys(error: ValidationError, root: Node, path: Path, kind: Kind) -> Findings:
    """Unknown keys of a job that are no slip are kanade's to judge: it may be newer than we."""
    known = member_names(error.schema)
    faults: dict[Path, Fault] = {}
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
            message = f"unknown key {printable(name)}{where}{hint}"
            faults[(*path, name)] = Fault(position, message)
    return Findings(tuple(faults.values()), tuple(notes), frozenset(faults))


def _is_placeholder(node: Node | None) -> bool:
    """`{version}` without quotes is a mapping with one key and nothing in it."""
    members = node.value if node is not None and isinstance(node.value, dict) else {}
    return len(members) == 1 and all(
        member.value is None and not member.text for member in members.values()
    )


def _fault(error: ValidationError, root: Node, path: Path, kind: Kind) -> Fault:
    node = find(root, path) or root
    if "propertyNames" in error.absolute_schema_path:
        name = str(error.instance)
        return Fault(
            key_place(root, (*path, name)),
            f"{dotted(path)}: {sentence(error, Node(name, node.position), kind)}",
        )
    if error.validator == "required":
        culprit = _culprit(error, path)
        where = node.keys.get(str(culprit[-1]), node.position)
        return Fault(where, f"{dotted(culprit)} is missing")
    subject = dotted(path) or "this file"
    if error.validator in _OWN:
        return Fault(place(root, path), f"{subject}: {error.message}")
    return Fault(place(root, path), f"{subject} {sentence(error, node, kind)}")


_OWN = frozenset(KEYWORDS) - {"pattern"}


def _missing_name(error: ValidationError) -> str:
    members = error.instance if isinstance(error.instance, dict) else {}
    required = error.validator_value if isinstance(error.validator_value, list) else []
    return next(
        (name for name in required if name not in members and repr(name) in error.message), "?"
    )


def _misread(root: Node, seen: set[Path]) -> Iterator[tuple[Path, Fault]]:
    for path, node in scalars(root):
        if node.misread and path not in seen:
            yield path, Fault(node.position, misread_message(dotted(path), node))


def _misread_keys(document: Document) -> Iterator[tuple[Path, Fault]]:
    """A name, like that of a label, may be anything; other readers make a boolean of `no`."""
    lines = document.text.splitlines()
    for path, node in mappings(document.root):
        for name, position in node.keys.items():
            read_as = other_reading(name)
            quote = lines[position.line - 1][position.column - 1 : position.column]
            if read_as and quote not in {'"', "'"}:
                message = f'would be read as {read_as}: write "{printable(name)}"'
                fault = Fault(position, f"{dotted(path)}: key {printable(name)} {message}")
                yield (*path, name), fault


def misread_message(subject: str, node: Node) -> str:
    """Say that *node* is text to us and something else to other readers."""
    whole = printable(node.text) == node.text
    hint = f'write "{node.text}"' if whole else "put it in quotes"
    shown = node.text if whole else f"{node.text[:20]}…"
    return f"{subject} must be a string; {shown} would be read as {node.misread}: {hint}"


def sorted_faults(faults: list[Fault]) -> tuple[Fault, ...]:
    """Return *faults* by file, line and column, each once."""
    return tuple(sorted(set(faults), key=_order))


def _order(fault: Fault) -> tuple[Position, str]:
    return fault.position, fault.message
