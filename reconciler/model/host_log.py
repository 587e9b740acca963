"""What the agent of a host had written down when a run there had failed."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.identity import Fingerprint, HostName, ReleaseName, ResultId, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLog:
    """The end of an agent's log, as evidence of one failure; it is asked for once, and kept."""

    release: ReleaseName
    host: HostName
    result_id: ResultId
    """The failure that it belongs to."""
    version: Version
    fingerprint: Fingerprint
    asked_at: datetime
    lines: tuple[str, ...] = ()
    missing: str = ""
    """Why there is nothing to see; empty where there is."""
