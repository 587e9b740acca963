"""What a way back by the gateway takes, on the lab and on the real kanade alike."""

from pathlib import Path

from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.desired.edit import set_values
from reconciler.model.plan import State
from reconciler.model.status import Status

GATEWAY_KEY = "0123456789abcdef" * 4
NOTHING_TO_PUT_BACK = (
    'if [ "$1" = swapped ]; then '
    'rm -f "$KANADE_BACKEND_HOME/bin/kanade-backend.previous" '
    '"$KANADE_BACKEND_HOME/bin/kanade-backend.last-good"; fi'
)
"""A deploy hook: a host that has lost every copy of its old program has to download it."""


def gateway_settings(port: int) -> str:
    """Return what opens the gateway, to be put at the end of a controller's settings."""
    return (
        f'\n[serve]\nlisten = "127.0.0.1:{port}"\n'
        '[serve.gateway]\nkey = {secret = "gateway"}\n'
        f'[secrets.gateway]\nenv = "TEST_GATEWAY_KEY"\n'
    )


def download_from_gateway(repository: Repository, port: int, on_failure: str) -> None:
    """Have the deploy script download from the controller; the next commit says so."""
    knobs = ("script", "knobs")
    _edit(
        repository,
        {
            (*knobs, "AGENT_SOURCE_URL"): f"http://127.0.0.1:{port}",
            (*knobs, "AGENT_SOURCE_AUTH_TOKEN"): {"gateway": "token"},
            ("rollout", "on_failure"): on_failure,
        },
    )


def go_back(repository: Repository, version: str, binary: bytes) -> None:
    """Ask for the version before, by a commit."""
    file = _release_of(repository)
    file.write_text(file.read_text().replace("\nversion:", "\nallow_downgrade: true\nversion:"))
    repository.bump(version, binary, f"Go back to {version}")


def has_failed(status: Status) -> bool:
    """The new version has failed, on every host."""
    return {host.state for host in status.hosts.values()} == {State.FAILED}


def is_back(status: Status, version: str) -> bool:
    """The controller has gone back to *version* by itself: the commit's own is in quarantine."""
    told = {(host.state, host.running, host.wanted) for host in status.hosts.values()}
    reasons = {
        condition.reason for found in status.releases.values() for condition in found.conditions
    }
    return told == {(State.CONVERGED, version, version)} and "Quarantined" in reasons


def _edit(repository: Repository, changes: dict[tuple[str, ...], str | dict[str, str]]) -> None:
    file = _release_of(repository)
    file.write_text(set_values(file.read_text(), changes))


def _release_of(repository: Repository) -> Path:
    return repository.state / "releases" / f"{RELEASE}.yaml"
