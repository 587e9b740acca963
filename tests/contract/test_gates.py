"""What keeps a command from running, when it comes and while it waits."""

import asyncio
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
    run_all,
    run_in_time,
    send,
    waits_for,
)
from tests.contract.fleets import HOST, Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_version_that_is_not_the_pinned_one_is_skipped(fleet: Fleet) -> None:
    sent = command(version="2")
    await fleet.put("script_current", str(sent["id"]), b"1")

    result = await run(fleet, sent)

    assert (result["exit_code"], result["skipped"], result["stdout"]) == (124, True, "")
    assert (
        f"skipped: version-pin mismatch — script_current[{sent['id']}] = 1, command brought 2"
    ) == result["stderr"]
    assert result["started_at"] == result["finished_at"]


async def test_a_job_without_a_pin_runs_in_any_version(fleet: Fleet) -> None:
    result = await run(fleet, command(version="anything"))

    assert result["exit_code"] == 0


async def test_a_revoked_job_is_skipped_until_it_is_active_again(fleet: Fleet) -> None:
    sent = command()
    await fleet.put("script_status", str(sent["id"]), b"REVOKED")

    skipped = await run(fleet, sent)
    await fleet.put("script_status", str(sent["id"]), b"ACTIVE")
    ran = await run(fleet, {**command(), "id": sent["id"]})

    assert (skipped["exit_code"], skipped["skipped"]) == (126, True)
    assert (
        f"skipped: command was revoked (script_status[{sent['id']}] = revoked)"
        == (skipped["stderr"])
    )
    assert (ran["exit_code"], ran["skipped"]) == (0, False)


async def test_a_deadline_that_has_passed_is_skipped(fleet: Fleet) -> None:
    # A year has 365.25 days there, and a month 30.44.
    passed = wire.instant(wire.now()).replace(microsecond=0) - timedelta(days=2 * 365.25 + 5 * 30.5)

    result = await run(fleet, command(deadline_at=passed.isoformat()))

    assert (result["exit_code"], result["skipped"]) == (125, True)
    received = str(result["started_at"]).replace("T", " ").replace("Z", " UTC")
    assert str(result["stderr"]).startswith("skipped: starting deadline expired 2years 5months ")
    assert str(result["stderr"]).endswith(
        f" ago (deadline {passed:%Y-%m-%d %H:%M:%S} UTC, received {received})"
    )


async def test_a_deadline_that_has_not_passed_does_not_matter(fleet: Fleet) -> None:
    soon = (wire.instant(wire.now()) + timedelta(hours=1)).isoformat()

    result = await run(fleet, command(deadline_at=soon))

    assert result["exit_code"] == 0


@pytest.mark.parametrize(("run_as", "spelled"), [("user", "User"), ("system_gui", "SystemGui")])
async def test_another_user_is_not_supported_on_linux(
    fleet: Fleet, run_as: str, spelled: str
) -> None:
    result = await run(fleet, command(run_as=run_as))

    assert (result["exit_code"], result["skipped"]) == (122, True)
    assert f"skipped: run_as {spelled} is not supported on Linux agents" == result["stderr"]


async def test_a_script_may_exit_with_a_reserved_code_without_being_a_skip(fleet: Fleet) -> None:
    results = await run_all(fleet, *(command(f"exit {code}") for code in (121, 124, 126, 127)))

    assert [(result["exit_code"], result["skipped"]) for result in results] == [
        (121, False),
        (124, False),
        (126, False),
        (127, False),
    ]


async def test_a_skipped_command_tells_no_beginning(fleet: Fleet) -> None:
    sent = command(deadline_at="2020-01-01T00:00:00Z")
    begun = await fleet.client.subscribe("events.started.>")

    await run(fleet, sent)
    witness = command()
    await run(fleet, witness)

    seen: set[wire.Json] = set()
    while witness["request_id"] not in seen:
        message = await begun.next_msg(timeout=ANSWER_SECONDS)
        seen.add(str(wire.document(message.data)["request_id"]))
    assert sent["request_id"] not in seen
    await begun.unsubscribe()


