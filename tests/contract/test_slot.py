"""One message a subject: what a host that was away gets to see."""

import asyncio

import pytest

from reconciler.lab import wire
from tests.contract.commands import command, next_result, results_of, run, send, unique
from tests.contract.fleets import HOST, SPARE, Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_of_two_commands_to_a_host_that_is_away_only_the_last_runs(fleet: Fleet) -> None:
    first, last = fleet.scratch(), fleet.scratch()
    sent = command(f"touch {last}")
    await fleet.agents[SPARE].stop()

    await send(fleet, command(f"touch {first}"), SPARE)
    async with results_of(fleet, sent) as results:
        await send(fleet, sent, SPARE)
        await fleet.agents[SPARE].start()
        result = await next_result(results)

    assert result["exit_code"] == 0
    await run(fleet, command(), SPARE)
    assert (first.exists(), last.exists()) == (False, True)


async def test_a_command_that_came_live_is_not_replayed_after_a_restart(fleet: Fleet) -> None:
    witness = fleet.scratch()
    sent = command(f"echo ran >> {witness}")
    await run(fleet, sent, SPARE)
    await run(fleet, command(), SPARE)  # by then it has forgotten the first result

    await fleet.agents[SPARE].restart()
    async with results_of(fleet, sent) as results:
        await run(fleet, command(), SPARE)

        assert results.pending_msgs == 0
    assert witness.read_text() == "ran\n"


async def test_a_message_that_no_stream_keeps_is_run_all_the_same(fleet: Fleet) -> None:
    sent = command("echo live")

    async with results_of(fleet, sent) as results:
        await fleet.client.publish(f"commands.pc.{HOST}", wire.encode(sent))
        result = await next_result(results)

    assert result["stdout"] == "live\n"


async def test_the_deadline_counts_when_a_host_comes_back(fleet: Fleet) -> None:
    sent = command("echo late", deadline_at="2020-01-01T00:00:00Z")
    await fleet.agents[SPARE].stop()

    async with results_of(fleet, sent) as results:
        await send(fleet, sent, SPARE)
        await fleet.agents[SPARE].start()
        result = await next_result(results)

    assert (result["exit_code"], result["skipped"]) == (125, True)


async def test_everybody_is_a_target_too(fleet: Fleet) -> None:
    sent = command("echo all")

    async with results_of(fleet, sent) as results:
        await fleet.jetstream.publish("commands.all", wire.encode(sent))
        answers = [await next_result(results) for _ in range(2)]

    assert {answer["pc_id"] for answer in answers} == {HOST, SPARE}
    assert len({answer["result_id"] for answer in answers}) == 2


async def test_a_host_takes_the_commands_of_its_groups_and_no_others(fleet: Fleet) -> None:
    mine, other = unique("group"), unique("group")
    await fleet.put("agent_groups", HOST, wire.encode({"groups": [mine]}))
    await fleet.put("agent_groups", SPARE, wire.encode({"groups": [other]}))
    sent = command("echo member")

    async with results_of(fleet, sent) as results:
        await listening(fleet, f"commands.group.{mine}")
        await fleet.jetstream.publish(f"commands.group.{mine}", wire.encode(sent))
        result = await next_result(results)
        await run(fleet, command(), SPARE)

        assert results.pending_msgs == 0
    assert (result["pc_id"], result["stdout"]) == (HOST, "member\n")


async def listening(fleet: Fleet, subject: str) -> None:
    """Wait until a new membership has taken effect: what comes before is nobody's."""
    async with asyncio.timeout(60):
        while subject not in await replayed(fleet, HOST):  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.05)


async def replayed(fleet: Fleet, host: str) -> list[str]:
    info = await fleet.jetstream.consumer_info("EXEC", f"agent_replay_{host}")
    return info.config.filter_subjects or []


async def test_the_replay_consumer_of_a_host_is_durable_and_narrow(fleet: Fleet) -> None:
    info = await fleet.jetstream.consumer_info("EXEC", f"agent_replay_{SPARE}")

    assert info.config.durable_name == f"agent_replay_{SPARE}"
    assert info.config.deliver_policy == "last_per_subject"
    assert {"commands.all", f"commands.pc.{SPARE}"} <= set(info.config.filter_subjects or [])
