"""A commit's tree as a list of entries, and what is wrong with it; all faults at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.errors import Fault
from reconciler.model.identity import Position
from reconciler.source.names import objection, shown

_FOLDER = 0o040000
_FILE = 0o100000
_KIND = 0o170000
_NOT_ALLOWED = {
    0o120000: "symbolic links are not allowed (mode 120000)",
    0o160000: "submodules are not allowed (mode 160000)",
}
_ID_BYTES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a tree; a byte of its path that is not UTF-8 is kept as a lone surrogate."""

    path: str
    mode: int
    object_id: str

    @property
    def is_folder(self) -> bool:
        """True when it is a tree of its own."""
        return self.mode & _KIND == _FOLDER

    @property
    def is_file(self) -> bool:
        """True when it is a plain file, executable or not."""
        return self.mode & _KIND == _FILE

    @property
    def executable(self) -> bool:
        """True when its owner may run it."""
        return bool(self.mode & 0o100)


def parsed(tree: bytes, prefix: str) -> Iterator[Entry]:
    """Take a tree object apart, its paths put behind *prefix*.

    Raises:
        ValueError: it is no tree.
    """
    offset = 0
    while offset < len(tree):
        end = tree.index(b"\0", offset)
        mode, _, name = tree[offset:end].partition(b" ")
        offset = end + 1 + _ID_BYTES
        if offset > len(tree):
            raise ValueError("a tree ends within an object id")
        path = prefix + name.decode("utf-8", "surrogateescape")
        yield Entry(path=path, mode=int(mode, 8), object_id=tree[end + 1 : offset].hex())


def faults(entries: Iterable[Entry]) -> Iterator[Fault]:
    """Yield what no desired state may hold: links, submodules, and names that not all can read."""
    seen: dict[str, str] = {}
    for entry in entries:
        place = Position(shown(entry.path))
        if complaint := objection(entry.path.rpartition("/")[2]):
            yield Fault(place, f"{complaint}; rename it")
        if not (entry.is_folder or entry.is_file):
            other = f"neither a file nor a folder (mode {entry.mode:o})"
            yield Fault(place, _NOT_ALLOWED.get(entry.mode & _KIND, other))
        first = seen.setdefault(entry.path.casefold(), entry.path)
        if first != entry.path:
            yield Fault(
                place, f"differs from {shown(first)} only in upper and lower case; rename it"
            )
