"""What many tests share: a real nats-server, and an account of it for each test."""

import gc
import itertools
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reconciler.jetstream import chunks, connection, sending, tail, upload
from reconciler.kanade import http
from tests.support.nats import ACCOUNTS, NatsProcess, running, shared
from tests.support.reliability import report

# Whether examples are made quickly says something of the machine, and nothing of us.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _UNHURRIED, max_examples=40)
settings.register_profile("thorough", _UNHURRIED, max_examples=2000)
settings.load_profile("quick")

# All that has been imported stays: looking through it for garbage again and again finds none.
_SELDOM = 20_000

_A_MINUTE = timedelta(minutes=1)


def pytest_configure() -> None:
    """Take Ctrl+C, as what is started here should: a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def patience() -> Iterator[None]:
    """What a busy machine keeps waiting is not silent; whoever tests silence sets its limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_PATIENCE", _A_MINUTE)
        patch.setattr(sending, "_STORED_WITHIN", _A_MINUTE)
        patch.setattr(upload, "_CLEAR_WITHIN_SECONDS", 60)
        patch.setattr(chunks, "_CHUNK_WITHIN_SECONDS", 60)
        patch.setattr(tail, "_SILENT_SECONDS", 60)
        patch.setattr(http, "_CONNECT_SECONDS", 60)
        patch.setattr(http, "_STATE_WITHIN", _A_MINUTE)
        yield


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    """One server for all tests of a worker; whoever breaks it breaks them all."""
    with shared(tmp_path_factory.mktemp("nats")) as server:
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


def pytest_collection_finish() -> None:
    """Look for garbage among what the tests make, and more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_SELDOM, 10, 10)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many seeds were played, in all workers together."""
    ended = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    told = [value for one in ended for name, value in one.user_properties if name == "seeds"]
    if told:
        report(seeds=sum(told))
