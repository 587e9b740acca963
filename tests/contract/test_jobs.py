"""The job catalogue: what may be posted, and what becomes of it."""

import re

import pytest
import yaml

from reconciler.lab import wire
from tests.contract.commands import unique
from tests.contract.fleets import Fleet, Reply
from tests.contract.recordings import recorded

pytestmark = pytest.mark.asyncio(loop_scope="session")

YAML = "application/yaml"
CASES = recorded("manifests")
_JSON_PLACE = re.compile(r" at line \d+ column \d+$")


def manifest(job: str, **changes: str) -> str:
    """Return the smallest job there is, as YAML with a comment."""
    fields = {"version": '"1"', "script": "'true'", **changes}
    return (
        f"# a comment to keep\nid: {job}\nversion: {fields['version']}\n"
        f"execute: {{shell: sh, script: {fields['script']}, timeout: 20s}}\n"
    )


async def post(fleet: Fleet, text: str) -> Reply:
    return await fleet.ask("POST", "/api/jobs", text, kind=YAML)


@pytest.mark.parametrize("case", CASES, ids=[str(case["name"]) for case in CASES])
async def test_a_manifest_is_taken_or_refused_with_these_words(
    fleet: Fleet, case: wire.Document
) -> None:
    reply = await fleet.ask("POST", "/api/jobs", str(case["body"]), kind=str(case["type"]))

    expected = case["answer"]
    if reply.status == 200:
        assert reply.json == expected
        assert isinstance(expected, dict)
        stored = await fleet.value("jobs", str(expected["id"]))
        assert wire.decode(stored) == case["stored"]
        assert stored == wire.encode(case["stored"])
    elif case["type"] == YAML:
        assert reply.text == expected
    else:
        assert _JSON_PLACE.sub("", reply.text) == _JSON_PLACE.sub("", str(expected))
    assert reply.status == case["status"]


async def test_a_posted_job_is_written_three_times_and_moves_the_pin(fleet: Fleet) -> None:
    job = unique("job")
    first, second = manifest(job, version="1.10"), manifest(job, version="2")

    await post(fleet, first)
    pinned_first = await fleet.value("script_current", job)
    reply = await post(fleet, second)

    assert reply.headers["content-type"] == "application/json"
    assert (pinned_first, await fleet.value("script_current", job)) == (b"1.10", b"2")
    assert await fleet.value("jobs_yaml", job) == second.encode()
    assert wire.document(await fleet.value("jobs", job))["version"] == "2"


async def test_the_yaml_of_a_job_comes_back_with_its_comments(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job))

    reply = await fleet.ask("GET", f"/api/jobs/{job}/yaml")

    assert (reply.status, reply.headers["content-type"]) == (200, "application/yaml")
    assert reply.text == manifest(job)


async def test_a_job_that_came_as_json_has_a_yaml_that_says_the_same(fleet: Fleet) -> None:
    job = unique("job")
    execute: wire.Json = {"shell": "sh", "script": "echo 'a'\necho b\n", "timeout": "5s"}
    await fleet.post("/api/jobs", {"id": job, "version": "1", "execute": execute})

    reply = await fleet.ask("GET", f"/api/jobs/{job}/yaml")

    assert yaml.safe_load(reply.text) == wire.document(await fleet.value("jobs", job))


async def test_the_list_shows_each_job_with_what_runs_of_it(fleet: Fleet) -> None:
    job = unique("job")
    origin = "origin: {path: jobs/a.yaml, repo: https://example.com/x.git}\ntags: [a]\n"
    await post(fleet, manifest(job) + origin)

    rows = (await fleet.ask("GET", "/api/jobs")).rows

    assert [row["id"] for row in rows] == sorted(str(row["id"]) for row in rows)
    assert {
        "id": job,
        "version": "1",
        "description": None,
        "execute": {"shell": "sh", "timeout": "20s", "run_as": "system"},
        "inventory": None,
        "tags": ["a"],
        "origin": {"path": "jobs/a.yaml", "repo": "https://example.com/x.git"},
        "live": {"running": 0, "pending": 0},
    } in rows


async def test_a_deleted_job_is_revoked_and_stays_so_when_it_comes_again(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job))

    reply = await fleet.ask("DELETE", f"/api/jobs/{job}")
    rows = (await fleet.ask("GET", "/api/jobs")).rows
    yaml_after = await fleet.ask("GET", f"/api/jobs/{job}/yaml")
    await post(fleet, manifest(job))

    assert (reply.status, reply.body) == (204, b"")
    assert job not in {row["id"] for row in rows}
    assert yaml_after.text == manifest(job)
    assert await fleet.value("script_status", job) == b"REVOKED"


async def test_deleting_what_is_not_there_is_no_fault(fleet: Fleet) -> None:
    reply = await fleet.ask("DELETE", f"/api/jobs/{unique('job')}")

    assert reply.status == 204


async def test_a_job_that_a_schedule_names_cannot_be_deleted(fleet: Fleet) -> None:
    job, schedule = unique("job"), unique("schedule")
    await post(fleet, manifest(job))
    text: wire.Document = {
        "id": schedule,
        "when": {"per_pc": {"every": "6h"}},
        "job_id": job,
        "target": {"pcs": ["nobody"]},
        "enabled": False,
    }
    await fleet.put("schedules", schedule, wire.encode(text))

    reply = await fleet.ask("DELETE", f"/api/jobs/{job}")
    await fleet.put("schedules", schedule, wire.encode({**text, "job_id": unique("other")}))

    assert (reply.status, reply.text) == (
        409,
        f"job '{job}' is referenced by schedule '{schedule}'; remove the schedule first",
    )
    assert job in {row["id"] for row in (await fleet.ask("GET", "/api/jobs")).rows}


async def test_the_yaml_of_an_unknown_job_is_not_found(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/jobs/no-such-job/yaml")

    assert (reply.status, reply.text) == (404, "job 'no-such-job' not found")


async def test_a_job_can_be_revoked_and_made_active_by_hand(fleet: Fleet) -> None:
    job = unique("job")

    revoked = await fleet.ask("POST", f"/api/scripts/{job}/revoke")
    shown = (await fleet.ask("GET", "/api/scripts/status")).document
    active = await fleet.ask("POST", f"/api/scripts/{job}/unrevoke")

    assert (revoked.status, active.status, shown[job]) == (204, 204, "REVOKED")
    assert await fleet.value("script_status", job) == b"ACTIVE"
