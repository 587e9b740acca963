"""`plan` and `diff` for whoever looks on, and with all that is known of each thing."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import Popen
from threading import Thread

import pytest

from reconciler.cli.clock import SystemClock
from reconciler.cli.own_state import open_own_state
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, PackageName
from reconciler.model.proof import Proof
from tests.cli.conftest import Office
from tests.cli.test_printed import file_of, printed
from tests.support import builders, small_fleet
from tests.support.golden import assert_same
from tests.support.streams import connected


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", ["plan -o wide", "diff -o wide"])
def test_with_whole_revisions_reasons_and_ids(kanade: Office, words: str, columns: int) -> None:
    assert_same(printed(kanade, words, columns), file_of(words, f"-{columns}"))


def lines_of(process: Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None
    return (line.decode().rstrip() for line in iter(process.stdout.readline, b""))


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("plan", "  + publish package tool/1.0.0", "  + publish package tool/1.1.0"),
        ("plan -o wide", "  + publish package tool/1.0.0", "  + publish package tool/1.1.0"),
        ("diff", "package tool/1.0.0 is not", "package tool/1.1.0 is not"),
        ("plan -o json", "JobMissing", "1.1.0"),
    ],
)
def test_what_a_new_commit_makes_of_it_is_watched(
    kanade: Office, words: str, old: str, new: str
) -> None:
    with kanade.started(*words.split(), "--watch", COLUMNS="120") as process:
        seen = lines_of(process)
        assert any(old in line for line in seen)

        kanade.repository.commit(small_fleet.files("1.1.0"), message="Ask for tool 1.1.0")

        assert any(new in line for line in seen)


def test_watched_yaml_is_a_document_each(kanade: Office) -> None:
    with kanade.started("diff", "-w", "-o", "yaml") as process:
        assert next(lines_of(process)) == "---"


class Unwell(BaseHTTPRequestHandler):
    """A service that runs, and is not well."""

    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def unwell() -> Iterator[str]:
    """The address of a service that says it is not well."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unwell)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/health"
    server.shutdown()
    thread.join()
    server.server_close()


def prove(office: Office, version: str) -> None:
    """Let it be known that the first host runs *version*."""

    async def as_leader() -> None:
        async with (
            connected(office.nats_url) as connection,
            open_own_state(connection, "desk", SystemClock(), lambda: None, create=True) as own,
        ):
            assert await own.lease.attempt()
            digest = Digest.of(small_fleet.binary_of(version))
            evidence = builders.evidence(version, sha=digest)
            tool, host = PackageName("tool"), HostName("pc-01")
            await own.ledger.prove(Proof(package=tool, host=host, by_probe=evidence))
            await own.lease.release()

    asyncio.run(as_leader())


def test_a_plan_asks_services_how_they_are(kanade: Office, unwell: str) -> None:
    files = small_fleet.files("1.0.0")
    release = str(files["releases/tool.yaml"])
    check = f"every: 24h}}, http: {{url: '{unwell}', failures: 1}}"
    changed = {"releases/tool.yaml": release.replace("every: 24h}", check)}
    kanade.repository.commit({**files, **changed})
    prove(kanade, "1.0.0")

    done = kanade.call("plan", "-o", "json")

    first, *_ = json.loads(done.out)["plan"]["hosts"]["tool"]
    assert (first["host"], first["state"]) == ("pc-01", "converged")
    assert "503" in first["unhealthy"]


@pytest.mark.parametrize("kind", ["wide", "json"])
def test_a_plan_says_by_its_exit_code_whether_anything_differs(kanade: Office, kind: str) -> None:
    done = kanade.call("plan", "-o", kind)

    assert done.code == 1
    if kind == "json":
        assert {"plan", "forecast"} == set(json.loads(done.out))
