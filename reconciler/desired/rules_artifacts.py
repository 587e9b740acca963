"""Rules about the bytes of a release, and about the placeholders in its values."""

from collections.abc import Iterator
from datetime import timedelta

from reconciler.desired.draft import Drafts, ReleaseDraft
from reconciler.desired.node import Path, scalars
from reconciler.desired.placeholders import placeholder_fault
from reconciler.desired.salvage import FILLED_IN
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import Fault
from reconciler.model.desired import BlobArtifact
from reconciler.model.digest import Digest

MOST_ARTIFACT_BYTES = 256 * 1024 * 1024
"""Of a file in git; larger ones belong behind `file` or `url`."""

SLOW_LINK_BYTES_A_SECOND = 1_250_000
"""10 Mbit/s: a download that needs more than this to be done in time is warned of."""

_LFS = b"version https://git-lfs.github.com/spec/"
_HEALTH_URL: Path = ("verify", "http", "url")
"""Filled in for each host: it alone may say `{host}`."""


def check_placeholders(release: ReleaseDraft) -> Iterator[Fault]:
    """Yield placeholders that stand for nothing."""
    known = release.placeholders
    by_host = {**known, "host": ""}
    for path, node in scalars(release.document.root):
        filled_in = any(path[: len(start)] == start for start in FILLED_IN)
        if isinstance(node.value, str) and filled_in:
            message = placeholder_fault(node.value, by_host if path == _HEALTH_URL else known)
            if message is not None:
                yield Fault(node.position, message)


def check_artifact(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield what is wrong with an artifact that is a file of the repository."""
    origin = release.artifact.origin
    if not isinstance(origin, BlobArtifact) or not release.knows("artifact", "path"):
        return
    blob = drafts.snapshot.files.get(origin.path)
    if blob is None:
        hint = did_you_mean(origin.path, drafts.snapshot.files)
        yield release.fault(f"no such file: {printable(origin.path)}{hint}", "artifact", "path")
    elif blob.content is not None and blob.content.startswith(_LFS):
        message = f"{printable(origin.path)} is a git-lfs pointer, not the file itself"
        yield release.fault(f"{message}; use artifact.url or artifact.file", "artifact", "path")
    elif blob.size_bytes == 0:
        message = f"{printable(origin.path)} is empty; kanade takes no empty package"
        yield release.fault(message, "artifact", "path")
    elif blob.size_bytes > MOST_ARTIFACT_BYTES:
        size = f"{printable(origin.path)} has {blob.size_bytes:,} bytes"
        message = f"{size}; at most {MOST_ARTIFACT_BYTES:,} are taken from git"
        yield release.fault(f"{message}: use artifact.url or artifact.file", "artifact", "path")
    elif blob.content is not None and release.knows("artifact", "sha256"):
        actual = Digest.of(blob.content)
        if actual != release.artifact.digest:
            message = f"{printable(origin.path)} has sha256 {actual}"
            yield release.fault(f"{message}; correct one of them", "artifact", "sha256")


def tight_timeouts(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield notes about jobs that are killed in the middle of the download on a slow link."""
    origin, job = release.artifact.origin, drafts.jobs.get(release.job)
    blob = drafts.snapshot.files.get(origin.path) if isinstance(origin, BlobArtifact) else None
    if blob is None or job is None:
        return
    message = short_timeout(blob.size_bytes, job.job.timeout, printable(blob.path))
    if message is not None:
        yield job.fault(message, "execute", "timeout")


def short_timeout(size_bytes: int, timeout: timedelta, what: str) -> str | None:
    """Say that hosts on a slow link do not get *what* within *timeout*; `None` where they do."""
    seconds = timeout.total_seconds()
    needed = size_bytes / max(seconds, 1)
    if needed <= SLOW_LINK_BYTES_A_SECOND:
        return None
    return (
        f"execute.timeout of {seconds:.0f} s is short for {size_bytes:,} bytes of {what}: a host "
        f"needs {needed / 1e6:.1f} MB/s, or is killed half-way"
    )
