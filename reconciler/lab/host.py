"""A host of the lab: a folder, a service of its own, and its scripts' environment."""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.lab import wire
from reconciler.lab.agent.beats import QUARANTINE_FILE
from reconciler.lab.ports import LOOPBACK

_MODE = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


@dataclass(frozen=True, kw_only=True)
class LabHost:
    """One host; its name is the `pc_id` and also the name of its supervised program."""

    name: str
    home: Path
    port: int

    @property
    def url(self) -> str:
        """Where its service answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def binary(self) -> Path:
        """The installed service."""
        return self.home / "bin" / "kanade-backend"

    @property
    def agent_folder(self) -> Path:
        """Where its agent keeps ledger, outbox and log."""
        return self.home / "agent"

    def install(self, service: bytes) -> None:
        """Put *service* in place, as the first installation of a host is done by hand."""
        self.binary.parent.mkdir(parents=True, exist_ok=True)
        partial = self.binary.with_name(f".{secrets.token_hex(4)}")
        partial.write_bytes(service)
        partial.chmod(_MODE)
        partial.replace(self.binary)

    def quarantine(self, versions: Sequence[str]) -> None:
        """Let the host's agent say that its boot sentinel has thrown out *versions*."""
        self.agent_folder.mkdir(parents=True, exist_ok=True)
        (self.agent_folder / QUARANTINE_FILE).write_bytes(wire.encode([*versions]))


def base_environment(mark: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, this Python's programs first, and *mark*."""
    beside = str(Path(sys.executable).parent)
    path = f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return dict(os.environ) | {"PATH": path} | dict(mark)


def script_environment(host: LabHost, supervisor_config: Path) -> dict[str, str]:
    """Return the variables of scripts on *host* beside the agent's own environment."""
    return {
        "KANADE_LAB_HOST": host.name,
        "KANADE_BACKEND_HOME": str(host.home),
        "KANADE_BACKEND_PROGRAM": host.name,
        "KANADE_BACKEND_URL": host.url,
        "SUPERVISOR_CONFIG": str(supervisor_config),
    }


def image_sha256(process: int, program: Path) -> str | None:
    """Return the digest of the bytes that *process* runs as *program*, replaced or not.

    A program is its own `/proc/PID/exe`; a script's is its interpreter, but that holds the
    script open. Where there is no `/proc` that cannot be known.
    """
    folder = Path("/proc") / str(process)
    spelled = {f"{program}{gone}" for gone in ("", " (deleted)", ".rollback-bak")}
    with contextlib.suppress(OSError):
        for link in (folder / "exe", *(folder / "fd").iterdir()):
            with contextlib.suppress(OSError):
                if str(link.readlink()) in spelled:
                    return wire.sha256(link.read_bytes())
    return None
