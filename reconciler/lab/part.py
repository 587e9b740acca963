"""One process of the embedded fleet: started, watched until it answers, stopped, killed."""

import asyncio
import contextlib
import os
import signal
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.lab.failure import LabFailed
from reconciler.lab.waiting import until

GRACE = timedelta(seconds=5)
START = timedelta(minutes=3)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a process is started."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class Part(ABC):
    """A process that can be killed, paused and started again under the same name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: Process | None = None
        self._log: Path | None = None

    @abstractmethod
    def launch(self) -> Launch:
        """Say how the process is started this time."""

    @abstractmethod
    async def answers(self) -> bool:
        """Return whether the process does its work now."""

    async def __aenter__(self) -> Self:
        """Start the process; it ends with the context."""
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process."""
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id; of the last process when none is running."""
        if self._process is None:
            raise LabFailed(f"{self.name} was never started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the process exists."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process and return once it answers.

        Raises:
            LabFailed: it ended instead, or did not answer in time; with its last output.
        """
        await self.spawn()
        await self.ready()

    async def spawn(self) -> None:
        """Start the process without waiting for it."""
        if self.alive:
            raise LabFailed(f"{self.name} is running already")
        launch = self.launch()
        self._log = launch.log
        launch.log.parent.mkdir(parents=True, exist_ok=True)
        with launch.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *launch.argv,
                env=launch.environment,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Return once the process answers; see `start`."""
        await until(self._answers_or_has_ended, f"{self.name} answering", START)

    async def kill(self) -> None:
        """End the process at once, as a crash would."""
        await self._signal_and_wait(signal.SIGKILL, None)

    async def stop(self, grace: timedelta = GRACE) -> None:
        """Ask the process to end, and end it when it does not in time."""
        await self._signal_and_wait(signal.SIGTERM, grace)

    async def restart(self) -> None:
        """Stop the process and start it again."""
        await self.stop()
        await self.start()

    def pause(self) -> None:
        """Freeze the process: it keeps its connections and says nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    async def _answers_or_has_ended(self) -> bool:
        if not self.alive:
            raise LabFailed(f"{self.name} ended while it was starting: {self._last_words()}")
        return await self.answers()

    async def _signal_and_wait(self, number: signal.Signals, grace: timedelta | None) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        # Not by the process object: that may reap the child under asyncio's own watcher.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
            os.kill(process.pid, signal.SIGCONT)
        if grace is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace.total_seconds()):
                    await process.wait()
            if process.returncode is None:
                os.kill(process.pid, signal.SIGKILL)
        await process.wait()

    def _last_words(self) -> str:
        lines = [] if self._log is None else self._log.read_text(errors="replace").splitlines()
        spoken = [line.strip() for line in lines if line.strip()]
        return spoken[-1] if spoken else "it said nothing"
