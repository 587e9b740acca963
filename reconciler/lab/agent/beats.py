"""What a host says of itself: heartbeats, answers to pings, and the end of its log."""

import asyncio
import json
import platform
import resource

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from reconciler.lab import names, wire
from reconciler.lab.agent.log import LOG_FILE
from reconciler.lab.agent.settings import HostSettings

_REPLY_BYTES = 800 * 1024
_DEFAULT_LINES = 500
QUARANTINE_FILE = "quarantined_versions.json"


class Beats:
    """The voice of one host."""

    def __init__(self, client: Client, host: HostSettings, agent_version: str) -> None:
        self._client = client
        self._host = host
        self._version = agent_version

    async def answer(self) -> None:
        """Answer pings and requests for the log from now on."""
        await self._client.subscribe(names.ping(self._host.name), cb=self._pong)
        await self._client.subscribe(names.logs_fetch(self._host.name), cb=self._log_tail)
        await self._client.flush()

    async def beat(self, every_seconds: float) -> None:
        """Send a heartbeat at once, and one every *every_seconds*."""
        while True:
            try:
                heartbeat = wire.encode(self.heartbeat())
                await self._client.publish(names.heartbeat(self._host.name), heartbeat)
            except (NatsError, OSError):
                pass
            await asyncio.sleep(every_seconds)

    def heartbeat(self) -> wire.Document:
        """Return a heartbeat as of now."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        heartbeat: wire.Document = {
            "agent_arch": platform.machine(),
            "remote_viewing": False,
            "pc_id": self._host.name,
            "at": wire.now(),
            "agent_version": self._version,
            "os_family": "linux",
            "agent_cpu_pct": 0.1,
            "agent_rss_bytes": usage.ru_maxrss * 1024,
            "agent_disk_read_bytes": usage.ru_inblock * 512,
            "agent_disk_written_bytes": usage.ru_oublock * 512,
        }
        if quarantined := self._quarantined():
            heartbeat["quarantined_versions"] = quarantined
        heartbeat |= {
            "command_keys": [],
            "enforcing": False,
            "command_protocols": ["legacy", "kanade.command.v2"],
            "deploy_capabilities": {"schema_version": 1, "handlers": []},
        }
        return heartbeat

    async def _pong(self, message: Msg) -> None:
        pong: wire.Document = {
            "remote_viewing": False,
            "pc_id": self._host.name,
            "at": wire.now(),
            "agent_version": self._version,
            "os_family": "linux",
        }
        if message.reply:
            await message.respond(wire.encode(pong))

    async def _log_tail(self, message: Msg) -> None:
        if not message.reply:
            return
        try:
            wanted = wire.document(message.data).get("tail_lines", _DEFAULT_LINES)
        except ValueError:
            wanted = _DEFAULT_LINES
        count = wanted if isinstance(wanted, int) else _DEFAULT_LINES
        path = self._host.inside(LOG_FILE)
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        await message.respond(b"".join(lines[-count:] if count else [])[-_REPLY_BYTES:])

    def _quarantined(self) -> list[wire.Json]:
        path = self._host.inside(QUARANTINE_FILE)
        if not path.exists():
            return []
        versions: list[wire.Json] = json.loads(path.read_text())
        return versions
