"""`apply --wait` on hosts whose agents are really there: from nothing to the proof."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from reconciler.errors import HostOffline, KanadeUnavailable
from reconciler.lab import names
from reconciler.lab.agent.settings import AgentSettings, HostSettings
from reconciler.lab.agent_part import AgentPart
from reconciler.lab.host import base_environment
from tests.cli.conftest import Office
from tests.cli.test_printed import file_of, printed
from tests.support import small_fleet
from tests.support.golden import assert_same
from tests.support.streams import connected

pytestmark = pytest.mark.slow

HOSTS = ("pc-01", "pc-02")
DEPLOY = """\
#!/bin/sh
VERSION=''
SHA256=''
TOKEN=''
set -eu
main() {
    echo "tool $VERSION sha256=$SHA256 running" >"$HOST_FOLDER/tool"
    echo "tool $VERSION"
}
main
"""
PROBE = """\
id: probe-tool
version: "1"
execute:
  shell: sh
  script: cat "$HOST_FOLDER/tool" 2>/dev/null || echo tool absent
  timeout: 30s
  run_as: system
"""


def ask_for_it(office: Office, probe: str = PROBE) -> None:
    """Commit a tool whose script leaves behind what its probe looks at."""
    files = small_fleet.files("1.0.0", HOSTS)
    release = str(files["releases/tool.yaml"]).replace("TOKEN:", 'SHA256: "{sha256}", TOKEN:')
    changed = {
        "releases/tool.yaml": release,
        "scripts/deploy.sh": DEPLOY,
        "jobs/probe-tool.yaml": probe,
    }
    office.repository.commit({**files, **changed}, message="Ask for tool 1.0.0")


@asynccontextmanager
async def agents(office: Office) -> AsyncIterator[None]:
    """Run the embedded agents of the hosts; whoever enters finds them there."""

    async def answers(host: str) -> bool:
        with suppress(HostOffline, KanadeUnavailable):
            await connection.request(names.ping(host), what=host)
            return True
        return False

    settings = AgentSettings(
        nats_urls=[office.nats_url],
        hosts=[
            HostSettings(
                name=host,
                folder=str(office.folder / host),
                environment={"HOST_FOLDER": str(office.folder / host)},
            )
            for host in HOSTS
        ],
    )
    async with (
        connected(office.nats_url) as connection,
        AgentPart("agents", office.folder, settings, base_environment({}), answers),
    ):
        yield


@pytest.mark.parametrize("columns", [80, 120])
async def test_what_is_said_once_every_host_is_proved(kanade: Office, columns: int) -> None:
    ask_for_it(kanade)

    async with agents(kanade):
        text = await asyncio.to_thread(printed, kanade, "apply --wait", columns)

    assert_same(text, file_of("apply --wait", f"-{columns}"))


async def test_it_is_waited_for_no_longer_than_is_said(kanade: Office) -> None:
    """The probe of a host never ends, though its agent answers."""
    gate = kanade.folder / "gate"
    endless = f"while [ ! -e {gate} ]; do sleep 0.1; done; cat "
    ask_for_it(kanade, PROBE.replace("cat ", endless).replace("30s", "15m"))

    async with agents(kanade):
        done = await asyncio.to_thread(kanade.call, "apply", "--wait", "--timeout", "3s")
        gate.touch()

    assert done.code == 6
    assert "still under way; reconciler run goes on with it" in done.err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("apply --timeout 3s", "--timeout needs --wait."),
        ("apply --wait --timeout soon", "expected a duration like 90s, 5m, 1h30m or 7d"),
    ],
)
def test_a_timeout_that_means_nothing_is_refused(office: Office, words: str, fault: str) -> None:
    done = office.call(*words.split())

    assert done.code == 2
    assert fault in done.err
