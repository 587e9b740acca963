"""What a lab can be told: older agents, less patience, several brokers."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from reconciler.lab import wire
from reconciler.lab.waiting import until
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName, JobId, RequestId, ResultId
from reconciler.model.report import RunFinished
from reconciler.observe.diagnosis import diagnose
from tests.lab.conftest import QUICK, MakeLab
from tests.lab.talk import ANSWER_SECONDS, command, connected, publish, run, stored_result

pytestmark = pytest.mark.slow


def finished(result: wire.Document) -> RunFinished:
    """Return a result without output as the controller reads it."""
    return RunFinished(
        result_id=ResultId(str(result["result_id"])),
        request_id=RequestId(str(result["request_id"])),
        exec_id=None,
        host=HostName(str(result["pc_id"])),
        job=JobId(str(result["manifest_id"])),
        exit_code=int(str(result["exit_code"])),
        skipped=result["skipped"] is True,
        last_line="",
        stdout_tail="",
        stderr_tail=str(result["stderr"]),
        at=wire.instant(str(result["finished_at"])),
    )


async def test_one_agent_process_serves_several_hosts(make_lab: MakeLab) -> None:
    hosts = [f"host-{number}" for number in range(5)]

    async with (
        make_lab(hosts, replace(QUICK, hosts_per_agent=3)) as lab,
        connected(lab.nats_url) as client,
    ):
        results = await asyncio.gather(
            *(run(client, host, command('echo "$KANADE_LAB_HOST"')) for host in hosts)
        )

        assert [result["stdout"] for result in results] == [f"{host}\n" for host in hosts]
        assert [len(part.hosts) for part in lab.agent_parts] == [3, 2]
        assert lab.agents["host-0"] is lab.agents["host-2"]


async def test_an_agent_without_a_ledger_forgets_what_it_ran(make_lab: MakeLab) -> None:
    async with (
        make_lab(["alpha"], replace(QUICK, ledger="memory")) as lab,
        connected(lab.nats_url) as client,
    ):
        sent = command("echo again")
        await run(client, "alpha", sent)
        await lab.agents["alpha"].restart()

        result = await run(client, "alpha", sent)

    assert result["stdout"] == "again\n"


async def test_an_agent_that_takes_signed_commands_only_refuses_each_in_the_same_words(
    make_lab: MakeLab,
) -> None:
    """As kanade 0.101.0 does: no skip, nothing is run, and the request may come again."""
    sent = command("echo never")

    async with (
        make_lab(["alpha"], replace(QUICK, signed_only=True, heartbeat_seconds=0.2)) as lab,
        connected(lab.nats_url) as client,
    ):
        beats = await client.subscribe("heartbeat.alpha")
        refused = await run(client, "alpha", sent)
        again = await run(client, "alpha", sent)
        beat = wire.document((await beats.next_msg(timeout=ANSWER_SECONDS)).data)

    assert beat["enforcing"] is True
    assert (refused["exit_code"], refused["skipped"], refused["stdout"]) == (123, False, "")
    assert refused["result_id"] == again["result_id"]
    failure = diagnose(finished(refused), None)
    assert failure is not None
    assert failure.kind is FailureClass.SIGNATURE_REFUSED


async def test_an_older_agent_says_nothing_of_what_it_skips(make_lab: MakeLab) -> None:
    skipped = command(deadline_at="2020-01-01T00:00:00Z")

    async with (
        make_lab(["alpha"], replace(QUICK, silent_skips=True)) as lab,
        connected(lab.nats_url) as client,
    ):
        results = await client.subscribe(f"results.{skipped['request_id']}")
        await publish(client, "alpha", skipped)
        await run(client, "alpha", command())
        pending = results.pending_msgs

    assert pending == 0


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        ("0.42.1", "Unexpected attribute 'CmdletBinding'."),
        ("0.42.2", "spawn powershell: No such file or directory (os error 2)"),
    ],
)
async def test_an_agent_before_0_42_2_cannot_parse_a_script_header(
    make_lab: MakeLab, version: str, answer: str
) -> None:
    script = "# deploys\n[CmdletBinding()]\nparam()\n'hi'\n"

    async with (
        make_lab(["alpha"], replace(QUICK, agent_version=version)) as lab,
        connected(lab.nats_url) as client,
    ):
        result = await run(client, "alpha", command(script, shell="powershell"))

    assert result["exit_code"] != 0
    assert answer in str(result["stderr"])


async def test_a_run_whose_agent_died_is_reaped_until_its_agent_says_more(
    make_lab: MakeLab,
) -> None:
    patience = replace(QUICK, reap_slack_seconds=0.2, reap_every_seconds=0.1)

    async with make_lab(["alpha"], patience) as lab:
        headers = {"Authorization": f"Bearer {lab.token}"}
        async with aiohttp.ClientSession(lab.backend_url, headers=headers) as session:
            seconds = 1
            while True:
                job = f"lost-{seconds}"
                await _begin(session, job, seconds)
                await lab.agents["alpha"].kill()
                reaped = await _ended(session, job, -1)
                await lab.agents["alpha"].start()
                if str(reaped["stderr"]).startswith("[backend") or seconds > 30:
                    break
                seconds *= 5  # it has ended the script itself before it was dead
            await _ended(session, job, 121)  # in the agent's own words

    assert str(reaped["stderr"]).startswith("[backend: reaped — no ExecResult before")
    assert reaped["finished_at"] is not None


async def test_a_broker_with_a_token_lets_the_whole_lab_in(make_lab: MakeLab) -> None:
    async with (
        make_lab(["alpha"], replace(QUICK, nats_token="secret-1")) as lab,
        connected(lab.nats_url, "secret-1") as client,
    ):
        result = await run(client, "alpha", command("echo in"))

    assert result["stdout"] == "in\n"


@pytest.mark.slow
async def test_a_cluster_of_three_survives_the_loss_of_one(make_lab: MakeLab) -> None:
    async with (
        make_lab(["alpha"], replace(QUICK, nats_nodes=3)) as lab,
        connected(lab.nats_urls) as client,
    ):
        stream = await client.jetstream().stream_info("EXEC")
        sent = command("echo two are enough")

        await lab.nats_nodes[1].kill()
        await publish(client, "alpha", sent)
        result = await stored_result(client, sent)

    assert stream.config.num_replicas == 3
    assert result["stdout"] == "two are enough\n"


async def _begin(session: aiohttp.ClientSession, job: str, seconds: int) -> None:
    """Have alpha run for longer than it may, and return once that shows."""
    execute = {"shell": "sh", "script": "sleep 600", "timeout": f"{seconds}s"}
    await session.post("/api/jobs", json={"id": job, "version": "1", "execute": execute})
    await session.post(f"/api/exec/{job}", json={"target": {"pcs": ["alpha"]}})

    async def shown() -> bool:
        return bool(await _rows(session, job))

    await until(shown, "the run being shown")


async def _ended(session: aiohttp.ClientSession, job: str, exit_code: int) -> wire.Document:
    async def ended() -> bool:
        return (await _rows(session, job))[0]["exit_code"] == exit_code

    await until(ended, f"the run having ended with {exit_code}")
    return (await _rows(session, job))[0]


async def _rows(session: aiohttp.ClientSession, job: str) -> list[wire.Document]:
    async with session.get("/api/results", params={"job_id": f"^{job}$"}) as response:
        rows = wire.decode(await response.read())
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
