"""A supervisord with many hosts' services, for one test each."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.lab.ports import free_port
from tests.scripts.host import Host
from tests.scripts.supervisor import Service, Supervisor, supervised

HOSTS, WATCHED = 50, 5
"""So many tests a module can have, and how many of them with hosts that watch a start."""


@dataclass(frozen=True)
class Hosts:
    """A supervisord and the services of it that no test has used yet."""

    supervisor: Supervisor
    services: list[Service]

    def take(self, start_seconds: int) -> Host:
        """Return a fresh host whose service counts as started after *start_seconds*."""
        fresh = [each for each in self.services if each.start_seconds == start_seconds]
        assert fresh, "more tests than hosts: raise HOSTS"
        service = fresh[0]
        self.services.remove(service)
        home = service.program.parents[1]
        return Host(service=service, supervisor=self.supervisor, swaps_file=home / "swaps")


@contextlib.contextmanager
def many_hosts() -> Iterator[Hosts]:
    """Run a supervisord; its folder's path is short for the sake of the socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="kanade-"))
    services = [_service(folder, number) for number in range(HOSTS)]
    with supervised(folder, services) as supervisor:
        yield Hosts(supervisor, services)
    shutil.rmtree(folder)


def _service(folder: Path, number: int) -> Service:
    # Every path has a space in it, so that no script gets by without its quotes.
    home = folder / f"host number {number}"
    (home / "bin").mkdir(parents=True)
    return Service(
        name=f"kanade-backend-{number}",
        program=home / "bin" / "kanade-backend",
        port=free_port(),
        state=home / "data",
        start_seconds=1 if number < WATCHED else 0,
        one_log=number < WATCHED,
    )
