import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from reconciler.errors import Conflict, KanadeRefused, KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.jobs import NatsCatalogue, NatsJobs
from reconciler.model.action import UpsertJob
from reconciler.model.identity import JobId, Json, Version
from tests.support.builders import job

JOB = JobId("install-tool")
YAML = "# a comment\nid: install-tool\n"


@pytest.fixture
async def catalogue(kanade: Connection) -> AsyncIterator[NatsCatalogue]:
    catalogue = NatsCatalogue(kanade)
    await catalogue.start()
    yield catalogue
    await catalogue.stop()


def upsert(version: str = "1.10") -> UpsertJob:
    spec = job(JOB)
    manifest: dict[str, Json] = {**spec.manifest, "version": version}
    return UpsertJob(job=spec, manifest=manifest, version=Version(version))


async def test_an_upserted_job_is_live_with_its_pin_and_its_yaml(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    assert dict(catalogue.live()) == {}
    await NatsJobs(kanade, catalogue).upsert(upsert(), YAML)
    await catalogue.refresh()

    live = catalogue.live()[JOB]
    assert live.manifest == upsert().manifest
    assert (live.pin, live.revoked) == ("1.10", False)
    yaml = await Bucket(kanade, "jobs_yaml").get(JOB)
    assert yaml is not None
    assert yaml.data.decode() == YAML


async def test_the_pin_is_written_last(kanade: Connection, catalogue: NatsCatalogue) -> None:
    written: list[str] = []

    async def note(message: object) -> None:
        written.append(getattr(message, "subject", ""))

    await kanade.subscribe("$KV.>", note)
    await NatsJobs(kanade, catalogue).upsert(upsert(), YAML)
    await kanade.rtt()

    assert written == [
        "$KV.jobs.install-tool",
        "$KV.jobs_yaml.install-tool",
        "$KV.script_current.install-tool",
    ]


async def test_a_job_that_somebody_changes_meanwhile_is_not_overwritten(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    jobs = NatsJobs(kanade, catalogue)
    await jobs.upsert(upsert("1"), YAML)
    await catalogue.refresh()
    seen = catalogue.sequence(JOB)
    await Bucket(kanade, "jobs").put(JOB, b'{"id":"install-tool","version":"hand"}')

    class Stale(NatsCatalogue):
        """Has not heard of the change yet."""

        def sequence(self, job: JobId) -> int:
            return seen if job == JOB else 0

    stale = Stale(kanade)
    with pytest.raises(Conflict):
        await NatsJobs(kanade, stale).upsert(upsert("2"), YAML)

    await catalogue.refresh()
    assert catalogue.live()[JOB].manifest["version"] == "hand"
    assert catalogue.live()[JOB].pin == "1"


async def test_a_deleted_job_can_be_written_again(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    jobs = NatsJobs(kanade, catalogue)
    await jobs.upsert(upsert("1"), YAML)
    await Bucket(kanade, "jobs").delete(JOB)
    await catalogue.refresh()
    assert dict(catalogue.live()) == {}

    await jobs.upsert(upsert("2"), YAML)
    await catalogue.refresh()
    assert catalogue.live()[JOB].pin == "2"


async def test_a_pin_that_does_not_follow_is_not_taken_for_done(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    await Bucket(kanade, "script_current").put(JOB, b"old")

    with pytest.raises(KanadeUnavailable, match=r"install-tool is old after 2 was written"):
        await catalogue.see_pin(JOB, Version("2"))


async def test_what_a_person_has_revoked_shows(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    await NatsJobs(kanade, catalogue).upsert(upsert(), YAML)
    await Bucket(kanade, "script_status").put(JOB, b"REVOKED")
    await catalogue.refresh()
    assert catalogue.live()[JOB].revoked

    await Bucket(kanade, "script_status").put(JOB, b"ACTIVE")
    await catalogue.refresh()
    assert not catalogue.live()[JOB].revoked


async def test_what_cannot_be_read_is_still_there(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    await Bucket(kanade, "jobs").put(JOB, b"{garbage")
    await Bucket(kanade, "script_current").put(JOB, b"\xff\xfe")
    await catalogue.refresh()

    live = catalogue.live()[JOB]
    assert live.manifest == {}
    assert live.pin is not None


async def test_a_pin_that_is_too_long_to_be_one_is_not_told_whole(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    await NatsJobs(kanade, catalogue).upsert(upsert("1"), YAML)
    await Bucket(kanade, "script_current").put(JOB, b"x" * 100_000)
    await catalogue.refresh()

    assert catalogue.live()[JOB].pin == "x" * 60 + "…"


async def test_a_job_of_the_real_backend_is_read(
    kanade: Connection, catalogue: NatsCatalogue, captured: Callable[[str], Json]
) -> None:
    manifest = captured("nats/kv-jobs.json")
    await Bucket(kanade, "jobs").put("install-kanade-backend", json.dumps(manifest).encode())
    await catalogue.refresh()

    live = catalogue.live()[JobId("install-kanade-backend")]
    assert live.manifest == manifest
    assert live.pin is None


async def test_a_manifest_under_another_id_is_refused(
    kanade: Connection, catalogue: NatsCatalogue
) -> None:
    wrong = replace(upsert(), manifest={**upsert().manifest, "id": "other"})

    with pytest.raises(KanadeRefused, match="its manifest has another id"):
        await NatsJobs(kanade, catalogue).upsert(wrong, YAML)


async def test_a_change_wakes_and_a_missing_bucket_is_named(kanade: Connection) -> None:
    woken = asyncio.Event()
    catalogue = NatsCatalogue(kanade, woken.set)
    await catalogue.start()
    await Bucket(kanade, "script_status").put(JOB, b"REVOKED")
    async with asyncio.timeout(60):
        await woken.wait()
    await catalogue.stop()

    await api.call(kanade, "STREAM.DELETE.KV_script_current", {}, dict, "KV_script_current")
    with pytest.raises(KanadeRefused, match=r"bucket script_current on .*not found"):
        await NatsCatalogue(kanade).start()
