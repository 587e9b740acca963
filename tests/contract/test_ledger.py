"""A request runs once, whatever is delivered and however often the agent is restarted."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.contract.commands import (
    ANSWER_SECONDS,
    command,
    next_result,
    results_of,
    run,
    send,
    waits_for,
)
from tests.contract.fleets import HOST, SPARE, Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_same_bytes_again_run_nothing_and_answer_nothing(fleet: Fleet) -> None:
    witness = fleet.scratch()
    sent = command(f"echo ran >> {witness}")

    async with results_of(fleet, sent) as results:
        await send(fleet, sent)
        await next_result(results)
        await send(fleet, sent)
        await run(fleet, command())

        assert results.pending_msgs == 0
    assert witness.read_text() == "ran\n"


async def test_other_bytes_under_a_known_id_run_nothing_and_answer_nothing(fleet: Fleet) -> None:
    witness = fleet.scratch()
    sent = command(f"echo first >> {witness}")

    async with results_of(fleet, sent) as results:
        await send(fleet, sent)
        await next_result(results)
        await send(fleet, {**sent, "script": f"echo second >> {witness}"})
        await send(fleet, {**sent, "deadline_at": "2020-01-01T00:00:00Z"})
        await run(fleet, command())

        assert results.pending_msgs == 0
    assert witness.read_text() == "first\n"


async def test_a_skipped_request_is_not_run_later_under_the_same_id(fleet: Fleet) -> None:
    sent = command("echo ran", version="2")
    await fleet.put("script_current", str(sent["id"]), b"1")
    skipped = await run(fleet, sent)
    await fleet.put("script_current", str(sent["id"]), b"2")

    async with results_of(fleet, sent) as results:
        await send(fleet, sent)
        await run(fleet, command())

        assert results.pending_msgs == 0
    assert skipped["exit_code"] == 124


async def test_the_same_request_on_two_subjects_runs_once(fleet: Fleet) -> None:
    witness = fleet.scratch()
    sent = command(f"echo $$ >> {witness}")

    async with results_of(fleet, sent) as results:
        await fleet.jetstream.publish("commands.all", wire.encode(sent))
        await send(fleet, sent)
        answered = {str((await next_result(results))["pc_id"]) for _ in range(2)}
        await run(fleet, command())

        assert results.pending_msgs == 0
    assert answered == {HOST, SPARE}
    assert len(witness.read_text().splitlines()) == 2


async def test_what_is_no_command_is_dropped_and_holds_up_nothing(fleet: Fleet) -> None:
    subject = f"commands.pc.{HOST}"
    broken = [b"not json", b"[]", b"{}", wire.encode({**command(), "shell": "zsh"})]
    broken.append(wire.encode({**command(), "payload_version": 1}))
    for payload in broken:
        await fleet.jetstream.publish(subject, payload)

    result = await run(fleet, command("echo fine"))

    assert result["stdout"] == "fine\n"


async def test_a_restarted_agent_still_knows_what_it_ran(fleet: Fleet) -> None:
    witness = fleet.scratch()
    sent = command(f"echo ran >> {witness}")
    await run(fleet, sent, SPARE)
    # An agent that dies between sending a result and forgetting it sends it again; when the
    # next result has come, this one is forgotten.
    await run(fleet, command(), SPARE)

    await fleet.agents[SPARE].kill()
    await fleet.agents[SPARE].start()
    async with results_of(fleet, sent) as results:
        await send(fleet, sent, SPARE)
        await run(fleet, command(), SPARE)

        assert results.pending_msgs == 0
    assert witness.read_text() == "ran\n"


async def test_an_agent_that_dies_during_a_run_says_that_it_does_not_know(fleet: Fleet) -> None:
    begun, gate, ended = fleet.scratch(), fleet.scratch(), fleet.scratch()
    sent = command(f"touch {begun}; {waits_for(gate)}; touch {ended}")

    async with results_of(fleet, sent) as results:
        await send(fleet, sent, SPARE)
        await until(_there(begun), "the script's beginning")
        await fleet.agents[SPARE].kill()
        await fleet.agents[SPARE].start()
        result = await next_result(results)

    assert (result["exit_code"], result["skipped"], result["stdout"]) == (121, False, "")
    assert result["stderr"] == (
        "agent restarted during execution; outcome unknown "
        "(the command is not relaunched automatically)"
    )
    gate.touch()
    await until(_there(ended), "the script running on without its agent")


async def test_a_run_that_was_lost_keeps_the_id_that_its_beginning_told(fleet: Fleet) -> None:
    sent = command("sleep 100")
    events = await fleet.client.subscribe(f"events.started.{sent['exec_id']}.{SPARE}")

    async with results_of(fleet, sent) as results:
        await send(fleet, sent, SPARE)
        event = wire.document((await events.next_msg(timeout=ANSWER_SECONDS)).data)
        await fleet.agents[SPARE].kill()
        await fleet.agents[SPARE].start()
        result = await next_result(results)

    assert result["result_id"] == event["result_id"]
    await events.unsubscribe()


def _there(path: Path) -> Callable[[], Awaitable[bool]]:
    async def exists() -> bool:
        return await asyncio.to_thread(path.exists)

    return exists
