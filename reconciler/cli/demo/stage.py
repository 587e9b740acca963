"""The demo's stage: the embedded fleet, a repository, and the controller as its own process."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.demo.claims import DemoFailed
from reconciler.cli.demo.process import client_of, controller_process
from reconciler.cli.demo.repository import Repository
from reconciler.cli.demo.traffic import Traffic, listen
from reconciler.cli.status_client import StatusClient
from reconciler.jetstream import api
from reconciler.jetstream.object_info import metadata_subject, stream_of
from reconciler.kanade.names import APP_PACKAGES
from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from reconciler.model.plan import State
from reconciler.model.status import HostStatus, ReleaseStatus, Status

HOSTS = ("backend-01", "backend-02", "backend-03")
FIRST = "0.42.0"
_LOOK_SECONDS = 0.02
_HURRY = {"STABLE_SECONDS": "1", "POLL_SECONDS": "0.2"}
"""Variables of the deploy scripts, so that a host is not watched for as long as a real one."""

_SETTINGS = """\
[source]
url = "{repository}"
folder = "desired-state"
interval = "60s"

[nats]
url = "{nats}"

[backend]
url = "{backend}"
token = {{ secret = "controller-token" }}

[controller]
instance = "demo"
state_dir = "{state}"
artifact_roots = ["{builds}"]
lab = true

[secrets]
controller-token = {{ env = "DEMO_TOKEN" }}
backend-token = {{ env = "DEMO_TOKEN" }}

[log]
format = "json"
"""


def as_it_is(_: Repository) -> None:
    """Change nothing of the demo's repository."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a scenario begins with."""

    hosts: tuple[str, ...] = HOSTS
    hosts_per_agent: int = 1
    away: str | None = None
    """A host whose agent is switched off when the controller comes."""
    prepare: Callable[[Repository], None] = as_it_is
    """Changes the repository before its first commit."""
    settings: str = ""
    """Settings of the controller beside the usual ones."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that a scene plays with."""

    lab: Lab
    repository: Repository
    client: StatusClient
    traffic: Traffic
    config: Path
    log: Path
    controller: asyncio.subprocess.Process

    @property
    def status(self) -> Status:
        """The status that the leader has last published."""
        return self.client.board.read()

    def release(self) -> ReleaseStatus | None:
        """Return the status of the one release there is."""
        return next(iter(self.status.releases.values()), None)

    def host(self, name: str) -> HostStatus | None:
        """Return the status of a host."""
        return next((item for item in self.status.hosts.values() if item.host == name), None)

    def is_proved(self, host: str, version: str) -> bool:
        """Return whether *host* is proved to run *version*, and is wanted to."""
        item = self.host(host)
        return item is not None and (item.state, item.running, item.wanted) == (
            State.CONVERGED, version, version,
        )  # fmt: skip

    def all_proved(self, version: str) -> bool:
        """Return whether every host is; git may say another version."""
        return all(self.is_proved(host, version) for host in self.lab.hosts)

    def is_wanted(self, version: str) -> bool:
        """Return whether the controller has read the commit that asks for *version*."""
        release = self.release()
        return release is not None and release.version == version

    def says(self, version: str, reason: str) -> bool:
        """Return whether the release, *version* wanted, gives *reason* for how it stands."""
        release = self.release()
        return (
            release is not None
            and release.version == version
            and reason in {item.reason for item in release.conditions}
        )

    def can_go_back_to(self, version: str) -> bool:
        """Return whether the controller has kept *version* as one that was good here."""
        return any(record.version == version for record in self.client.records.read().values())

    def why_held(self, version: str, reason: str) -> str:
        """Return the sentence that goes with *reason*; nothing where it does not hold *version*."""
        release = self.release()
        held = release.held if release is not None and release.version == version else ()
        return next((item.message for item in held if item.reason == reason), "")

    def waits_for(self) -> str:
        """Return what the release is held by, in one sentence."""
        release = self.release()
        return release.waits_for if release is not None else ""

    async def until(self, what: str, true: Callable[[], bool], seconds: float = 120.0) -> float:
        """Wait until it is so, and return when that was, by the monotonic clock.

        Raises:
            DemoFailed: it was not so in time; the end of the controller's log is in the error.
        """
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline or self.controller.returncode is not None:
                raise DemoFailed(f"waited in vain until {what}\n{self._why()}")
            await asyncio.sleep(_LOOK_SECONDS)
        return time.monotonic()

    async def is_published(self, package: str, version: str) -> bool:
        """Return whether kanade's store holds a version of a package."""
        subject = metadata_subject(APP_PACKAGES, f"{package}/{version}")
        stream = stream_of(APP_PACKAGES)
        return await api.last_message(self.client.connection, stream, subject) is not None

    async def restart_service(self, host: str) -> None:
        """Restart a host's service as a person on that host would."""
        process = await asyncio.create_subprocess_exec(
            "supervisorctl", "-c", str(self.lab.supervisor.config), "restart", host,
            env=self.lab.environment(host),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.wait()

    def steps_done(self) -> list[str]:
        """Return the steps that the controller's log says are done, in their order."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [item["step"] for item in entries if item.get("event") == "step done"]

    def _why(self) -> str:
        release = self.release()
        reported = (
            [f"{item.type}={item.status} {item.message}" for item in release.conditions]
            if (release)
            else ["no status yet"]
        )
        tail = self.log.read_text("utf-8", "replace").splitlines()[-5:]
        return "\n".join([*reported, *tail])


@asynccontextmanager
async def set_stage(folder: Path, setting: Setting | None = None) -> AsyncIterator[Stage]:
    """Start the fleet and the controller; all of it is gone afterwards.

    Raises:
        DemoFailed: a part did not come up.
    """
    setting = setting or Setting()
    options = LabOptions(
        heartbeat_seconds=2, drain_seconds=0.2, hosts_per_agent=setting.hosts_per_agent
    )
    os.environ.update(_HURRY)
    async with Lab(folder / "fleet", setting.hosts, build_service(FIRST), options) as lab:
        if setting.away is not None:
            await lab.agents[setting.away].stop()
        repository = Repository(folder / "repository", folder / "builds")
        repository.create(setting.hosts, lab.backend_url)
        setting.prepare(repository)
        config = folder / "reconciler.toml"
        text = _SETTINGS.format(
            repository=repository.folder,
            nats=lab.nats_url,
            backend=lab.backend_url,
            state=folder / "state",
            builds=folder,
        )
        config.write_text(text + setting.settings, "utf-8")
        repository.bump(FIRST, build_service(FIRST), f"Run kanade-backend {FIRST}")
        os.environ["DEMO_TOKEN"] = lab.token
        log = folder / "controller.log"
        async with controller_process(config, log) as process, client_of(config, process) as client:
            yield Stage(
                lab=lab,
                repository=repository,
                client=client,
                traffic=await listen(client.connection),
                config=config,
                log=log,
                controller=process,
            )
