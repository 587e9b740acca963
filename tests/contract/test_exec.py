"""`POST /api/exec`: what goes out, and what is refused."""

import hashlib

import aiohttp
import pytest

from reconciler.lab import wire
from tests.contract.commands import unique
from tests.contract.execs import GHOST, execute, slot_of
from tests.contract.fleets import Fleet
from tests.contract.test_jobs import manifest, post

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_command_goes_to_its_subject_as_the_answer_says(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job, version="1.10", script="'echo hi'"))

    reply = await execute(fleet, job, target={"pcs": [GHOST]})

    slot = await slot_of(fleet, reply)
    assert reply.status == 200
    assert reply.document == {
        "exec_id": slot["exec_id"],
        "job_id": job,
        "version": "1.10",
        "target_count": 1,
        "subjects": [f"commands.pc.{GHOST}"],
    }
    assert wire.encode(slot) == wire.encode(
        {
            "id": job,
            "version": "1.10",
            "request_id": slot["request_id"],
            "exec_id": slot["exec_id"],
            "shell": "sh",
            "script": "echo hi",
            "timeout_secs": 20,
            "jitter_secs": None,
            "run_as": "system",
            "staleness": {"mode": "cached"},
        }
    )


async def test_two_execs_never_share_an_id(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job))

    first = await slot_of(fleet, await execute(fleet, job, target={"pcs": [GHOST]}))
    second = await slot_of(fleet, await execute(fleet, job, target={"pcs": [GHOST]}))

    assert first["exec_id"] != second["exec_id"]
    assert first["request_id"] != second["request_id"]


async def test_a_script_object_goes_out_by_name_and_digest(fleet: Fleet) -> None:
    job, script = unique("job"), f"echo {unique('text')}"
    with aiohttp.MultipartWriter("form-data") as form:
        form.append(script).set_content_disposition("form-data", name="file", filename="s.sh")
    await fleet.ask("POST", f"/api/script-objects/{job}/1", form, kind=form.content_type)
    text = manifest(job).replace("script: 'true'", f"script_object: {job}/1, cwd: /tmp")
    await post(fleet, text)

    reply = await execute(fleet, job, target={"pcs": [GHOST]}, jitter="1m")

    slot = await slot_of(fleet, reply)
    assert (slot["script"], slot["script_object"]) == ("", f"{job}/1")
    assert slot["script_object_sha256"] == hashlib.sha256(script.encode()).hexdigest()
    assert (slot["cwd"], slot["jitter_secs"]) == ("/tmp", 60)


async def test_a_deadline_goes_out_in_utc(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job))

    deadline = "2099-01-01T00:00:00+02:00"

    reply = await execute(fleet, job, target={"pcs": [GHOST]}, deadline_at=deadline)

    assert (await slot_of(fleet, reply))["deadline_at"] == "2098-12-31T22:00:00Z"


async def test_an_exec_moves_the_pin_to_the_version_that_it_sends(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job, version="2"))
    await fleet.put("script_current", job, b"1")

    await execute(fleet, job, target={"pcs": [GHOST]})

    assert await fleet.value("script_current", job) == b"2"


async def test_several_targets_share_one_request(fleet: Fleet) -> None:
    job, group = unique("job"), unique("group")
    await post(fleet, manifest(job))

    reply = await execute(fleet, job, target={"groups": [group], "pcs": [GHOST, "ghost-02", GHOST]})

    assert reply.document["subjects"] == [
        f"commands.group.{group}", f"commands.pc.{GHOST}", "commands.pc.ghost-02",
        f"commands.pc.{GHOST}",
    ]  # fmt: skip
    assert reply.document["target_count"] == 2
    assert await slot_of(fleet, reply) == await slot_of(fleet, reply, "ghost-02")


NOBODY = "target must specify at least one of `all` / `groups` / `pcs` (or set `rollout.waves`)"
LABELS = 'pc_id "a.b.c.d.e" has 5 dot-separated labels; at most 4 are supported'
DELAY = "invalid rollout.waves[0].delay: expected number at 0"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, NOBODY),
        ({"target": {"all": False, "pcs": []}}, 400, NOBODY),
        ({"target": {"pcs": ["a.b.c.d.e"]}}, 400, LABELS),
        ({"target": {"pcs": [GHOST]}, "jitter": "x"}, 400, "invalid jitter: expected number at 0"),
        ({"rollout": {"waves": [{"group": "g", "delay": "x"}]}}, 400, DELAY),
    ],
)
async def test_an_exec_that_makes_no_sense_is_refused(
    fleet: Fleet, body: wire.Document, status: int, text: str
) -> None:
    job = unique("job")
    await post(fleet, manifest(job))

    reply = await execute(fleet, job, **body)

    assert (reply.status, reply.text) == (status, text)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"target":{"pcs":"a"}}', 'target.pcs: invalid type: string "a", expected a sequence'),
        ('{"deadline_at":"x"}', "deadline_at: input contains invalid characters"),
    ],
)
async def test_a_field_of_the_wrong_kind_is_unprocessable(
    fleet: Fleet, body: str, text: str
) -> None:
    job = unique("job")
    await post(fleet, manifest(job))

    reply = await fleet.ask("POST", f"/api/exec/{job}", body, kind="application/json")

    assert reply.status == 422
    assert reply.text.startswith(
        f"Failed to deserialize the JSON body into the target type: {text}"
    )


async def test_an_unknown_job_is_not_found(fleet: Fleet) -> None:
    reply = await execute(fleet, "nope", target={"pcs": [GHOST]})

    assert reply.status == 404
    assert reply.text == (
        "job 'nope' not found in catalog — register it first with "
        "`kanade job create <manifest.yaml>`"
    )


async def test_a_missing_script_object_is_found_out_at_the_exec(fleet: Fleet) -> None:
    job = unique("job")
    text = manifest(job).replace("script: 'true'", "script_object: nowhere/1")
    posted = await post(fleet, text)

    reply = await execute(fleet, job, target={"pcs": [GHOST]})

    assert posted.status == 200
    assert (reply.status, reply.text) == (
        404,
        "script_object 'nowhere/1' not found in OBJECT_SCRIPTS",
    )


async def test_a_timeout_in_words_is_found_out_at_the_exec(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job).replace("20s", "tomorrow"))

    reply = await execute(fleet, job, target={"pcs": [GHOST]})

    assert (reply.status, reply.text) == (400, "invalid timeout: expected number at 0")


async def test_a_body_that_is_not_said_to_be_json_is_not_read(fleet: Fleet) -> None:
    reply = await fleet.ask("POST", "/api/exec/nope", "{}", kind="text/plain")

    assert (reply.status, reply.text) == (
        415,
        "Expected request with `Content-Type: application/json`",
    )
