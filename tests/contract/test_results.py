"""What an agent answers to a command."""

import asyncio
import re
from datetime import timedelta

import pytest

from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.contract.commands import (
    ANSWER_SECONDS,
    command,
    next_result,
    results_of,
    run,
    run_in_time,
    send,
    waits_for,
)
from tests.contract.fleets import HOST, Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_script_that_ran_tells_its_output_and_its_exit_code(fleet: Fleet) -> None:
    sent = command("echo out; echo err >&2; echo 'kanade-backend 0.101.0'; exit 3")

    result = await run(fleet, sent)

    assert list(result) == [
        "result_id", "request_id", "exec_id", "pc_id", "exit_code", "skipped", "stdout",
        "stderr", "started_at", "finished_at", "manifest_id",
    ]  # fmt: skip
    assert (result["pc_id"], result["exit_code"], result["skipped"]) == (HOST, 3, False)
    assert (result["stdout"], result["stderr"]) == ("out\nkanade-backend 0.101.0\n", "err\n")
    assert (sent["request_id"], sent["exec_id"], sent["id"]) == (
        result["request_id"],
        result["exec_id"],
        result["manifest_id"],
    )
    assert wire.instant(str(result["started_at"])) < wire.instant(str(result["finished_at"]))


async def test_a_command_without_an_exec_id_is_answered_without_one(fleet: Fleet) -> None:
    result = await run(fleet, command(exec_id=None))

    assert "exec_id" not in result
    assert result["exit_code"] == 0


async def test_a_run_with_an_exec_id_tells_its_beginning_with_the_version(fleet: Fleet) -> None:
    sent = command(version="1.10")
    started = await fleet.client.subscribe(f"events.started.{sent['exec_id']}.{HOST}")

    result = await run(fleet, sent)
    event = wire.document((await started.next_msg(timeout=ANSWER_SECONDS)).data)

    assert {
        "result_id": result["result_id"],
        "request_id": sent["request_id"],
        "exec_id": sent["exec_id"],
        "pc_id": HOST,
        "started_at": result["started_at"],
        "manifest_id": sent["id"],
        "version": "1.10",
    } == event
    await started.unsubscribe()


async def test_a_script_that_takes_too_long_is_ended_with_all_it_started(fleet: Fleet) -> None:
    gate, witness = fleet.scratch(), fleet.scratch()
    script = f"({waits_for(gate)}; touch {witness}) & echo begun; sleep 100"

    result = await run_in_time(
        fleet,
        lambda seconds: command(script, timeout_secs=seconds),
        begun=lambda result: result["stdout"] == "begun\n",
    )

    assert (result["exit_code"], result["skipped"], result["stdout"]) == (-1, False, "begun\n")
    assert re.fullmatch(r"timeout after \d+s", str(result["stderr"]))
    gate.touch()
    await asyncio.sleep(1)  # the grandchild would have written by then
    assert not witness.exists()


async def test_a_script_that_will_not_end_is_ended_all_the_same(fleet: Fleet) -> None:
    script = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"

    result = await run_in_time(
        fleet,
        lambda seconds: command(script, timeout_secs=seconds),
        begun=lambda result: result["stdout"] == "deaf\n",
    )

    ran = wire.instant(str(result["finished_at"])) - wire.instant(str(result["started_at"]))
    assert (result["exit_code"], result["stdout"]) == (-1, "deaf\n")
    assert ran >= timedelta(seconds=6)


async def test_output_beyond_eight_megabytes_loses_its_middle(fleet: Fleet) -> None:
    script = "echo first; head -c 9000000 /dev/zero | tr '\\0' x; echo; echo last"
    sent = command(script)

    result = await run(fleet, sent)

    store = await fleet.jetstream.object_store("result_output")
    content = ((await store.get(str(result["stdout_object"]))).data or b"").decode()
    dropped = 9_000_012 - 8 * 1024 * 1024
    assert content.startswith("first\nxxx")
    assert content.endswith("xxx\nlast\n")
    assert (
        f"\n[kanade] output truncated: 9000012 bytes written, {dropped} dropped "
        "(kept the first 5592404 and last 2796204).\n"
    ) in content


