"""Snapshots made of texts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconciler.model.identity import Revision
from reconciler.model.snapshot import Blob, Commit, Snapshot

COMMIT = Commit(
    revision=Revision("c0ffee" + "0" * 34),
    subject="Bump tool",
    author="A. Author",
    committed_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
)


def snapshot_of(files: Mapping[str, str | bytes], folder: str = "") -> Snapshot:
    """Return a snapshot that holds *files*, all of them small enough to be read."""
    blobs = {}
    for path, text in files.items():
        content = text if isinstance(text, bytes) else text.encode()
        blobs[path] = Blob(path=path, object_id="0" * 40, size_bytes=len(content), content=content)
    return Snapshot(
        commit=COMMIT, origin="https://git.example/fleet.git", folder=folder, files=blobs
    )


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the files of *folder* by their path below it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
