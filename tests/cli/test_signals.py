"""Commands that are interrupted, and a controller that is told to end."""

import asyncio
import hashlib
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Office
from tests.cli.published import publish
from tests.support import small_fleet
from tests.support.kanade_streams import make_kanade
from tests.support.nats import NatsProcess
from tests.support.processes import SECONDS, wait_for
from tests.support.proxy import proxy_to
from tests.support.streams import connected, subjects

pytestmark = pytest.mark.slow


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server


@pytest.mark.parametrize("words", ["plan", "apply", "check", "run", "get hosts"])
def test_an_interrupt_while_it_waits_for_a_server(
    kanade: Office, silent: socket.socket, words: str
) -> None:
    address = f"nats.url=nats://127.0.0.1:{silent.getsockname()[1]}"
    with kanade.started("--set", address, *words.split()) as process:
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)

        _, err = process.communicate(timeout=SECONDS)
        connection.close()

    assert (process.returncode, err.strip()) == (130, b"interrupted")


def test_an_interrupt_at_a_prompt(kanade: Office) -> None:
    publish(kanade)
    terminal = kanade.terminal("approve tool")
    terminal.read_until(b"approve? [y/N]: ")
    terminal.wait_until_it_waits()
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.end() == 130
    assert terminal.seen.endswith(b"interrupted\r\n")
    assert b"Traceback" not in terminal.seen
    assert '"approvals"' not in kanade.call("get", "releases", "-o", "json").out


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["TERM", "INT"]
)
def test_a_controller_ends_in_order(kanade: Office, number: signal.Signals, code: int) -> None:
    with kanade.started("run") as process:
        wait_for(process, "leading")
        began = time.monotonic()
        process.send_signal(number)

        _, err = process.communicate(timeout=SECONDS)

    assert process.returncode == code
    assert time.monotonic() - began < SECONDS
    assert b"Traceback" not in err
    with kanade.started("run") as successor:
        wait_for(successor, "leading")


def test_a_controller_ends_in_time_when_nats_is_silent(
    apart: Office, own_server: NatsProcess
) -> None:
    with apart.started("run") as process:
        wait_for(process, "leading")
        own_server.suspend()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)

        _, err = process.communicate(timeout=2 * SECONDS)

    assert process.returncode == 130
    assert time.monotonic() - began < SECONDS
    assert b"Traceback" not in err


def test_a_controller_ends_in_time_when_git_is_silent(
    kanade: Office, silent: socket.socket
) -> None:
    address = f"source.url=http://127.0.0.1:{silent.getsockname()[1]}/fleet.git"
    loopback = "controller.allow_http_loopback=true"
    with kanade.started("--set", address, "--set", loopback, "run") as process:
        connection, _ = silent.accept()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        _, err = process.communicate(timeout=2 * SECONDS)
        connection.close()

    assert process.returncode == 0
    assert time.monotonic() - began < SECONDS
    assert b"Traceback" not in err


def test_two_controllers_of_one_state_folder(kanade: Office) -> None:
    with kanade.started("run") as process:
        wait_for(process, "leading")

        done = kanade.call("run")

    state = kanade.folder / "state"
    expected = f"error: {state}: another controller uses it; set controller.state_dir\n"
    assert (2, expected) == (done.code, done.err)


async def test_an_interrupt_in_an_upload_leaves_nothing_behind(
    office: Office, nats_account: str
) -> None:
    async with connected(nats_account) as connection:
        await make_kanade(connection)
    account = urlsplit(nats_account)
    assert account.port is not None
    binary = office.folder / "tool"
    binary.touch()
    os.truncate(binary, 24 * 1024 * 1024)
    files = small_fleet.files("1.0.0")
    with binary.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    wanted = re.sub(
        "artifact: .*",
        f'artifact: {{file: tool, sha256: "{sha256}"}}',
        str(files["releases/tool.yaml"]),
    )
    office.repository.commit({**files, "releases/tool.yaml": wanted})
    async with proxy_to(account.port) as proxy:
        half_way = proxy.after(12 * 1024 * 1024, proxy.stall)
        roots = f"controller.artifact_roots={office.folder},"
        address = f"nats.url=nats://127.0.0.1:{proxy.port}"
        with office.started("--set", roots, "--set", address, "apply") as process:
            async with asyncio.timeout(SECONDS):
                await half_way.wait()
            process.send_signal(signal.SIGINT)
            proxy.heal()

            _, err = await asyncio.to_thread(process.communicate, timeout=SECONDS)

    assert (process.returncode, err.strip()) == (130, b"interrupted")
    assert await stored(nats_account) == {}


async def stored(url: str) -> dict[str, int]:
    async with connected(url) as connection:
        return await subjects(connection, "OBJ_app_packages")
