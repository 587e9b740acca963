"""What the fault tests count, printed and kept in build/reliability.json.

`python -m tests.support.reliability --anew` forgets what earlier runs have counted; without it
the figures are printed, and one that is missing, or breaks a promise, is a failure.
"""

import fcntl
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

_FILE = Path(__file__).resolve().parents[2] / "build" / "reliability.json"
NOWHERE = "RELIABILITY_NOWHERE"
"""Set in the environment of processes whose figures are of no account, such as mutants."""
_CROWDED = 3.0
"""More processes for each processor want to run than these tests start by themselves."""
_TRIES = 3
_WANTED = (
    "seeds",
    "kills",
    "max_effects_per_wish",
    "effects_of_last_version",
    "failover_seconds",
    "mutants",
    "mutants_caught",
)

_MOST = {"max_effects_per_wish": 1, "max_wrong_effects": 0}
"""What no run may exceed: who runs a failed test again does not undo what it has counted."""


def report(**figures: float) -> None:
    """Add *figures* to the file, and print them; the worst of several runs is kept."""
    if os.environ.get(NOWHERE):
        return
    _FILE.parent.mkdir(exist_ok=True)
    with _FILE.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests run side by side
        file.seek(0)
        known: dict[str, float] = json.loads(file.read() or "{}")
        for name, value in figures.items():
            is_worst = name.startswith("max_") or name.endswith("_seconds")
            known[name] = max(known.get(name, value), value) if is_worst else value
            print(f"{name}: {value}")  # noqa: T201 (a figure that the run is read for)
        file.truncate(0)
        file.write(json.dumps(known, indent=2, sort_keys=True) + "\n")


async def report_limited(
    name: str, measure: Callable[[], Awaitable[float]], *, limit: float
) -> None:
    """Measure a time, report it, and see that it is not longer than *limit* seconds.

    On a machine where other work waits for the processors it says nothing of ours: it is
    measured again then, a few times, and what was measured first goes under another name.
    """
    for _ in range(_TRIES - 1):
        seconds, crowd = await measure(), os.getloadavg()[0] / (os.cpu_count() or 1)
        if seconds <= limit or crowd <= _CROWDED:
            break
        figures = {f"crowded_{name}": seconds, f"max_crowd_at_{name}": crowd}
        report(**{key: round(value, 1) for key, value in figures.items()})
    else:
        seconds = await measure()
    report(**{name: round(seconds, 1)})
    assert seconds <= limit


def main() -> int:
    """Begin anew, or print what there is; return 1 when a figure is missing."""
    if sys.argv[1:] == ["--anew"]:
        _FILE.unlink(missing_ok=True)
        return 0
    known = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}
    wrong = [f"{name} was not measured" for name in _WANTED if name not in known]
    wrong += [f"{name} must be {most}" for name, most in _MOST.items() if known.get(name, 0) > most]
    if known.get("mutants_caught") != known.get("mutants"):
        wrong.append("a mutant was not caught")
    print(json.dumps(known, indent=2, sort_keys=True), *wrong, sep="\n")  # noqa: T201 (what it is for)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
