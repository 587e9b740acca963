"""Children that end when they should, with everything they have started."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.source.process import Invocation, NotStarted, finished, running
from tests.support.nats import eventually

LONG = timedelta(minutes=1)


def shell(script: str, *, max_file_bytes: int | None = None) -> Invocation:
    environment = {"PATH": os.environ["PATH"]}
    return Invocation(
        arguments=("/bin/sh", "-c", script),
        environment=environment,
        max_file_bytes=max_file_bytes,
    )


async def gone(process: int) -> None:
    """Wait until *process* is no more, or a zombie that nobody has fetched yet."""
    async with asyncio.timeout(60):
        while alive(process):  # noqa: ASYNC110 - a process of others has no event
            await asyncio.sleep(0.005)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def written(note: Path) -> bool:
    return note.exists() and note.read_text().endswith("\n")


async def test_output_errors_and_code_are_told() -> None:
    done = await finished(
        shell("echo out; echo err >&2; exit 3"), deadline=LONG, max_output_bytes=100
    )

    assert (done.code, done.output, done.errors, done.output_cut) == (3, b"out\n", "err\n", False)


async def test_it_sees_only_the_environment_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "1")

    done = await finished(shell("env"), deadline=LONG, max_output_bytes=1000)

    assert b"CANARY" not in done.output
    assert b"PATH=" in done.output


async def test_it_has_nothing_to_read() -> None:
    done = await finished(shell("cat; echo end"), deadline=LONG, max_output_bytes=100)

    assert done.output == b"end\n"


async def test_at_the_deadline_children_of_children_end_as_well(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    waits = shell(f"sleep 600 & echo $! > {note}; wait")

    for seconds in (0.3, 3, 30):  # a busy machine may not have begun at the first deadline
        with pytest.raises(TimeoutError):
            await finished(waits, deadline=timedelta(seconds=seconds), max_output_bytes=100)
        if written(note):
            break

    await gone(int(note.read_text()))


async def test_a_cancelled_run_leaves_nobody_behind(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    waits = shell(f"sleep 600 & echo $! > {note}; wait")
    run = asyncio.ensure_future(finished(waits, deadline=LONG, max_output_bytes=1))
    await eventually(lambda: written(note))

    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    await gone(int(note.read_text()))


async def test_a_run_that_is_cancelled_while_it_starts_leaves_nobody_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, start = tmp_path / "pid", asyncio.create_subprocess_exec

    async def slowly(*words: str, **how: object) -> asyncio.subprocess.Process:
        process = await start(*words, **how)  # type: ignore[arg-type]  # as they were given
        await eventually(lambda: written(note))
        run.cancel()
        await asyncio.sleep(0)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    waits = shell(f"sleep 600 & echo $! > {note}; wait")
    run = asyncio.ensure_future(finished(waits, deadline=LONG, max_output_bytes=1))

    with pytest.raises(asyncio.CancelledError):
        await run

    await gone(int(note.read_text()))


async def test_output_past_the_limit_ends_the_command() -> None:
    done = await finished(shell("yes"), deadline=LONG, max_output_bytes=100_000)

    assert done.output_cut
    assert len(done.output) == 100_000


async def test_what_is_still_in_the_pipe_after_the_limit_does_not_hold_it_up() -> None:
    late = "setsid sh -c 'sleep 0.2; head -c 500000 /dev/zero' & yes"

    done = await finished(shell(late), deadline=LONG, max_output_bytes=1000)

    assert done.output_cut
    assert len(done.output) == 1000


async def test_of_many_errors_the_last_are_kept() -> None:
    script = "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done"

    done = await finished(shell(script), deadline=LONG, max_output_bytes=10)

    assert done.errors.endswith("line 2999\n")
    assert len(done.errors) == 8192


async def test_no_file_becomes_larger_than_it_may(tmp_path: Path) -> None:
    file = tmp_path / "file"

    done = await finished(
        shell(f"head -c 1000000 /dev/zero > {file}", max_file_bytes=10_000),
        deadline=LONG,
        max_output_bytes=10,
    )

    assert done.code
    assert file.stat().st_size == 10_240  # whole blocks of 512 bytes


async def test_a_word_with_a_nul_is_handed_to_nobody() -> None:
    call = Invocation(arguments=("/bin/true", "a\0b"), environment={})

    with pytest.raises(NotStarted) as caught:
        await finished(call, deadline=LONG, max_output_bytes=1)

    assert str(caught.value) == "/bin/true cannot be started: embedded null byte"


async def test_a_command_that_is_not_there_is_named() -> None:
    call = Invocation(arguments=("/no/such/command",), environment={})

    with pytest.raises(NotStarted) as caught:
        await finished(call, deadline=LONG, max_output_bytes=1)

    assert str(caught.value) == "/no/such/command cannot be started: No such file or directory"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-such-command", "No such file or directory"),
        ("./missing", "No such file or directory"),
        ("./plain", "Permission denied"),
    ],
)
async def test_a_limited_command_that_is_not_there_is_named(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "plain").touch()
    call = Invocation(arguments=(name,), environment={}, folder=tmp_path, max_file_bytes=1)

    with pytest.raises(NotStarted) as caught:
        await finished(call, deadline=LONG, max_output_bytes=1)

    assert str(caught.value) == f"{name} cannot be started: {reason}"


async def test_a_limited_command_is_looked_for_in_its_folder_and_path(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text('#!/bin/sh\necho "$0 $*"\n')
    (tmp_path / "mine").chmod(0o755)
    environment = {"PATH": str(tmp_path)}

    for name in ("mine", "./mine"):
        call = Invocation(
            arguments=(name, "a b", "c"),
            environment=environment,
            folder=tmp_path,
            max_file_bytes=1000,
        )
        done = await finished(call, deadline=LONG, max_output_bytes=1000)
        assert done.output.decode() == f"{tmp_path}/mine a b c\n"


async def test_what_is_said_may_go_to_a_file(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        async with running(shell("echo out; echo err >&2"), output=log) as process:
            assert await process.wait() == 0

    assert (tmp_path / "log").read_text() == "out\nerr\n"
