"""A fleet, a repository, and controllers to start, stop and kill: all of it real processes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cli.demo.repository import Repository
from reconciler.cli.roles import Role
from reconciler.cli.settings import load_settings
from reconciler.cli.status_client import open_status_client
from reconciler.errors import ReconcilerError
from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from reconciler.model.plan import State
from reconciler.model.status import Status
from tests.support.controller_part import Controller
from tests.support.nats import eventually
from tests.support.nats_users import PASSWORD, authorization, violations
from tests.support.reliability import report

HOSTS = ("backend-01", "backend-02")
FIRST = "1.0.0"
"""What the hosts run before anybody has committed anything."""
_PATIENCE = timedelta(seconds=240)
"""Many times what a rollout takes here: a busy machine is no failure."""
_OPEN_SECONDS = 8.0
"""How long a client may take to connect: a question may have gone with the server it was for."""
_RECHECK_SECONDS = 2.0
"""How long a client without news is kept: its NATS may have been killed meanwhile."""
_SETTINGS = """\
[source]
url = "{repository}"
folder = "desired-state"
interval = "5s"

[nats]
url = [{nats}]
{credential}

[backend]
url = "{backend}"
token = {{ secret = "token" }}

[controller]
mode = "{mode}"
instance = "{instance}"
state_dir = "{folder}/{instance}"
artifact_roots = ["{folder}"]
dispatch_deadline = "1m"
lab = true

[secrets]
nats = {{ env = "TEST_NATS_SECRET" }}
token = {{ env = "TEST_TOKEN" }}
backend-token = {{ env = "TEST_TOKEN" }}

[log]
format = "json"
"""


_TOKEN = 'token = { secret = "nats" }'


@dataclass(kw_only=True)
class Playground:
    """What a test of faults plays with."""

    lab: Lab
    repository: Repository
    folder: Path
    mode: str
    controllers: list[Controller] = field(default_factory=list)

    def controller(
        self,
        instance: str = "first",
        *,
        nats: Sequence[str] = (),
        backend: str | None = None,
        more: str = "",
        options: Sequence[str] = (),
    ) -> Controller:
        """Return a controller, not started; *nats* and *backend* may lead through a proxy.

        *more* is what else its settings say, *options* what its command line does.
        """
        role = Role.BACKEND_CONTROLLER if self.mode == "backend" else Role.CONTROLLER
        config = self.settings(role, instance, nats, backend)
        with config.open("a") as file:
            file.write(more)
        made = Controller(config, *options)
        self.controllers.append(made)
        return made

    def settings(
        self,
        role: Role,
        instance: str | None = None,
        nats: Sequence[str] = (),
        backend: str | None = None,
    ) -> Path:
        """Return a settings file for somebody who is permitted just what is that *role*'s."""
        login = f'user = "{role}"\npassword = {{ secret = "nats" }}'
        config = self.folder / f"{instance or role}.toml"
        config.write_text(
            _SETTINGS.format(
                repository=self.repository.folder,
                nats=", ".join(f'"{url}"' for url in nats or self.lab.nats_urls),
                credential=_TOKEN
                if self.lab.options.nats_token
                else f'{login}\ninbox_prefix = "{role.inbox_prefix}"',
                backend=backend or self.lab.backend_url,
                mode=self.mode,
                instance=instance or role,
                folder=self.folder,
            )
        )
        return config

    def bump(self, version: str, padding: int = 0) -> None:
        """Commit *version*, by so many bytes larger than it has to be."""
        binary = build_service(version) + b"#" * padding
        self.repository.bump(version, binary, f"Bump to {version}")

    async def status(self) -> Status | None:
        """Return what the leader has told last; `None` where that cannot be read."""
        try:
            async with open_status_client(load_settings(self._viewer(), ())) as client:
                return client.board.read()
        except ReconcilerError:
            return None

    def _viewer(self) -> Path:
        config = self.folder / f"{Role.VIEWER}.toml"
        return config if config.exists() else self.settings(Role.VIEWER)

    async def converged(self, version: str, within: timedelta = _PATIENCE) -> float:
        """Wait until every host is told and seen to run *version*; return the seconds it took."""

        def is_there(status: Status) -> bool:
            told = [(host.state, host.running) for host in status.hosts.values()]
            return told == [(State.CONVERGED, version)] * len(self.lab.hosts)

        seconds = await self.told(is_there, f"all hosts run {version}", within)
        running = [await self.lab.running(host) for host in self.lab.hosts]
        assert [item and item.version for item in running] == [version] * len(running)
        return seconds

    async def told(
        self,
        condition: Callable[[Status], bool],
        what: str,
        within: timedelta = _PATIENCE,
    ) -> float:
        """Wait until the status is as *condition* wants it; return the seconds it took."""
        begun = time.monotonic()
        status: Status | None = None
        while (waited := time.monotonic() - begun) < within.total_seconds():
            try:
                async with (
                    aclosing(self._statuses()) as statuses,
                    asyncio.timeout(_OPEN_SECONDS) as look,
                ):
                    async for status in statuses:
                        if condition(status):
                            return time.monotonic() - begun
                        look.reschedule(asyncio.get_running_loop().time() + _RECHECK_SECONDS)
            except (ReconcilerError, TimeoutError):
                await asyncio.sleep(0.1)
        pytest.fail(f"in vain for {waited:.0f} s: {what}\n{status}\n{self._ends()}")

    async def _statuses(self) -> AsyncGenerator[Status]:
        """Yield what the leader tells, and whatever it tells next, for as long as NATS is there."""
        async with open_status_client(load_settings(self._viewer(), ())) as client:
            async for status in client.statuses():
                yield status

    async def pids(self) -> dict[str, int | None]:
        """Return the process of each host's service: another one means a restart."""
        return {host: await self.lab.supervisor.service_pid(host) for host in self.lab.hosts}

    async def swapped(self, version: str) -> str:
        """Wait until the script has put *version* in place on some host, and return that host."""
        await eventually(lambda: any(name == version for _, name in self.effects))
        return next(host for host, name in self.effects if name == version)

    async def begun(self, version: str) -> None:
        """Wait until a command for *version* was sent to some host."""
        moves = (State.DISPATCHED, State.RUNNING)
        await self.told(
            lambda status: any(
                host.wanted == version and (host.state in moves or host.running == version)
                for host in status.hosts.values()
            ),
            f"{version} is on its way",
        )

    @property
    def effects(self) -> Counter[tuple[str, str]]:
        """How often the deploy script has swapped, by host and version."""
        file = self.folder / "effects"
        lines = file.read_text().splitlines() if file.exists() else []
        return Counter((host, version) for host, version in (line.split() for line in lines))

    def assert_once(self, versions: Iterable[str], last: str) -> None:
        """At most one effect for any wish, and exactly one on each host for the last version."""
        effects = self.effects
        wrong = {key: count for key, count in effects.items() if count != 1}
        wrong |= {key: count for key, count in effects.items() if key[1] not in {*versions, last}}
        hosts = self.lab.hosts
        wrong |= {(host, last): effects[host, last] for host in hosts if effects[host, last] != 1}
        report(max_effects_per_wish=max(effects.values()), max_wrong_effects=len(wrong))
        assert not wrong, effects

    def _ends(self) -> str:
        return "\n".join(
            f"{controller.name}: {line}"
            for controller in self.controllers
            for line in controller.lines()[-15:]
        )


