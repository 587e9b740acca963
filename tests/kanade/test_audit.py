import asyncio
import json

import pytest

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.audit import Audit
from reconciler.kanade.jobs import NatsCatalogue, NatsJobs
from reconciler.kanade.objects import NatsObjects
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.action import UpsertJob
from reconciler.model.digest import Digest
from reconciler.model.identity import Json, ObjectRef, Version
from reconciler.ports import BytesContent
from tests.support.builders import attempt, job, release
from tests.support.clock import FakeClock
from tests.support.nats import NatsProcess
from tests.support.streams import connected, create_stream, subjects

REF = ObjectRef("tool", "2.0")
SCRIPT = b"TOKEN=s3cret"


async def entry(connection: Connection, subject: str) -> dict[str, object]:
    """Return the last entry of *subject*, once the stream has one: nobody acknowledges it."""
    async with asyncio.timeout(60):
        while not await subjects(connection, "AUDIT", subject):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
    message = await api.last_message(connection, "AUDIT", subject)
    assert message is not None
    found: dict[str, object] = json.loads(message.data)
    return found


@pytest.fixture
async def audited(kanade: Connection) -> Connection:
    await create_stream(kanade, "AUDIT", "audit.>")
    return kanade


async def test_what_is_published_and_deleted_past_the_backend_is_noted(
    audited: Connection,
) -> None:
    scripts = NatsObjects(audited, "scripts", audit=Audit(audited, FakeClock()))
    await scripts.start()
    done = await scripts.publish(REF, BytesContent(SCRIPT), Digest.of(SCRIPT), replaces=0)
    await scripts.delete(REF, sequence=done.sequence)
    await scripts.stop()

    published = await entry(audited, "audit.kanade-reconciler.script_object_publish.tool/2.0")
    assert published == {
        "actor": "kanade-reconciler",
        "action": "script_object_publish",
        "target": "tool/2.0",
        "payload": {
            "name": "tool",
            "version": "2.0",
            "size": len(SCRIPT),
            "digest": Digest.of(SCRIPT).kanade,
            "source": "kanade-reconciler",
            "path": "nats",
        },
        "occurred_at": "2026-11-23T12:00:00Z",
    }
    deleted = await entry(audited, "audit.kanade-reconciler.script_object_delete.tool/2.0")
    assert deleted["target"] == "tool/2.0"


async def test_jobs_and_commands_are_noted(audited: Connection) -> None:
    audit = Audit(audited, FakeClock())
    catalogue = NatsCatalogue(audited)
    await catalogue.start()
    spec = job("install-tool")
    action = UpsertJob(job=spec, manifest=spec.manifest, version=Version("2"))
    await NatsJobs(audited, catalogue, audit).upsert(action, "id: install-tool\n")
    manifest: dict[str, Json] = {"execute": {"shell": "sh", "script": "true"}}
    runner = NatsRunner(audited, FakeClock(), audit)
    await runner.send(runner.prepare(attempt(release(), "pc-01", sent=False), manifest))
    await catalogue.stop()

    upserted = await entry(audited, "audit.kanade-reconciler.job_upsert.install-tool")
    sent = await entry(audited, "audit.kanade-reconciler.exec.install-tool")
    payload = sent["payload"]
    assert upserted["action"] == "job_upsert"
    assert isinstance(payload, dict)
    assert payload["subjects"] == ["commands.pc.pc-01"]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (b"2", {"version": "2"}),
        (b"1", {"version": "2", "script_current_before": "1"}),
        (b"\xff\x1b[2J", {"version": "2", "script_current_before": "\ufffd\x1b[2J"}),
    ],
)
async def test_the_pin_that_an_upsert_has_replaced_is_noted(
    audited: Connection, before: bytes, told: dict[str, Json]
) -> None:
    spec = job("install-tool")
    await Bucket(audited, "jobs").put(spec.id, b"{garbage")
    await Bucket(audited, "script_current").put(spec.id, before)
    catalogue = NatsCatalogue(audited)
    await catalogue.start()
    action = UpsertJob(job=spec, manifest=spec.manifest, version=Version("2"))

    await NatsJobs(audited, catalogue, Audit(audited, FakeClock())).upsert(action, "")

    await catalogue.stop()
    noted = await entry(audited, "audit.kanade-reconciler.job_upsert.install-tool")
    assert noted["payload"] == {**told, "source": "kanade-reconciler", "path": "nats"}


@pytest.mark.parametrize("target", ["a b", "*", "x>y", "\n", ""])
async def test_a_target_that_is_no_subject_is_noted_all_the_same(
    audited: Connection, target: str
) -> None:
    await Audit(audited, FakeClock()).record("exec", target or "_", {})

    assert (await entry(audited, ">"))["target"] == (target or "_")
    assert len(await subjects(audited, "AUDIT")) == 1


async def test_an_entry_that_cannot_be_written_is_no_error(
    own_server: NatsProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    async with connected(own_server.url) as connection:
        audit = Audit(connection, FakeClock())
        await connection.close()
        async with asyncio.timeout(60):
            await audit.record("exec", "job", {})

    assert "audit entry lost" in capsys.readouterr().out
