"""Results as the backend shows them, and its audit log."""

import asyncio

import pytest

from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.contract.commands import command, run, send, unique, waits_for
from tests.contract.fleets import HOST, SPARE, Fleet
from tests.contract.test_jobs import manifest, post

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def projected(fleet: Fleet, sent: wire.Document, host: str = HOST) -> wire.Document:
    """Run a command and return its row once the list shows it as finished."""
    result = await run(fleet, sent, host)
    await _until_shown(fleet, str(result["result_id"]))
    rows = (await fleet.ask("GET", f"/api/results?exec_id={sent['exec_id']}")).rows
    return rows[0]


async def begin(fleet: Fleet, sent: wire.Document) -> None:
    """Send a command, and return once the list shows its run."""
    await send(fleet, sent)
    await until(lambda: _shown(fleet, sent), "the run being shown")


async def finished(fleet: Fleet, sent: wire.Document) -> wire.Document:
    """Return the row of a run that was begun, once the list shows it as finished."""
    (row,) = (await fleet.ask("GET", f"/api/results?exec_id={sent['exec_id']}")).rows
    await _until_shown(fleet, str(row["result_id"]))
    return (await fleet.ask("GET", f"/api/results?exec_id={sent['exec_id']}")).rows[0]


async def test_a_row_of_the_list_is_a_result_with_its_version(fleet: Fleet) -> None:
    gate = fleet.scratch()
    sent = command(f"{waits_for(gate)}; echo out; echo err >&2; exit 4", version="7")

    # A run whose result is heard of before its beginning has no version.
    await begin(fleet, sent)
    gate.touch()
    row = await finished(fleet, sent)

    assert row == {
        "result_id": row["result_id"],
        "request_id": sent["request_id"],
        "exec_id": sent["exec_id"],
        "pc_id": HOST,
        "exit_code": 4,
        "skipped": False,
        "stdout": "out\n",
        "stderr": "err\n",
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "job_id": sent["id"],
        "version": "7",
        "stdout_truncated": False,
        "stderr_truncated": False,
    }


async def test_a_skip_has_no_version(fleet: Fleet) -> None:
    row = await projected(fleet, command(deadline_at="2020-01-01T00:00:00Z"))

    assert (row["exit_code"], row["skipped"], row["version"]) == (125, True, None)


async def test_the_list_shows_200_characters_and_the_detail_all(fleet: Fleet) -> None:
    script = "printf 'é%.0s' $(seq 201); printf 'e%.0s' $(seq 200) >&2"

    row = await projected(fleet, command(script))
    whole = (await fleet.ask("GET", f"/api/results/{row['result_id']}")).document

    assert (row["stdout"], row["stdout_truncated"]) == ("é" * 200, True)
    assert (row["stderr"], row["stderr_truncated"]) == ("e" * 200, False)
    assert whole == {**row, "stdout": "é" * 201, "stdout_truncated": False}


async def test_large_output_is_shown_as_if_it_had_come_inline(fleet: Fleet) -> None:
    script = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo 'kanade-backend 0.101.0'"

    row = await projected(fleet, command(script))
    whole = (await fleet.ask("GET", f"/api/results/{row['result_id']}")).document

    assert (row["stdout"], row["stdout_truncated"]) == ("x" * 200, True)
    assert str(whole["stdout"]).endswith("x\nkanade-backend 0.101.0\n")


async def test_the_ids_are_patterns_that_match_anywhere(fleet: Fleet) -> None:
    first, second = command(), command()
    first_row, second_row = await asyncio.gather(
        projected(fleet, first), projected(fleet, second, SPARE)
    )
    middle = str(first["exec_id"])[3:-2]

    async def found(query: str) -> set[wire.Json]:
        rows = (await fleet.ask("GET", f"/api/results?{query}")).rows
        return {str(row["result_id"]) for row in rows}

    assert await found(f"exec_id={middle}") == {first_row["result_id"]}
    assert await found(f"exec_id=^{middle}") == set()
    assert await found(f"job_id=^{first['id']}$") == {first_row["result_id"]}
    either = f"{first['exec_id']}|{second['exec_id']}"
    assert await found(f"exec_id={either}&pc_id=0[2]$") == {second_row["result_id"]}
    assert await found(f"exec_id={either}&limit=1") <= {
        first_row["result_id"],
        second_row["result_id"],
    }


