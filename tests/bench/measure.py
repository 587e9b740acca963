"""What a measurement says, and whether it may say so."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"
_COLUMNS = ("measure", "value", "limit", "", "beside")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number of a group; at or below its limit, where it has one."""

    group: str
    name: str
    value: float | None
    """`None` when it could not be taken."""
    limit: float | None = None
    beside: str = ""
    """What it is to be seen against, or why it was not taken."""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if self.limit is None:
            return ""
        return "ok" if self.value <= self.limit else "OVER"


def table(measures: Iterable[Measure]) -> str:
    """Return the measures as lines of columns."""
    rows = [
        _COLUMNS,
        *(
            (
                f"{item.group}.{item.name}",
                "-" if item.value is None else f"{item.value:g}",
                "" if item.limit is None else f"{item.limit:g}",
                item.verdict,
                item.beside,
            )
            for item in measures
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def write(measures: Iterable[Measure]) -> None:
    """Write them to build/bench.json, by group."""
    groups: dict[str, dict[str, float | None]] = {}
    for item in measures:
        groups.setdefault(item.group, {})[item.name] = item.value
    _FILE.parent.mkdir(exist_ok=True)
    _FILE.write_text(json.dumps(groups, indent=2) + "\n")
