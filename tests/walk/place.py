"""Where README is walked: a clean clone, and nothing of ours around it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_OURS = ("VIRTUAL_ENV", "PYTHON", "PYTEST", "MAKE", "MFLAGS", "COV")


class Astray(Exception):
    """Something is not as README says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with a clone, an environment that `pip` fills, and what is on the path."""

    folder: Path
    source: Path

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def environment(self) -> Path:
        return self.folder / "environment"

    def settle(self) -> None:
        """Clone what is committed, and make an empty environment."""
        subprocess.run(["git", "clone", "--quiet", self.source, self.clone], check=True)
        # Not of the environment that walks: pip would be that one's.
        python = [sys._base_executable, "-m", "venv", str(self.environment)]  # type: ignore[attr-defined]  # as venv itself asks
        subprocess.run(python, check=True)

    def run(self, command: str, folder: Path | None = None, **more: str) -> str:
        """Run a command as it is written, in the clone if not in *folder*; returns what it printed.

        Raises:
            Astray: it has failed.
        """
        sys.stdout.write(f"$ {command}\n")
        sys.stdout.flush()
        begun = time.monotonic()
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder or self.clone,
            env={**self._surroundings(), **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=900,
        )
        sys.stdout.write(f"  ended with {done.returncode} after {time.monotonic() - begun:.0f} s\n")
        if done.returncode:
            raise Astray(f"`{command}` ended with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def _surroundings(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        first = [self.environment / "bin", self.clone / ".venv" / "bin"]
        walked_in = str(Path(sys.executable).parent)
        rest = [place for place in own["PATH"].split(os.pathsep) if place != walked_in]
        return {**own, "PATH": os.pathsep.join([*map(str, first), *rest]), "COLUMNS": "100"}
