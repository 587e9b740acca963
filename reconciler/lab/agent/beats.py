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
from reconciler.lab.agent.log_tail import answerer
from reconciler.lab.agent.settings import AgentSettings, HostSettings

QUARANTINE_FILE = "quarantined_versions.json"


class Beats:
    """The voice of one host."""

    def __init__(self, client: Client, host: HostSettings, settings: AgentSettings) -> None:
        self._client = client
        self._host = host
        self._version = settings.agent_version
        self._signed_only = settings.signed_only

    def become(self, version: str) -> None:
        """Call the agent *version* from the next heartbeat on."""
        self._version = version

    async def answer(self) -> None:
        """Answer pings and requests for the log from now on."""
        await self._client.subscribe(names.ping(self._host.name), cb=self._pong)
        show_log = answerer(self._host.inside(LOG_FILE))
        await self._client.subscribe(names.logs_fetch(self._host.name), cb=show_log)
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
            "enforcing": self._signed_only,
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

    def _quarantined(self) -> list[wire.Json]:
        path = self._host.inside(QUARANTINE_FILE)
        if not path.exists():
            return []
        versions: list[wire.Json] = json.loads(path.read_text())
        return versions
