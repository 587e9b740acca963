"""What the backend writes down of an exec, and how it is stopped."""

import json
from pathlib import Path

import pytest

from reconciler.lab.waiting import until
from tests.contract.commands import next_result, results_of, unique, waits_for
from tests.contract.execs import GHOST, execute, slot_of
from tests.contract.fleets import HOST, SPARE, Fleet
from tests.contract.test_jobs import manifest, post

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_exec_is_pending_and_then_completed(fleet: Fleet) -> None:
    job = unique("job")
    gate = fleet.scratch()
    script = f"{waits_for(gate)}; echo kanade-backend 1"
    await post(fleet, manifest(job, script=json.dumps(script)).replace("20s", "2m"))

    unseen = (await execute(fleet, job, target={"pcs": [GHOST]})).document["exec_id"]
    shown = (await execute(fleet, job, target={"pcs": [HOST]})).document["exec_id"]
    await _completed(fleet, str(shown), gate)

    pending = (await fleet.ask("GET", f"/api/executions/{unseen}")).document
    completed = (await fleet.ask("GET", f"/api/executions/{shown}")).document
    assert pending["results"] == []
    row = pending["execution"]
    assert isinstance(row, dict)
    assert row == {
        "exec_id": unseen,
        "job_id": job,
        "version": "1",
        "initiated_by": "operator",
        "initiated_at": row["initiated_at"],
        "target_count": 1,
        "success_count": 0,
        "failure_count": 0,
        "status": "pending",
    }
    runs = completed["results"]
    assert isinstance(runs, list)
    assert [set(run) for run in runs if isinstance(run, dict)] == [
        {
            "result_id", "request_id", "pc_id", "exit_code", "skipped", "started_at",
            "finished_at",
        }
    ]  # fmt: skip
    listed = (await fleet.ask("GET", f"/api/executions?job_id={job}&limit=10")).rows
    assert [entry["exec_id"] for entry in listed] == [shown, unseen]
    waiting = (await fleet.ask("GET", f"/api/executions?job_id={job}&status=pending")).rows
    assert [entry["exec_id"] for entry in waiting] == [unseen]


async def test_a_failed_run_counts_as_a_failure(fleet: Fleet) -> None:
    job = unique("job")
    gate = fleet.scratch()
    script = f"{waits_for(gate)}; exit 1"
    await post(fleet, manifest(job, script=json.dumps(script)).replace("20s", "2m"))

    exec_id = (await execute(fleet, job, target={"pcs": [HOST]})).document["exec_id"]
    await _completed(fleet, str(exec_id), gate)

    row = (await fleet.ask("GET", f"/api/executions/{exec_id}")).document["execution"]
    assert isinstance(row, dict)
    assert (row["success_count"], row["failure_count"]) == (0, 1)


async def test_a_running_exec_is_killed_by_its_job(fleet: Fleet) -> None:
    job = unique("job")
    await post(fleet, manifest(job, script="'sleep 120'").replace("20s", "4m"))

    started = await execute(fleet, job, target={"pcs": [SPARE]})
    exec_id = started.document["exec_id"]
    await _until_status(fleet, str(exec_id), "running")
    slot = await slot_of(fleet, started, SPARE)
    async with results_of(fleet, slot) as results:
        reply = await fleet.ask("POST", f"/api/jobs/{job}/kill")
        result = await next_result(results)

    assert reply.status == 204
    assert result["stderr"] == f"killed by remote signal (kill.{exec_id})"


async def test_killing_what_does_not_run_is_no_fault(fleet: Fleet) -> None:
    assert (await fleet.ask("POST", f"/api/jobs/{unique('job')}/kill")).status == 204


async def test_an_unknown_exec_is_not_found(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", f"/api/executions/{unique('exec')}")

    assert (reply.status, reply.body) == (404, b"")


async def _completed(fleet: Fleet, exec_id: str, gate: Path) -> None:
    """Let the script end: a result that comes before its exec is written down is never counted."""
    await _until_status(fleet, exec_id, "running")
    gate.touch()
    await _until_status(fleet, exec_id, "completed")


async def _until_status(fleet: Fleet, exec_id: str, wanted: str) -> None:
    async def reached() -> bool:
        reply = await fleet.ask("GET", f"/api/executions/{exec_id}")
        row = reply.document["execution"] if reply.status == 200 else None
        return isinstance(row, dict) and row["status"] == wanted

    await until(reached, f"exec {exec_id} being {wanted}")
