"""A job's `execute.script_file`: found and read as kanade's own command line does."""

import posixpath

from reconciler.desired.wording import did_you_mean, printable
from reconciler.model.snapshot import Blob, Snapshot

MOST_SCRIPT_BYTES = 256 * 1024
"""Of an inlined script: it travels in the job and in every command."""


def read_script_file(name: str, job_path: str, snapshot: Snapshot) -> tuple[str, str] | str:
    """Return path and text of the script that *name* means, or what is wrong.

    kanade counts the path from the job's own folder. Without a leading `./` or `../` it may be
    counted from the top of the desired state as well.
    """
    if name.startswith("/") or "\\" in name:
        return "expected a relative path with slashes"
    bases = [posixpath.dirname(job_path)]
    if not name.startswith("."):
        bases.append("")
    candidates = dict.fromkeys(posixpath.normpath(posixpath.join(base, name)) for base in bases)
    present = [path for path in candidates if path in snapshot.files]
    if len(present) > 1:
        return f"both {' and '.join(present)} are there; begin with ./ or ../ to say which"
    if not present:
        tried = " or ".join(printable(path) for path in candidates)
        return f"no such file: {tried}{did_you_mean(name, snapshot.files)}"
    return _read(snapshot.files[present[0]])


def _read(blob: Blob) -> tuple[str, str] | str:
    if blob.content is None or blob.size_bytes > MOST_SCRIPT_BYTES:
        return f"{blob.size_bytes:,} bytes; at most {MOST_SCRIPT_BYTES:,} can be sent in a job"
    try:
        body = blob.content.decode()
    except UnicodeDecodeError as error:
        return f"{printable(blob.path)} is not valid UTF-8 at byte {error.start + 1}"
    if "\0" in body:
        return f"{printable(blob.path)} has a NUL character at {body.index(chr(0)) + 1}"
    return (blob.path, body) if body.strip() else f"{printable(blob.path)} is empty"
