"""Which files of a snapshot are read, as what, and which are left alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.desired.paths import has_control_character
from reconciler.desired.schemas import Kind
from reconciler.desired.wording import listed, quoted
from reconciler.errors import Fault
from reconciler.model.identity import Position
from reconciler.model.snapshot import Blob, Snapshot

MOST_BYTES = 1024 * 1024
MOST_FILES = 500
MOST_BYTES_IN_ALL = 8 * 1024 * 1024

FOLDERS: Mapping[str, Kind] = {
    "releases": Kind.RELEASE,
    "jobs": Kind.JOB,
    "hosts": Kind.HOSTS,
}
_SUFFIXES = (".yaml", ".yml")
_LATER = frozenset({"groups", "schedules", "views", "group_defs"})
_EXPECTED_BESIDE = frozenset({"scripts", "artifacts"})
_ORDINARY = ("README", "LICENSE", "CHANGELOG", "CODEOWNERS", ".")


@dataclass(frozen=True, slots=True)
class Selection:
    """The YAML files by kind, with what was wrong or left alone on the way."""

    files: tuple[tuple[Kind, Blob], ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def shown_path(snapshot: Snapshot, path: str) -> str:
    """Return *path* as a person at the top of the repository would write it."""
    folder = snapshot.folder.strip("/")
    whole = f"{folder}/{path}" if folder and path else folder or path or "."
    return quoted(whole) if has_control_character(whole) else whole


def select(snapshot: Snapshot) -> Selection:
    """Sort the files of *snapshot*; nothing of their content is read yet."""
    files: list[tuple[Kind, Blob]] = []
    faults: list[Fault] = []
    others: dict[str, list[str]] = {}
    for path in sorted(snapshot.files):
        if has_control_character(path):
            faults.append(
                Fault(Position(shown_path(snapshot, path)), "the path has a control character")
            )
            continue
        top, _, rest = path.partition("/")
        kind = FOLDERS.get(top) if rest else None
        if kind is not None and path.endswith(_SUFFIXES):
            files.append((kind, snapshot.files[path]))
        else:
            others.setdefault(top if rest else "", []).append(path)
    faults += _limits(snapshot, [blob for _, blob in files])
    return Selection(tuple(files), tuple(faults), tuple(_notes(snapshot, others)))


def _limits(snapshot: Snapshot, blobs: list[Blob]) -> Iterable[Fault]:
    for blob in blobs:
        where = Position(shown_path(snapshot, blob.path))
        if blob.size_bytes > MOST_BYTES:
            yield Fault(where, f"{blob.size_bytes:,} bytes; at most {MOST_BYTES:,} are read")
        elif blob.content is None:
            yield Fault(where, "its content was not read from the repository")
    top = Position(shown_path(snapshot, ""))
    if len(blobs) > MOST_FILES:
        yield Fault(top, f"{len(blobs):,} YAML files; at most {MOST_FILES} are read: split it")
    total = sum(blob.size_bytes for blob in blobs if blob.size_bytes <= MOST_BYTES)
    if total > MOST_BYTES_IN_ALL:
        yield Fault(top, f"{total:,} bytes of YAML; at most {MOST_BYTES_IN_ALL:,} are read")


def _notes(snapshot: Snapshot, others: Mapping[str, list[str]]) -> Iterable[str]:
    """Mention what a person may believe to be read; a README is nobody's worry."""
    for top, paths in sorted(others.items()):
        strays = [path for path in paths if not _is_ordinary(path.rpartition("/")[2])]
        if top in FOLDERS:
            for path in strays:
                yield f"{shown_path(snapshot, path)}: not read; expected *.yaml or *.yml here"
        elif not top and strays:
            yield f"{shown_path(snapshot, '')}: left alone: {listed(strays)}"
        elif _looks_managed(top, paths):
            count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
            yield f"{shown_path(snapshot, top)}/: {count} left alone; not managed"


def _looks_managed(top: str, paths: list[str]) -> bool:
    if top in _EXPECTED_BESIDE or not top or top.startswith("."):
        return False
    return top in _LATER or any(path.endswith(_SUFFIXES) for path in paths)


def _is_ordinary(name: str) -> bool:
    return name.upper().startswith(_ORDINARY)
