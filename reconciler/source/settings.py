"""How git may be used: what the operator decides about a repository."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSettings:
    """What to follow, how to be let in, and how long to wait."""

    repository: str
    ref: str = ""
    """A branch, `refs/tags/<tag>`, or empty for the branch that HEAD names."""
    folder: str = ""
    """The desired state's folder in the repository; empty for its top."""
    state_folder: Path
    """Ours alone: the clone and the applied revision are kept here."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where `PATH`, `HOME` and `SSH_AUTH_SOCK` are taken from; nothing else is passed on."""
    token: Callable[[], str] | None = None
    """The password for https, asked for at each use, so that it may be rotated."""
    username: str = "git"
    """Who the token belongs to; most forges ignore it."""
    ssh_key: Path | None = None
    ssh_known_hosts: Path | None = None
    allow_loopback_http: bool = False
    accept_rewrite: bool = False
    """Follow the branch even where it no longer descends from the applied commit."""
    poll_deadline: timedelta = timedelta(seconds=20)
    fetch_deadline: timedelta = timedelta(minutes=5)
    stalled_after: timedelta = timedelta(seconds=15)
    """A transfer that has moved next to nothing for this long is given up."""
    max_file_bytes: int = 4 * 1024**3
    """No pack of the clone may become larger."""
