"""What the fault tests count, printed and kept in build/reliability.json."""

import json
from pathlib import Path

_FILE = Path(__file__).resolve().parents[2] / "build" / "reliability.json"


def report(**figures: float) -> None:
    """Add *figures* to the file, and print them; the worst of several runs is kept."""
    known: dict[str, float] = json.loads(_FILE.read_text()) if _FILE.exists() else {}
    for name, value in figures.items():
        is_worst = name.startswith("max_") or name.endswith("_seconds")
        known[name] = max(known.get(name, value), value) if is_worst else value
        print(f"{name}: {value}")  # noqa: T201 (a figure that the run is read for)
    _FILE.parent.mkdir(exist_ok=True)
    _FILE.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
