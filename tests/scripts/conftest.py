"""Hosts for the deploy scripts: one supervisord a module, one of its services a test."""

from collections.abc import Iterator

import pytest

from tests.scripts.host import Host
from tests.scripts.hosts import Hosts, many_hosts
from tests.scripts.package_server import PackageServer, serving


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """The hosts of a module."""
    with many_hosts() as fresh:
        yield fresh


@pytest.fixture
def host(hosts: Hosts) -> Iterator[Host]:
    """A host whose service counts as started at once."""
    fresh = hosts.take(start_seconds=0)
    yield fresh
    fresh.supervisor.stop(fresh.service)


@pytest.fixture
def watched_host(hosts: Hosts) -> Iterator[Host]:
    """A host whose service manager watches a start for a second, as is its default."""
    fresh = hosts.take(start_seconds=1)
    yield fresh
    fresh.supervisor.stop(fresh.service)


@pytest.fixture
def packages() -> Iterator[PackageServer]:
    """A backend to fetch packages from."""
    with serving() as server:
        yield server
