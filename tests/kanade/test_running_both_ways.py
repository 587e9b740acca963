"""Jobs and commands over NATS and through the backend: embedded fleet, and kanade's own."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import KanadeRefused
from reconciler.kanade import fleet as fleet_module
from reconciler.kanade import http_write
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.http_executions import HttpExecutions
from reconciler.lab.waiting import until
from reconciler.model.action import UpsertJob
from reconciler.model.attempt import Attempt
from reconciler.model.desired import JobSpec
from reconciler.model.identity import HostName, JobId, Json, RequestId, Version, WishId
from reconciler.model.observed import UNSEEN, BackendState, Presence
from reconciler.model.report import RunFinished
from tests.contract.commands import unique
from tests.contract.fleets import HOST
from tests.support.adapters import Adapters, WallClock
from tests.support.builders import attempt, release

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_ways = pytest.mark.parametrize("way", ["nats", "http"])


def job(script: str, timeout: str = "2m") -> UpsertJob:
    name = unique("job")
    yaml = f"# kept\nid: {name}\nversion: '1.10'\nexecute:\n"
    yaml += f"  shell: sh\n  script: {json.dumps(script)}\n  timeout: {timeout}\n"
    manifest: dict[str, Json] = {
        "id": name,
        "version": "1.10",
        "execute": {"shell": "sh", "script": script, "timeout": timeout, "run_as": "system"},
    }
    spec = JobSpec(
        id=JobId(name),
        path=f"jobs/{name}.yaml",
        manifest=manifest,
        yaml=yaml,
        timeout=timedelta(minutes=2),
    )
    return UpsertJob(job=spec, manifest=manifest, version=Version("1.10"))


@both_ways
async def test_a_job_written_either_way_is_the_same_to_everybody(
    adapters: Adapters, way: str
) -> None:
    action = job("true")
    await adapters.jobs(way).upsert(action, action.job.yaml)
    await adapters.catalogue.refresh()
    live = adapters.catalogue.live()[action.job_id]

    assert (live.pin, live.revoked) == ("1.10", False)
    assert live.manifest["execute"] == action.manifest["execute"]
    shown = await adapters.fleet.ask("GET", f"/api/jobs/{action.job_id}/yaml")
    assert shown.text == action.job.yaml


async def test_a_manifest_that_the_backend_refuses_is_refused_in_its_words(
    adapters: Adapters,
) -> None:
    action = job("true")
    with pytest.raises(KanadeRefused, match=r"unknown field\(s\): vresion"):
        await adapters.jobs("http").upsert(action, action.job.yaml + "vresion: 1\n")

    await adapters.catalogue.refresh()
    assert action.job_id not in adapters.catalogue.live()


def intent(action: UpsertJob, host: str = HOST) -> Attempt:
    now = WallClock().now()
    return replace(
        attempt(release(), host, sent=False),
        wish_id=WishId(unique("wish")),
        job=action.job_id,
        version=action.version,
        timeout=timedelta(minutes=2),
        intended_at=now,
        deadline_at=now + timedelta(hours=1),
        request_id=None,
        exec_id=None,
    )


@both_ways
async def test_a_command_sent_either_way_runs_and_is_reported(
    adapters: Adapters, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_write, "WRITE_WITHIN", timedelta(minutes=1))
    action = job("echo begun; echo 'tool 2.0'")
    await adapters.jobs(way).upsert(action, action.job.yaml)
    runner = adapters.runner(way)
    sent = await runner.send(runner.prepare(intent(action), action.manifest))
    assert sent.exec_id is not None
    assert sent.sent_at is not None

    begun = await adapters.started(sent.exec_id)
    assert (begun.job, begun.version) == (action.job_id, "1.10")
    done = await adapters.finished(sent.exec_id)
    assert (done.exit_code, done.skipped) == (0, False)
    assert done.last_line == "tool 2.0"
    assert done.result_id == begun.result_id

    await adapters.hosts.refresh()
    slot = adapters.hosts.slots()[HostName(HOST)]
    assert (slot.exec_id, slot.job, slot.version) == (sent.exec_id, action.job_id, "1.10")
    assert slot.request_id == done.request_id
    assert sent.slot_sequence in {None, slot.sequence}


async def test_the_backend_tells_of_an_exec_and_of_the_hosts_that_have_run_it(
    adapters: Adapters,
) -> None:
    action = job("echo 'tool 2.0'")
    await adapters.jobs("http").upsert(action, action.job.yaml)
    executions, runner = HttpExecutions(adapters.client), adapters.runner("http")
    assert list(await executions.of_job(action.job_id)) == []
    sent = await runner.send(runner.prepare(intent(action), action.manifest))
    assert sent.exec_id is not None
    done = await adapters.finished(sent.exec_id)

    async def told() -> bool:
        """Its row is written after the command, and the run when the report has been read."""
        rows = await executions.of_job(action.job_id)
        return [row.id for row in rows] == [sent.exec_id] and HOST in await executions.runs_of(
            rows[0].id
        )

    await until(told, "the exec being written down")
    (row,) = await executions.of_job(action.job_id)
    assert (row.version, row.at >= sent.intended_at - timedelta(minutes=1)) == ("1.10", True)
    assert dict(await executions.runs_of(row.id)) == {HostName(HOST): done.request_id}


@both_ways
async def test_the_backend_tells_how_a_run_ended_as_its_report_does(
    adapters: Adapters, way: str
) -> None:
    action = job(
        "head -c 400000 /dev/zero | tr '\\0' x; echo; echo 'tool 2.0'; echo no >&2; exit 3"
    )
    await adapters.jobs(way).upsert(action, action.job.yaml)
    runner = adapters.runner(way)
    sent = await runner.send(runner.prepare(intent(action), action.manifest))
    done = await adapters.finished(sent.exec_id)
    executions = HttpExecutions(adapters.client)
    mine = replace(sent, request_id=done.request_id)
    found: list[RunFinished] = []

    async def told() -> bool:
        """Its row is there when the backend has read the report."""
        report = await executions.result_of(mine)
        found.extend([report] if report is not None else [])
        return report is not None

    await until(told, "the result being written down")
    assert (found[0].exit_code, found[0].last_line, found[0].stderr_tail) == (3, "tool 2.0", "no\n")
    assert abs(found[0].at - done.at) < timedelta(minutes=1)
    assert replace(found[0], at=done.at) == done
    stranger = replace(mine, request_id=RequestId("another"))
    assert await executions.result_of(stranger) is None


async def test_a_command_that_is_sent_twice_runs_once(adapters: Adapters, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    action = job(f"echo run >> {trace}")
    await adapters.jobs("nats").upsert(action, action.job.yaml)
    runner = adapters.runner("nats")
    sent = await runner.send(runner.prepare(intent(action), action.manifest))
    await adapters.finished(sent.exec_id)
    await runner.send(sent)

    # A later command to the same host overtakes nothing: when it is done, the other is, too.
    other = job("true")
    await adapters.jobs("nats").upsert(other, other.job.yaml)
    later = await runner.send(runner.prepare(intent(other), other.manifest))
    await adapters.finished(later.exec_id)
    assert trace.read_text() == "run\n"


async def test_a_long_output_is_known_by_its_end(adapters: Adapters) -> None:
    action = job("head -c 300000 /dev/zero | tr '\\0' x; echo; echo 'tool 2.0'")
    await adapters.jobs("nats").upsert(action, action.job.yaml)
    runner = adapters.runner("nats")
    sent = await runner.send(runner.prepare(intent(action), action.manifest))
    done = await adapters.finished(sent.exec_id)

    assert done.last_line == "tool 2.0"
    assert len(done.stdout_tail) == 4096


async def test_a_run_can_be_killed(adapters: Adapters) -> None:
    action = job("sleep 100")
    await adapters.jobs("nats").upsert(action, action.job.yaml)
    runner = adapters.runner("nats")
    sent = await runner.send(runner.prepare(intent(action), action.manifest))
    assert sent.exec_id is not None
    await adapters.started(sent.exec_id)
    await NatsFleet(adapters.admin, WallClock()).kill(sent.exec_id)
    done = await adapters.finished(sent.exec_id)

    assert done.exit_code == -1
    assert "killed by remote signal" in done.stderr_tail


async def test_a_ping_tells_who_is_there(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "_ANSWER_WITHIN", timedelta(minutes=1))
    ghost = HostName("ghost-01")
    await adapters.hosts.ping(frozenset({HostName(HOST), ghost}))
    hosts = adapters.hosts.hosts()

    assert hosts[HostName(HOST)].presence is Presence.ONLINE
    assert hosts[HostName(HOST)].agent_version == "0.101.0"
    assert hosts.get(ghost, UNSEEN).presence is Presence.OFFLINE


async def test_the_backend_is_up_and_the_fleet_is_not_frozen(adapters: Adapters) -> None:
    assert await adapters.client.state() is BackendState.UP
    assert not adapters.hosts.freeze().frozen


async def test_a_job_that_is_not_there_is_not_sent(adapters: Adapters) -> None:
    runner = adapters.runner("http")
    sent = runner.prepare(intent(job("true")), {})
    with pytest.raises(KanadeRefused, match="not found in catalog"):
        await runner.send(sent)
