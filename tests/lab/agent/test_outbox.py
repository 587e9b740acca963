"""What leaves an agent leaves in order, and one bad message does not hold up the rest."""

import asyncio
import os
from pathlib import Path

from nats.errors import TimeoutError as NatsTimeout

from reconciler.lab import wire
from reconciler.lab.agent.log import Log
from reconciler.lab.agent.outbox import Outbox


async def test_messages_are_sent_oldest_first_and_kept_until_they_are(tmp_path: Path) -> None:
    sent: list[wire.Json] = []
    done = asyncio.Event()
    refused = {"b"}

    async def send(message: wire.Document) -> None:
        if message["name"] in refused:
            refused.clear()
            raise NatsTimeout
        sent.append(message["name"])
        if len(sent) == 3:
            done.set()

    outbox = Outbox(tmp_path, send, Log(tmp_path / "log"))
    for seconds, name in enumerate("abc"):
        outbox.enqueue(name, {"name": name})
        os.utime(tmp_path / f"{name}.json", (seconds, seconds))
    draining = asyncio.ensure_future(outbox.drain(0))
    async with asyncio.timeout(60):
        await done.wait()
    draining.cancel()

    assert sent == ["a", "c", "b"]
    assert outbox.held("b") is None or outbox.held("b") == {"name": "b"}
    assert "b.json" in (tmp_path / "log").read_text()
