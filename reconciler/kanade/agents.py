"""The agents' own releases, and which of them each host is set to run.

kanade: binaries are in the object store `agent_releases` as `<version>`, with a suffix for other
platforms than Windows; an agent that reads another `target_version` in its scope of `agent_config`
updates itself.
"""

import asyncio
from collections.abc import Mapping

import msgspec
import structlog

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.message import Message
from reconciler.jetstream.mirror import Mirror
from reconciler.jetstream.object_info import metadata_filter, stream_of
from reconciler.jetstream.upload import live_info
from reconciler.kanade.audit import Audit
from reconciler.kanade.codec import Unreadable, decode_object
from reconciler.kanade.http import Ask
from reconciler.kanade.http_write import BackendWriter
from reconciler.kanade.names import AGENT_CONFIG, AGENT_RELEASES, checked_host
from reconciler.kanade.view import OptionalView, View, optional_view
from reconciler.model.identity import HostName, Json, Version
from reconciler.model.observed import AgentTarget
from reconciler.ports import Wake

_TARGET = "target_version"
_SCOPE_OF_A_HOST = "pcs."
_PLATFORMS = ("-linux-x86_64", "-linux-aarch64", "-macos-aarch64")

log = structlog.get_logger()


class NatsAgents:
    """Implements `ports.Agents`."""

    def __init__(self, connection: Connection, changed: Wake = lambda: None) -> None:
        stream, metadata = stream_of(AGENT_RELEASES), metadata_filter(AGENT_RELEASES)
        releases = View(Mirror(connection, stream, metadata, changed), _version)
        self._scopes = optional_view(connection, AGENT_CONFIG, _target, changed)
        self._releases = OptionalView(connection, stream, releases)

    async def start(self) -> None:
        """Read both, and follow them; raises what `Mirror.start` raises."""
        await self.refresh()

    async def stop(self) -> None:
        """Stop following."""
        await asyncio.gather(self._scopes.stop(), self._releases.stop())

    async def refresh(self) -> None:
        """See `ports.Agents`."""
        await asyncio.gather(self._scopes.refresh(), self._releases.refresh())

    async def resync(self) -> None:
        """Read both again; raises what `refresh` raises."""
        await asyncio.gather(self._scopes.resync(), self._releases.resync())

    def releases(self) -> frozenset[Version]:
        """See `ports.Agents`; a release for any platform counts, as for kanade itself."""
        return frozenset(self._releases.read().values())

    def targets(self) -> Mapping[HostName, AgentTarget]:
        """See `ports.Agents`."""
        return {
            HostName(key.removeprefix(_SCOPE_OF_A_HOST)): target
            for key, target in self._scopes.read().items()
            if key.startswith(_SCOPE_OF_A_HOST)
        }


class NatsAgentRollout:
    """Implements `ports.AgentRollout` where there is no backend, or where it is down."""

    def __init__(self, connection: Connection, audit: Audit) -> None:
        self._bucket = Bucket(connection, AGENT_CONFIG)
        self._audit = audit

    async def roll_out(self, host: HostName, version: Version) -> None:
        """See `ports.AgentRollout`; what else is set for the host stays as it is.

        Raises:
            Conflict: somebody has changed it since it was read; nothing was written.
        """
        key = _SCOPE_OF_A_HOST + checked_host(host)
        found = await self._bucket.get(key)
        scope = _scope(found) if found is not None else {}
        value = msgspec.json.encode({**scope, _TARGET: version})
        await self._bucket.put(key, value, expected=found.sequence if found is not None else 0)
        details = {"version": version, "scope_label": f"pc:{host}"}
        await self._audit.record("agent_rollout", key, details)


class HttpAgentRollout:
    """Implements `ports.AgentRollout` through the backend."""

    def __init__(self, writer: BackendWriter) -> None:
        self._writer = writer

    async def roll_out(self, host: HostName, version: Version) -> None:
        """See `ports.AgentRollout`."""
        body = {"version": version, "scope": {"type": "pc", "value": checked_host(host)}}
        await self._writer.write(
            Ask(
                method="POST",
                path="/api/agents/rollout",
                body=msgspec.json.encode(body),
                content_type="application/json",
            )
        )


def _target(message: Message) -> AgentTarget | None:
    version = _scope(message).get(_TARGET)
    return AgentTarget(version=Version(str(version)), at=message.timestamp) if version else None


def _scope(message: Message) -> Mapping[str, Json]:
    try:
        return decode_object(message.data, message.subject)
    except Unreadable as error:
        log.warning("agent config unreadable", subject=message.subject, error=str(error))
        return {}


def _version(message: Message) -> Version | None:
    """Return the version of a release, without its platform."""
    info = live_info(message)
    if info is None:
        return None
    suffix = next((one for one in _PLATFORMS if info.name.endswith(one)), "")
    return Version(info.name.removesuffix(suffix))
