"""Progress bars, on a terminal only: for an upload, and for a rollout."""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

from reconciler.model.identity import ObjectRef, ReleaseName
from reconciler.model.plan import Assessment, State
from reconciler.ports import Content


class Bars:
    """All the bars of one command; where there is no terminal they are not drawn."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._uploads = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._hosts = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} hosts proved"),
            TaskProgressColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._releases: dict[ReleaseName, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._uploads.stop()
        self._hosts.stop()

    def watch(self, ref: ObjectRef, content: Content) -> Content:
        """Return *content* with a bar that moves as it is read."""
        self._uploads.start()
        task = self._uploads.add_task(str(ref), total=content.size_bytes)
        return _Watched(content, self._uploads, task)

    def show(self, hosts: Mapping[ReleaseName, tuple[Assessment, ...]]) -> None:
        """Move each release's bar to where its hosts are."""
        self._uploads.stop()
        self._hosts.start()
        for name, views in hosts.items():
            if name not in self._releases:
                self._releases[name] = self._hosts.add_task(name, total=len(views))
            proved = sum(view.state is State.CONVERGED for view in views)
            self._hosts.update(self._releases[name], completed=proved, total=len(views))


class _Watched:
    """Implements `ports.Content` over another one."""

    def __init__(self, content: Content, progress: Progress, task: TaskID) -> None:
        self._content = content
        self._progress = progress
        self._task = task

    @property
    def size_bytes(self) -> int:
        return self._content.size_bytes

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        async for block in self._content.blocks(block_bytes):
            self._progress.advance(self._task, len(block))
            yield block