async def test_a_running_script_can_be_killed_by_its_exec_id(fleet: Fleet) -> None:
    sent = command("sleep 100")
    begun = await fleet.client.subscribe(f"events.started.{sent['exec_id']}.>")
    async with results_of(fleet, sent) as results:
        await send(fleet, sent)
        await begun.next_msg(timeout=ANSWER_SECONDS)
        await fleet.client.publish(f"kill.{sent['exec_id']}", b"")
        result = await next_result(results)

    assert (result["exit_code"], result["skipped"]) == (-1, False)
    assert f"killed by remote signal (kill.{sent['exec_id']})" == result["stderr"]
    await begun.unsubscribe()


@pytest.mark.parametrize("shell", ["powershell", "pwsh", "cmd"])
async def test_a_shell_that_the_host_lacks_is_no_outcome(fleet: Fleet, shell: str) -> None:
    result = await run(fleet, command("Get-Date", shell=shell))

    assert (result["exit_code"], result["skipped"], result["stdout"]) == (-1, False, "")
    assert (
        f"command failed before it produced an outcome: spawn {shell}: "
        "No such file or directory (os error 2)"
    ) == result["stderr"]


async def test_a_folder_that_is_not_there_is_no_outcome(fleet: Fleet) -> None:
    result = await run(fleet, command(cwd="/nowhere/at/all"))

    assert result["exit_code"] == -1
    assert result["stderr"] == (
        "command failed before it produced an outcome: spawn sh: "
        "No such file or directory (os error 2)"
    )


async def test_a_script_runs_in_the_folder_that_the_command_names(fleet: Fleet) -> None:
    result = await run(fleet, command("pwd", cwd="/"))

    assert result["stdout"] == "/\n"


async def test_output_that_is_no_utf_8_is_replaced_and_not_lost(fleet: Fleet) -> None:
    result = await run(fleet, command(r"printf 'a\377b\n'"))

    assert result["stdout"] == "a\N{REPLACEMENT CHARACTER}b\n"


async def test_a_daemon_that_a_script_left_behind_does_not_hold_its_result(fleet: Fleet) -> None:
    gate, witness = fleet.scratch(), fleet.scratch()
    script = f"({waits_for(gate)}; touch {witness}) & echo away"

    result = await run(fleet, command(script))

    assert (result["exit_code"], result["stdout"]) == (0, "away\n")
    gate.touch()

    async def written() -> bool:
        return witness.exists()

    await until(written, "the daemon's own end")


async def test_large_output_goes_into_the_object_store(fleet: Fleet) -> None:
    script = (
        "head -c 300000 /dev/zero | tr '\\0' x; echo; echo 'kanade-backend 0.101.0'; echo e >&2"
    )
    sent = command(script)

    result = await run(fleet, sent)

    key = f"{sent['request_id']}/{HOST}/stdout"
    assert ("", "e\n", key) == (result["stdout"], result["stderr"], result["stdout_object"])
    assert "stderr_object" not in result
    store = await fleet.jetstream.object_store("result_output")
    content = (await store.get(key)).data or b""
    assert 300_000 + len("\nkanade-backend 0.101.0\n") == len(content)
    assert content.endswith(b"x\nkanade-backend 0.101.0\n")


async def test_a_failed_run_is_repeated_when_the_command_says_so(fleet: Fleet) -> None:
    counter = fleet.scratch()
    script = f"echo x >> {counter}; test $(wc -l < {counter}) = 3"
    retry: wire.Json = {"max": 3, "backoff_secs": 0}

    result = await run(fleet, command(script, retry=retry))

    assert result["exit_code"] == 0
    assert result["stderr"] == "succeeded after 2 retries (#418 on_failure.retry)"
