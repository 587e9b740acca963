"""A TCP proxy that misbehaves when it is told to: it cuts, stalls, resets."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from reconciler.lab.ports import LOOPBACK, free_port

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BLOCK = 65536


class Proxy:
    """Passes on what comes until it is told otherwise, new connections and old."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._shut = False
        self._until_fault = 0
        self._fault: Callable[[], None] = lambda: None

    def stall(self) -> None:
        """Keep all connections open, take new ones, and pass nothing on."""
        self._flowing.clear()

    def cut(self) -> None:
        """End all connections in order, and take no more until `heal`."""
        self._shut = True
        self._end_all()

    def reset(self) -> None:
        """End all connections by a reset; new ones are welcome."""
        for writer in self._open:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._end_all()

    def heal(self) -> None:
        """Pass everything on again, also what was kept back."""
        self._shut = False
        self._flowing.set()

    def after(self, size: int, fault: Callable[[], None]) -> asyncio.Event:
        """Let *fault* happen as soon as *size* more bytes have come for the target."""
        happened = asyncio.Event()

        def happen() -> None:
            fault()
            happened.set()

        self._until_fault, self._fault = size, happen
        return happened

    def _end_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client to the target."""
        if self._shut:
            writer.transport.abort()
            return
        try:
            answers, target = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, target}
        self._open |= pair
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, target, counted=True))
                group.create_task(self._pass_on(answers, writer, counted=False))
        finally:
            self._open -= pair
            for end in pair:
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK):
                if counted:
                    self._count(len(block))
                await self._flowing.wait()
                writer.write(block)
                await writer.drain()
        writer.transport.abort()

    def _count(self, size: int) -> None:
        if 0 < self._until_fault <= size:
            self._fault()
        self._until_fault -= size


@asynccontextmanager
async def proxy_to(target: int) -> AsyncIterator[Proxy]:
    """Give a proxy to a loopback port, on a port of its own."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, LOOPBACK, proxy.port)
    try:
        yield proxy
    finally:
        proxy.heal()
        proxy.cut()
        server.close()
        await server.wait_closed()
