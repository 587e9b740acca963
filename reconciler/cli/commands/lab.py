"""`lab`: the embedded fleet, to try things on."""

import asyncio
import contextlib
import signal
import tempfile
from pathlib import Path

import click

from reconciler.cli.render import say


@click.command("lab", short_help="Run an embedded fleet until interrupted.")
@click.option("--hosts", default=3, type=click.IntRange(1, 100), help="How many hosts.")
@click.option("--version", "version", default="0.42.0", help="What they run at first.")
@click.option(
    "--cluster", default=1, type=click.IntRange(1, 7), help="How many nats-servers, as one cluster."
)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Kept there, not in /tmp."
)
def lab_command(hosts: int, version: str, cluster: int, folder: Path | None) -> None:
    """Run an embedded fleet until interrupted: NATS, a kanade-like backend, agents, services."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kanade-lab-")))
        asyncio.run(_run(folder, hosts, version, cluster))


async def _run(folder: Path, hosts: int, version: str, cluster: int) -> None:
    from reconciler.lab.fleet import Lab, LabOptions  # noqa: PLC0415 (the extra `lab`)
    from reconciler.lab.service import build_service  # noqa: PLC0415

    names = [f"backend-{number:02}" for number in range(1, hosts + 1)]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Lab(folder, names, build_service(version), LabOptions(nats_nodes=cluster)) as lab:
        for url in lab.nats_urls:
            say(f"nats     {url}")
        say(f"backend  {lab.backend_url}")
        say(f"token    {lab.token}")
        for name in names:
            say(f"host     {name}  {lab.hosts[name].url}")
        say("interrupt to stop")
        await stop.wait()
