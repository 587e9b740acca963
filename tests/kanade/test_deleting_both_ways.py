"""Deleting jobs over NATS and through the backend: the embedded one, and kanade's own."""

import json

import pytest

from reconciler.errors import KanadeRefused
from reconciler.jetstream.kv import Bucket
from reconciler.model.action import UpsertJob
from reconciler.model.identity import JobId, Json, Version
from tests.contract.commands import unique
from tests.support.adapters import Adapters
from tests.support.builders import job

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_ways = pytest.mark.parametrize("way", ["nats", "http"])


async def registered(adapters: Adapters, way: str) -> UpsertJob:
    """Register a job that nobody else knows."""
    name = unique("job")
    execute: dict[str, Json] = {"shell": "sh", "script": "true", "timeout": "20s"}
    manifest: dict[str, Json] = {
        "id": name,
        "version": "1",
        "execute": {**execute, "run_as": "system"},
    }
    spec = job(name)
    action = UpsertJob(job=spec, manifest=manifest, version=Version("1"))
    await adapters.jobs(way).upsert(action, text_of(action))
    await adapters.catalogue.refresh()
    return action


def text_of(action: UpsertJob) -> str:
    execute = json.dumps(action.manifest["execute"])
    return f"# kept\nid: {action.job_id}\nversion: '1'\nexecute: {execute}\n"


async def status_of(adapters: Adapters, name: JobId) -> bytes:
    found = await Bucket(adapters.connection, "script_status").get(name)
    return found.data if found is not None else b""


@both_ways
async def test_a_deleted_job_is_revoked_and_gone_and_its_yaml_stays(
    adapters: Adapters, way: str
) -> None:
    name = (await registered(adapters, way)).job_id

    await adapters.jobs(way).delete(name)
    await adapters.jobs(way).delete(name)

    assert name not in adapters.catalogue.live()
    assert await status_of(adapters, name) == b"REVOKED"
    listed = await adapters.fleet.ask("GET", "/api/jobs")
    assert name not in listed.text
    shown = await adapters.fleet.ask("GET", f"/api/jobs/{name}/yaml")
    assert shown.text.startswith("# kept\n")


@both_ways
async def test_a_job_that_comes_back_can_be_put_back_in_use(adapters: Adapters, way: str) -> None:
    action = await registered(adapters, way)
    await adapters.jobs(way).delete(action.job_id)
    await adapters.jobs(way).upsert(action, text_of(action))
    await adapters.catalogue.refresh()
    assert adapters.catalogue.live()[action.job_id].revoked

    await adapters.jobs(way).unrevoke(action.job_id)

    assert not adapters.catalogue.live()[action.job_id].revoked
    assert await status_of(adapters, action.job_id) == b"ACTIVE"


@both_ways
async def test_a_job_that_a_schedule_names_stays_and_in_use(adapters: Adapters, way: str) -> None:
    name = (await registered(adapters, way)).job_id
    schedule = unique("nightly")
    entry = {"id": schedule, "job_id": name, "when": {"calendar": {"at": "03:00"}}}
    bucket = Bucket(adapters.admin, "schedules")
    await bucket.put(schedule, json.dumps(entry).encode())
    await adapters.catalogue.refresh()

    assert adapters.catalogue.live()[name].schedule == schedule
    with pytest.raises(KanadeRefused, match=f"{schedule}'?; remove the schedule first"):
        await adapters.jobs(way).delete(name)
    assert await status_of(adapters, name) != b"REVOKED"
    await bucket.delete(schedule)
