"""What a lab can be told: older agents, less patience, several brokers."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.lab.conftest import QUICK, MakeLab
from tests.lab.talk import command, connected, publish, run, stored_result


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
    job = {
        "id": "lost", "version": "1",
        "execute": {"shell": "sh", "script": "sleep 60", "timeout": "1s"},
    }  # fmt: skip

    async with make_lab(["alpha"], patience) as lab:
        headers = {"Authorization": f"Bearer {lab.token}"}
        async with aiohttp.ClientSession(lab.backend_url, headers=headers) as session:
            await session.post("/api/jobs", json=job)
            await session.post("/api/exec/lost", json={"target": {"pcs": ["alpha"]}})
            await until(lambda: _shown(session, None), "the run being shown")
            await lab.agents["alpha"].kill()
            await until(lambda: _shown(session, -1), "the run being reaped")
            reaped = (await _rows(session))[0]
            await lab.agents["alpha"].start()
            await until(lambda: _shown(session, 121), "the agent's own word")

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


async def _rows(session: aiohttp.ClientSession) -> list[wire.Document]:
    async with session.get("/api/results") as response:
        rows = wire.decode(await response.read())
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


async def _shown(session: aiohttp.ClientSession, exit_code: int | None) -> bool:
    rows = await _rows(session)
    return bool(rows) and rows[0]["exit_code"] == exit_code
