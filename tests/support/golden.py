"""What is printed, compared with a file beside the tests; `SNAPSHOTS=write` writes it anew."""

import os
import re
from pathlib import Path

_HEX = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{12})\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


def assert_same(printed: str, file: Path) -> None:
    """See that *printed* is what *file* holds; revisions, digests and times are left out."""
    stable = _TIME.sub("2026-11-23T12:00:00Z", _HEX.sub(_anonymous, printed))
    if os.environ.get("SNAPSHOTS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(stable, "utf-8")

    assert stable == file.read_text("utf-8"), f"{file.name}: is it better? SNAPSHOTS=write pytest"


def _anonymous(found: re.Match[str]) -> str:
    return "c0ffee".ljust(len(found[0]), "0")
