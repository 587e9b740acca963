"""The hosts that the backend has heard of; kept in a file, as the real one keeps a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.lab import wire

ALIVE_FOR = timedelta(minutes=2)
_REPORTED = (
    "agent_cpu_pct",
    "agent_rss_bytes",
    "agent_disk_read_bytes",
    "agent_disk_written_bytes",
)
_KEPT = ("command_keys", "enforcing", "command_protocols", "deploy_capabilities", "agent_arch")


class Hosts:
    """One row a host, made from its last heartbeat."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hosts.json"
        text = self._path.read_text() if self._path.exists() else "{}"
        self._rows: dict[str, wire.Document] = {
            name: row for name, row in wire.document(text).items() if isinstance(row, dict)
        }
        self._changed = False

    def heard(self, heartbeat: Mapping[str, wire.Json]) -> None:
        """Take in a heartbeat."""
        name = str(heartbeat["pc_id"])
        before = self._rows.get(name, {})
        now = datetime.now(UTC)
        row: wire.Document = {
            "pc_id": name,
            "hostname": before.get("hostname") or heartbeat.get("hostname") or "",
            "os_family": before.get("os_family") or heartbeat.get("os_family") or "",
            "agent_version": heartbeat["agent_version"],
            "last_heartbeat": heartbeat["at"],
            "updated_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        row |= {key: heartbeat.get(key) for key in _REPORTED}
        if quarantined := heartbeat.get("quarantined_versions"):
            row["quarantined_versions"] = quarantined
        row |= {"last_logon_user": None, "last_logon_display_name": None}
        for key in _KEPT:
            value = heartbeat.get(key, before.get(key))
            if value is not None:
                row[key] = value
        if "deploy_capabilities" in heartbeat:
            row["deploy_capabilities_received_at"] = int(now.timestamp())
        self._rows[name] = row
        self._changed = True

    def rows(self) -> list[wire.Document]:
        """Return all rows, the last heard first."""
        return sorted(self._rows.values(), key=lambda row: str(row["updated_at"]), reverse=True)

    def row(self, name: str) -> wire.Document | None:
        """Return one host's row."""
        return self._rows.get(name)

    def alive(self) -> list[str]:
        """Return the hosts that were heard of lately."""
        since = datetime.now(UTC) - ALIVE_FOR
        return [
            name
            for name, row in sorted(self._rows.items())
            if wire.instant(str(row["last_heartbeat"])) >= since
        ]

    def save(self) -> None:
        """Write down what has changed."""
        if self._changed:
            self._changed = False
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(wire.encode(dict(self._rows)))
