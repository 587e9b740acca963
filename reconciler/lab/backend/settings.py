"""The settings of the backend, as a JSON file."""

from pathlib import Path

import msgspec


class BackendSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the backend listens, whom it talks to and how patient it is."""

    nats_urls: list[str]
    port: int
    token: str
    """The static bearer token; it may do everything."""
    folder: str
    """Where it remembers the hosts that it has seen."""
    nats_token: str | None = None
    version: str = "0.101.0"
    reap_slack_seconds: float = 120
    """How long after its timeout a run without a result is given up."""
    reap_every_seconds: float = 300
    replicas: int = 1


def read_settings(path: Path) -> BackendSettings:
    """Return the settings in *path*."""
    return msgspec.json.decode(path.read_bytes(), type=BackendSettings)