@asynccontextmanager
async def playground(
    folder: Path,
    mode: str = "nats",
    hosts: Sequence[str] = HOSTS,
    options: LabOptions | None = None,
    hook: str = ":",
    *,
    waves: bool = False,
) -> AsyncIterator[Playground]:
    """Give a fleet whose hosts run `FIRST`, and a repository that asks for just that.

    Controllers and people connect as users that are permitted what they need and nothing else;
    at the end NATS must have refused them nothing.

    *hook* is run after each step of a deploy script, too; with *waves* a canary goes first, and
    soaks for a second.
    """
    count = f'if [ "$1" = swapped ]; then echo "$KANADE_LAB_HOST $2" >> "{folder}/effects"; fi'
    options = options or LabOptions(heartbeat_seconds=1, drain_seconds=0.2)
    if options.nats_token is None:
        options = replace(options, nats_authorization=authorization())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KANADE_DEPLOY_HOOK", f"{count}; {hook}")
        patch.setenv("STABLE_SECONDS", "1")
        patch.setenv("POLL_SECONDS", "0.3")
        async with Lab(folder / "fleet", hosts, build_service(FIRST), options) as lab:
            patch.setenv("TEST_TOKEN", lab.token)
            patch.setenv("TEST_NATS_SECRET", options.nats_token or PASSWORD)
            repository = Repository(folder / "repository", folder / "builds")
            repository.create(hosts, lab.backend_url)
            if not waves:
                repository.edit("    - {name: canary, hosts: 1}\n", "")
                repository.edit("soak: 1s", "soak: 0s")
            repository.bump(FIRST, build_service(FIRST), "Begin")
            made = Playground(lab=lab, repository=repository, folder=folder, mode=mode)
            try:
                yield made
            finally:
                for controller in made.controllers:
                    await controller.kill()
            for node in lab.nats_nodes:
                assert violations(node.settings.folder / "nats.log") == []
