"""Progress bars, on a terminal only: for uploads, and for a rollout."""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
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
    """All the bars of one command, as one display; where there is no terminal none are drawn.

    What is printed to `sys.stderr` meanwhile stands above them.
    """

    def __init__(self, console: Console | None = None, *, drawn: bool = True) -> None:
        self._console = console or Console(stderr=True)
        self._is_drawn = drawn and self._console.is_terminal
        self._uploads = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
        )
        self._hosts = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} hosts proved"),
            TaskProgressColumn(),
            console=self._console,
        )
        self._releases: dict[ReleaseName, TaskID] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def watch(self, ref: ObjectRef, content: Content) -> Content:
        """Return *content* with a bar that is shown while it is read."""
        return _Watched(content, self, str(ref))

    def show(self, hosts: Mapping[ReleaseName, tuple[Assessment, ...]]) -> None:
        """Move each release's bar to where its hosts are."""
        self._start()
        for name, views in hosts.items():
            if name not in self._releases:
                self._releases[name] = self._hosts.add_task(name, total=len(views))
            proved = sum(view.state is State.CONVERGED for view in views)
            self._hosts.update(self._releases[name], completed=proved, total=len(views))

    def refresh(self) -> None:
        """Draw at once what would be drawn in a moment."""
        if self._live is not None:
            self._live.refresh()

    def begin(self, what: str, size_bytes: int) -> TaskID:
        """Add the bar of an upload."""
        self._start()
        return self._uploads.add_task(what, total=size_bytes)

    def advance(self, upload: TaskID, size_bytes: int) -> None:
        """Move the bar of an upload on."""
        self._uploads.advance(upload, size_bytes)

    def end(self, upload: TaskID) -> None:
        """Take the bar of an upload away; without another bar nothing is left of the display."""
        self._uploads.remove_task(upload)
        if not self._uploads.tasks and not self._releases:
            self._stop()

    def _start(self) -> None:
        if self._live is None and self._is_drawn:
            both = Group(self._uploads, self._hosts)
            self._live = Live(both, console=self._console, refresh_per_second=10)
            self._live.start()

    def _stop(self) -> None:
        """End the display: the rollout stays to be read, uploads do not."""
        if self._live is not None:
            self._live.transient = not self._releases
            self._live.stop()
            self._live = None


class _Watched:
    """Implements `ports.Content` over another one."""

    def __init__(self, content: Content, bars: Bars, what: str) -> None:
        self._content = content
        self._bars = bars
        self._what = what

    @property
    def size_bytes(self) -> int:
        return self._content.size_bytes

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        upload = self._bars.begin(self._what, self.size_bytes)
        try:
            async for block in self._content.blocks(block_bytes):
                self._bars.advance(upload, len(block))
                yield block
        finally:
            self._bars.end(upload)
