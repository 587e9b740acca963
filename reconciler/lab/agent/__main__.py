"""`python -m reconciler.lab.agent --config FILE [--hosts a,b,c]`."""

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from reconciler.lab.agent.host import Host
from reconciler.lab.agent.settings import AgentSettings, read_settings
from reconciler.lab.connection import connect


async def serve(settings: AgentSettings) -> None:
    """Serve all hosts over one connection until the process is asked to end."""
    name = f"kanade-agent ({len(settings.hosts)} hosts)"
    client = await connect(settings.nats_urls, settings.nats_token, name)
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with asyncio.TaskGroup() as tasks:
        for host in settings.hosts:
            tasks.create_task(Host(client, settings, host).serve())


def main() -> None:
    """Read the settings and serve."""
    parser = argparse.ArgumentParser(prog="python -m reconciler.lab.agent")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--hosts", type=lambda text: text.split(","), default=None)
    arguments = parser.parse_args()
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(serve(read_settings(arguments.config, arguments.hosts)))


if __name__ == "__main__":
    main()
