"""What many tests share: a real nats-server, and an account of it for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.nats import ACCOUNTS, NatsProcess, accounts_config, running

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    """One server for all tests of a worker; whoever breaks it breaks them all."""
    with running(tmp_path_factory.mktemp("nats"), accounts_config()) as server:
        yield server


@pytest.fixture(scope="session")
def nats_url(nats_server: NatsProcess) -> str:
    """The server's shared account: names of buckets and subjects are everybody's."""
    return nats_server.url


_numbers = itertools.count()


@pytest.fixture
def nats_account(nats_server: NatsProcess) -> str:
    """The URL of an account that is this test's alone, empty at first."""
    number = next(_numbers)
    assert number < ACCOUNTS, "more tests than accounts: raise ACCOUNTS"
    return nats_server.url.replace("nats://", f"nats://t{number}:test@")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[NatsProcess]:
    """A server that the test may kill, freeze and restart."""
    with running(tmp_path / "nats") as server:
        yield server
