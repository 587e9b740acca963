from dataclasses import replace

import pytest

from reconciler.errors import KanadeRefused, KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.kanade.http import BackendClient, BackendOptions
from reconciler.kanade.http_jobs import HttpJobs, HttpRunner
from reconciler.kanade.http_write import BackendWriter
from reconciler.kanade.jobs import NatsCatalogue
from reconciler.model.action import UpsertJob
from reconciler.model.identity import HostName, Version
from tests.support.backend import ScriptedBackend, answers, scripted
from tests.support.builders import NOON, attempt, job, release
from tests.support.clock import FakeClock
from tests.support.lease import LeaseOfOne

JSON = "application/json"
SPEC = job("install-tool")
ACTION = UpsertJob(job=SPEC, manifest={**SPEC.manifest, "version": "2"}, version=Version("2"))
TAKEN = '{"id":"install-tool","version":"2","description":null,"inventory":false}'


def client(backend: ScriptedBackend) -> BackendClient:
    return BackendClient(BackendOptions(url=backend.url, token=lambda: "t"), FakeClock())


async def test_a_backend_that_only_tried_to_move_the_pin_is_not_believed(
    kanade: Connection,
) -> None:
    catalogue = NatsCatalogue(kanade)
    await catalogue.start()
    async with scripted(answers(200, TAKEN, JSON)) as backend, client(backend) as asking:
        with pytest.raises(KanadeUnavailable, match="agents would skip the command"):
            await HttpJobs(BackendWriter(asking, LeaseOfOne()), catalogue).upsert(
                ACTION, "id: install-tool\n"
            )

        assert backend.asked[0].headers["content-type"] == "application/yaml"
        assert backend.asked[0].body == b"id: install-tool\n"
    await catalogue.stop()


async def test_a_backend_that_took_something_else_is_not_believed(kanade: Connection) -> None:
    other = answers(200, TAKEN.replace('"2"', '"1"'), JSON)
    async with scripted(other) as backend, client(backend) as asking:
        with pytest.raises(KanadeUnavailable, match="it took install-tool 1 for install-tool 2"):
            await HttpJobs(BackendWriter(asking, LeaseOfOne()), NatsCatalogue(kanade)).upsert(
                ACTION, ""
            )


async def test_a_command_carries_its_host_and_its_deadline() -> None:
    executed = answers(200, '{"exec_id":"e-1","job_id":"install-tool","version":"2.0.0"}', JSON)
    async with scripted(executed) as backend, client(backend) as asking:
        runner = HttpRunner(BackendWriter(asking, LeaseOfOne()), FakeClock())
        intent = runner.prepare(attempt(release(), "pc-01", sent=False), {})
        sent = await runner.send(intent)

        (asked,) = backend.asked
        assert (asked.method, asked.path) == ("POST", "/api/exec/install-tool")
        assert asked.body == b'{"target":{"pcs":["pc-01"]},"deadline_at":"2026-11-23T12:09:00Z"}'
        assert sent == replace(intent, exec_id=sent.exec_id, sent_at=NOON)
        assert sent.exec_id == "e-1"


@pytest.mark.parametrize(
    "reply",
    [
        answers(200, '{"exec_id":"e-1","version":"1.9.9"}', JSON),
        answers(200, "<html>", "text/html"),
        answers(502, "publish to commands.pc.pc-01: closed"),
        answers(200, '{"exec_id":', JSON),
    ],
)
async def test_an_answer_that_leaves_it_open_may_mean_sent(reply: object) -> None:
    assert callable(reply)
    async with scripted(reply) as backend, client(backend) as asking:
        runner = HttpRunner(BackendWriter(asking, LeaseOfOne()), FakeClock())
        with pytest.raises(KanadeUnavailable):
            await runner.send(runner.prepare(attempt(release(), "pc-01", sent=False), {}))

        assert len(backend.asked) == 1


async def test_a_host_that_cannot_be_addressed_is_refused() -> None:
    async with scripted(answers(200)) as backend, client(backend) as asking:
        bad = attempt(release(), HostName("a b"), sent=False)
        with pytest.raises(KanadeRefused, match="cannot be addressed"):
            HttpRunner(BackendWriter(asking, LeaseOfOne()), FakeClock()).prepare(bad, {})
