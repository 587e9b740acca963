"""The settings of an agent process, as a JSON file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec


class HostSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One host of the process."""

    name: str
    folder: str
    """Where its ledger, outbox and script cache are."""
    environment: dict[str, str] = {}
    """Given to its scripts, beside the agent's own environment."""

    def inside(self, name: str) -> Path:
        """Return the path of *name* in the host's folder."""
        return Path(self.folder) / name


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all hosts of the process share."""

    nats_urls: list[str]
    hosts: Sequence[HostSettings]
    nats_token: str | None = None
    agent_version: str = "0.101.0"
    heartbeat_seconds: float = 30
    drain_seconds: float = 1
    ledger: Literal["durable", "memory"] = "durable"
    """Older agents remember in memory only, so nothing after a restart."""
    silent_skips: bool = False
    """Older agents say nothing at all of a command that policy keeps from running."""
    signed_only: bool = False
    """It refuses what is not signed: all there is here, as nobody in a lab has a key."""
    local_limit: int | None = None
    """How many scripts a host runs at once; the number of processors when not said."""


def read_settings(path: Path, hosts: Sequence[str] | None = None) -> AgentSettings:
    """Return the settings in *path*, for those of its hosts that *hosts* names, or for all."""
    settings = msgspec.json.decode(path.read_bytes(), type=AgentSettings)
    if hosts is None:
        return settings
    chosen = [host for host in settings.hosts if host.name in hosts]
    return msgspec.structs.replace(settings, hosts=chosen)
