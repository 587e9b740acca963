"""What kanade was seen to say, as data."""

from pathlib import Path

from reconciler.lab import wire

_FOLDER = Path(__file__).parent / "data"


def recorded(name: str) -> list[wire.Document]:
    """Return the rows of the recording *name*."""
    rows = wire.decode((_FOLDER / f"{name}.json").read_bytes())
    assert isinstance(rows, list)
    return [row for row in rows if isinstance(row, dict)]