async def test_results_are_found_by_what_became_of_them(fleet: Fleet) -> None:
    job = unique("job")
    good, bad, skip = (
        command("true", id=job),
        command("exit 1", id=job),
        command(id=job, deadline_at="2020-01-01T00:00:00Z"),
    )
    rows = [await projected(fleet, sent) for sent in (good, bad, skip)]

    found = {
        status: [
            row["exit_code"]
            for row in (await fleet.ask("GET", f"/api/results?job_id={job}&status={status}")).rows
        ]
        for status in ("success", "failure", "skipped", "running")
    }

    assert found == {"success": [0], "failure": [1], "skipped": [125], "running": []}
    since = str(rows[1]["started_at"])
    recent = (await fleet.ask("GET", f"/api/results?job_id={job}&since={since}")).rows
    assert [row["result_id"] for row in recent] == [rows[2]["result_id"], rows[1]["result_id"]]


async def test_a_run_that_goes_on_is_shown_without_an_end(fleet: Fleet) -> None:
    gate = fleet.scratch()
    sent = command(waits_for(gate))

    await begin(fleet, sent)
    path = f"/api/results?exec_id={sent['exec_id']}&status=running"
    (row,) = (await fleet.ask("GET", path)).rows
    gate.touch()

    assert (row["exit_code"], row["finished_at"], row["version"]) == (None, None, "1")
    assert (await finished(fleet, sent))["exit_code"] == 0


async def test_a_result_that_comes_twice_is_shown_once(fleet: Fleet) -> None:
    sent = command("echo once")
    row = await projected(fleet, sent)
    again = {**row, "stdout": "twice\n", "manifest_id": sent["id"]}

    await fleet.jetstream.publish(f"results.{sent['request_id']}", wire.encode(again))
    await projected(fleet, command())

    rows = (await fleet.ask("GET", f"/api/results?exec_id={sent['exec_id']}")).rows
    assert [shown["stdout"] for shown in rows] == ["once\n"]


BAD_STATUS = (
    "Failed to deserialize query string: status: unknown variant `bad`, "
    "expected one of `success`, `failure`, `skipped`, `running`"
)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=x", "Failed to deserialize query string: limit: invalid digit found in string"),
        ("limit=-1", "Failed to deserialize query string: limit: invalid digit found in string"),
        ("since=x", "Failed to deserialize query string: since: input contains invalid characters"),
        ("status=bad", BAD_STATUS),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    fleet: Fleet, query: str, text: str
) -> None:
    reply = await fleet.ask("GET", f"/api/results?{query}")

    assert (reply.status, reply.text) == (400, text)


async def test_a_pattern_that_is_none_is_refused(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/results?exec_id=%5B")

    assert reply.status == 400
    assert reply.text.startswith("invalid regex `[`: regex parse error:")


async def test_an_unknown_result_is_not_found(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", f"/api/results/{unique('result')}")

    assert (reply.status, reply.body) == (404, b"")


async def test_the_audit_log_names_who_did_what_by_which_program(fleet: Fleet) -> None:
    job = unique("job")
    await fleet.ask(
        "POST",
        "/api/jobs",
        manifest(job),
        kind="application/yaml",
        headers={"X-Kanade-Source": "kanade-reconciler"},
    )
    await post(fleet, manifest(job, version="2"))
    path = f"/api/audit?target=^{job}$"

    async def both() -> bool:
        return len((await fleet.ask("GET", path)).rows) == 2

    await until(both, "both entries")
    second, first = (await fleet.ask("GET", path)).rows

    assert {"actor": "operator", "action": "job_upsert", "target": job}.items() <= first.items()
    assert first["payload"] == {
        "inventory": False,
        "source": "kanade-reconciler",
        "sub": "service-token",
        "version": "1",
    }
    assert second["payload"] == {"inventory": False, "sub": "service-token", "version": "2"}
    assert set(first) == {"id", "actor", "action", "target", "payload", "occurred_at"}


async def test_an_exec_leaves_an_entry_with_its_id(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job))
    executed = (await fleet.post(f"/api/exec/{job}", {"target": {"pcs": ["ghost-03"]}})).document
    path = f"/api/audit?action=^exec$&target=^{job}$"

    async def there() -> bool:
        return bool((await fleet.ask("GET", path)).rows)

    await until(there, "the entry")
    (entry,) = (await fleet.ask("GET", path)).rows

    assert entry["payload"] == {
        "exec_id": executed["exec_id"],
        "sub": "service-token",
        "subjects": ["commands.pc.ghost-03"],
        "target_count": 1,
        "version": "1",
        "wave_mode": False,
    }


async def _shown(fleet: Fleet, sent: wire.Document) -> bool:
    return bool((await fleet.ask("GET", f"/api/results?exec_id={sent['exec_id']}")).rows)


async def _until_shown(fleet: Fleet, result_id: str) -> None:
    async def finished() -> bool:
        reply = await fleet.ask("GET", f"/api/results/{result_id}")
        return reply.status == 200 and reply.document["finished_at"] is not None

    await until(finished, f"result {result_id} being shown")