async def test_the_pin_is_looked_at_again_after_waiting_for_a_place(fleet: Fleet) -> None:
    late = command("echo ran")
    await fleet.put("script_current", str(late["id"]), b"1")

    async with results_of(fleet, late) as results:
        async with _every_place_taken(fleet):
            await send(fleet, late)
            await _until_waiting(fleet, late)
            await fleet.put("script_current", str(late["id"]), b"2")
        result = await next_result(results)

    assert (result["exit_code"], result["skipped"]) == (124, True)


async def test_a_deadline_ends_the_waiting_for_a_place(fleet: Fleet) -> None:
    waited = "skipped: starting deadline expired while waiting for local job slot"

    def late(seconds: int) -> wire.Document:
        soon = wire.instant(wire.now()) + timedelta(seconds=seconds)
        return command("echo ran", deadline_at=soon.isoformat())

    async with _every_place_taken(fleet):
        result = await run_in_time(fleet, late, begun=lambda result: result["stderr"] == waited)

    assert (result["exit_code"], result["skipped"], result["stderr"]) == (125, True, waited)


async def test_a_kill_ends_the_waiting_for_a_place(fleet: Fleet) -> None:
    late = command("echo ran")

    async with results_of(fleet, late) as results, _every_place_taken(fleet):
        await send(fleet, late)
        await _until_waiting(fleet, late)
        await fleet.client.publish(f"kill.{late['exec_id']}", b"")
        result = await next_result(results)

    assert (result["exit_code"], result["skipped"]) == (-1, False)
    assert result["stderr"] == "killed while waiting for local job slot"


async def test_a_kill_ends_the_jitter(fleet: Fleet) -> None:
    late = command("echo ran", jitter_secs=7_211_777)

    async with results_of(fleet, late) as results:
        await send(fleet, late)
        await _until_logged(fleet, "jitter_secs=7211777")
        await fleet.client.publish(f"kill.{late['exec_id']}", b"")
        result = await next_result(results)

    assert (result["exit_code"], result["skipped"]) == (-1, False)
    assert result["stderr"] == "killed during start jitter"


async def test_a_command_may_bypass_the_places(fleet: Fleet) -> None:
    async with _every_place_taken(fleet):
        result = await run(fleet, command("echo ran", bypass_local_limit=True))

    assert result["stdout"] == "ran\n"


class _every_place_taken:  # noqa: N801 - reads as a phrase where it is used
    """Keeps every place of the host busy; both fleets run two scripts at once here."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._gate = fleet.scratch()
        self._tasks: list[asyncio.Task[wire.Document]] = []

    async def __aenter__(self) -> None:
        busy = [command(waits_for(self._gate), timeout_secs=600) for _ in range(2)]
        begun = await self._fleet.client.subscribe("events.started.>")
        self._tasks = [asyncio.ensure_future(run(self._fleet, one)) for one in busy]
        waiting = {one["request_id"] for one in busy}
        while waiting:
            message = await begun.next_msg(timeout=ANSWER_SECONDS)
            waiting.discard(wire.document(message.data)["request_id"])
        await begun.unsubscribe()

    async def __aexit__(self, *_: object) -> None:
        self._gate.touch()
        await asyncio.gather(*self._tasks)


async def _until_waiting(fleet: Fleet, sent: wire.Document) -> None:
    """Wait until *sent* has passed the gates and waits for a place."""
    await _until_logged(fleet, f"waiting for local job slot request_id={sent['request_id']}")


async def _until_logged(fleet: Fleet, text: str) -> None:
    """Wait until the agent's log has *text* near its end."""

    async def logged() -> bool:
        asked = wire.encode({"tail_lines": 200})
        reply = await fleet.client.request(f"logs.fetch.{HOST}", asked, timeout=ANSWER_SECONDS)
        return text in reply.data.decode()

    await until(logged, f"the agent saying {text!r}")
