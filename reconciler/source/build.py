"""An artifact built from the commit's own files, in a fresh folder, by a command with an end."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from reconciler.errors import ArtifactRefused, ArtifactUnavailable
from reconciler.model.desired import BuildArtifact
from reconciler.model.snapshot import Blob, Snapshot
from reconciler.ports import BytesContent, Content
from reconciler.source.contained import opened_below
from reconciler.source.credential import presentable
from reconciler.source.process import Invocation, NotStarted, end_group, running
from reconciler.source.spool import Spool

OpenBlob = Callable[[str, int], AbstractAsyncContextManager[Content]]
"""Opens an object of git by its id and size, to be streamed."""

_BLOCK_BYTES = 256 * 1024
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TAIL_BYTES = 2000
_PASSED_ON = ("PATH", "RUSTUP_HOME", "GOROOT", "JAVA_HOME")
_LINES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Runs build commands; the settings have to allow it, since a commit then runs code here."""

    open_blob: OpenBlob
    folder: Path
    deadline: timedelta
    max_output_bytes: int
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where `PATH` and the homes of toolchains are taken from; nothing else is passed on."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What builds are to see besides: on purpose, since a commit's code will see it."""

    @asynccontextmanager
    async def built(self, build: BuildArtifact, snapshot: Snapshot) -> AsyncIterator[int]:
        """Build, and yield the output's descriptor; all that was made is removed afterwards.

        Raises:
            ArtifactRefused: the command failed, took too long, or left no such file.
            ArtifactUnavailable: there is no room for the commit's files.
        """
        place = self._fresh_folder()
        try:
            await self._export(snapshot, place / "files")
            await self._run(build, place)
            subject = f"build output {build.output}"
            with opened_below(
                build.output, (place / "files",), subject, where="the build's folder"
            ) as descriptor:
                yield descriptor
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def _fresh_folder(self) -> Path:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix="build-", dir=self.folder))
            for name in ("files", "home", "temporary"):
                (place / name).mkdir()
        except OSError as error:
            raise ArtifactUnavailable(
                f"build folder {self.folder}: not usable: {error.strerror}"
            ) from error
        return place

    async def _export(self, snapshot: Snapshot, files: Path) -> None:
        """Write the commit's files as they are: no filter, no attribute, no link."""
        for blob in snapshot.files.values():
            try:
                await self._write(blob, files / blob.path)
            except OSError as error:
                raise ArtifactUnavailable(f"{blob.path}: not exported: {error.strerror}") from error

    async def _write(self, blob: Blob, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, _NEW_FILE, 0o700 if blob.executable else 0o600)
        try:
            async with self._content(blob) as content:
                stream = content.blocks(_BLOCK_BYTES)
                await Spool(descriptor).fill(stream, at_most=blob.size_bytes, too_many=blob.path)
        finally:
            os.close(descriptor)

    def _content(self, blob: Blob) -> AbstractAsyncContextManager[Content]:
        if blob.content is not None:
            return nullcontext(BytesContent(blob.content))
        return self.open_blob(blob.object_id, blob.size_bytes)

    async def _run(self, build: BuildArtifact, place: Path) -> None:
        shown = f"build {build.command[0]!r}"
        call = Invocation(
            arguments=build.command,
            environment=self._environment(place),
            folder=place / "files",
            max_file_bytes=self.max_output_bytes,
        )
        seconds = self.deadline.total_seconds()
        log = place / "log"
        try:
            with log.open("wb") as output:
                async with asyncio.timeout(seconds), running(call, output=output) as process:
                    code = await process.wait()
                    end_group(process.pid)  # a build is over when its command is
        except NotStarted as error:
            raise ArtifactRefused(f"{shown}: {error}") from error
        except TimeoutError as error:
            raise ArtifactRefused(
                f"{shown}: not done within {seconds:g} s; {_said(log)}"
            ) from error
        if code:
            raise ArtifactRefused(f"{shown}: ended with {code}; {_said(log)}")

    def _environment(self, place: Path) -> Mapping[str, str]:
        passed = self.environment
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            **{name: passed[name] for name in _PASSED_ON if name in passed},
            **self.variables,
            "HOME": str(place / "home"),
            "TMPDIR": str(place / "temporary"),
        }


def _said(log: Path) -> str:
    """Return the end of a build's output, on one line."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    last = [line.strip() for line in lines if line.strip()][-_LINES_SHOWN:]
    return f"its output: {presentable(' | '.join(last), None)}" if last else "it wrote nothing"
