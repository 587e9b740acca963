"""A controller as a process of its own, to be started, stopped, frozen and killed."""

import os
import sys
from pathlib import Path

from reconciler.lab.part import Launch, Part


class Controller(Part):
    """`reconciler run` as a process; alive is all that it has to be to count as started."""

    def __init__(self, config: Path, *options: str) -> None:
        super().__init__(f"controller {config.stem}")
        self.config = config
        self._options = options

    @property
    def log(self) -> Path:
        return self.config.with_suffix(".log")

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.returncode

    def launch(self) -> Launch:
        return Launch(
            argv=(
                sys.executable,
                "-m",
                "reconciler",
                "--config",
                str(self.config),
                "run",
                *self._options,
            ),
            environment=os.environ,
            log=self.log,
        )

    async def answers(self) -> bool:
        return self.alive

    def lines(self, *words: str) -> list[str]:
        """Return the lines of its log that hold all of *words*."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line for line in lines if all(word in line for word in words)]
