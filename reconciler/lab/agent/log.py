"""A host's log, the one that `logs.fetch` shows the end of."""

from pathlib import Path

from reconciler.lab import wire

LOG_FILE = "agent.log"


class Log:
    """One line an event."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, text: str) -> None:
        """Write a line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(f"{wire.now()}  INFO {text}\n")
