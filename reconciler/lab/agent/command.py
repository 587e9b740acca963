"""A command as it comes over the wire."""

from datetime import datetime
from typing import Literal

import msgspec

_TYPED_ONLY = ("payload_version", "operation", "deploy_authorization")


class Staleness(msgspec.Struct, frozen=True, kw_only=True):
    """How old the agent's view of the broker may be."""

    mode: Literal["cached", "strict", "unchecked"] = "cached"
    max_cache_age: str = "0s"


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a failed run is repeated before its result is reported."""

    max: int
    backoff_secs: int


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One script to run; unknown fields are those of a newer backend and do not matter."""

    id: str
    version: str
    request_id: str
    exec_id: str | None = None
    command_kind: Literal["shell"] = "shell"
    bypass_local_limit: bool = False
    shell: Literal["powershell", "cmd", "sh", "pwsh"]
    script: str
    script_object: str | None = None
    script_object_sha256: str | None = None
    timeout_secs: int
    jitter_secs: int | None = None
    run_as: Literal["system", "user", "system_gui"] = "system"
    cwd: str | None = None
    deadline_at: datetime | None = None
    staleness: Staleness = Staleness()
    retry: Retry | None = None


def parse_command(payload: bytes) -> Command | None:
    """Return the command, or `None` when *payload* is none: such a message is dropped."""
    try:
        fields = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
        if any(name in fields for name in _TYPED_ONLY):
            return None
        return msgspec.json.decode(payload, type=Command)
    except msgspec.MsgspecError:
        return None
