"""Hosts that answer when they are called, and do nothing else."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

from nats.aio.msg import Msg

from reconciler.cli.clock import SystemClock
from tests.cli.conftest import Office
from tests.support.streams import connected


@asynccontextmanager
async def answering(
    office: Office, hosts: Iterable[str], ahead: timedelta = timedelta(0)
) -> AsyncIterator[None]:
    """Let *hosts* answer pings, their clocks so far *ahead*."""

    async def answer(message: Msg) -> None:
        at = SystemClock().now() + ahead
        host = message.subject.split(".")[1]
        pong = {"pc_id": host, "agent_version": "0.101.0", "at": f"{at:%FT%T.%f}123Z"}
        await message.respond(json.dumps(pong).encode())

    async with connected(office.nats_url) as connection:
        for host in hosts:
            await connection.subscribe(f"agents.{host}.ping", answer)
        yield
