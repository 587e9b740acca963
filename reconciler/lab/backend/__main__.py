"""`python -m reconciler.lab.backend --config FILE`."""

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from aiohttp import web

from reconciler.lab.backend.app import application
from reconciler.lab.backend.audit import AuditLog
from reconciler.lab.backend.hosts import Hosts
from reconciler.lab.backend.projectors import Projectors
from reconciler.lab.backend.settings import BackendSettings, read_settings
from reconciler.lab.backend.state import State
from reconciler.lab.backend.streams import create_streams
from reconciler.lab.connection import connect
from reconciler.lab.ports import LOOPBACK


async def serve(settings: BackendSettings) -> None:
    """Create what is missing on NATS, then serve until the process is asked to end."""
    client = await connect(settings.nats_urls, settings.nats_token, "kanade-backend")
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    await create_streams(client, settings.replicas)
    state = State(
        settings=settings, client=client, hosts=Hosts(Path(settings.folder)), audit=AuditLog(client)
    )
    runner = web.AppRunner(application(state), access_log=None)
    await runner.setup()
    try:
        async with asyncio.TaskGroup() as tasks:
            ready = asyncio.Event()
            tasks.create_task(Projectors(state).run(ready))
            await ready.wait()
            await web.TCPSite(runner, LOOPBACK, settings.port).start()
    finally:
        state.hosts.save()
        await runner.cleanup()


def main() -> None:
    """Read the settings and serve."""
    parser = argparse.ArgumentParser(prog="python -m reconciler.lab.backend")
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(serve(read_settings(arguments.config)))


if __name__ == "__main__":
    main()
