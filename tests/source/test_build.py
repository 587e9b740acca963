"""Artifacts built from a commit: by a command that has an end, in a folder that has one."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import ArtifactRefused
from reconciler.model.desired import BuildArtifact
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Blob, Commit, Snapshot
from reconciler.ports import BytesContent, Content
from reconciler.source.build import Builder
from tests.source.repository import names_in
from tests.support.builders import NOON

LARGE = os.urandom(2_000_000)


@asynccontextmanager
async def open_blob(object_id: str, size_bytes: int) -> AsyncIterator[Content]:
    assert (object_id, size_bytes) == ("large", len(LARGE))
    yield BytesContent(LARGE)


def snapshot(**files: bytes) -> Snapshot:
    blobs = [
        Blob(path=path, object_id=path, size_bytes=len(content), content=content)
        for path, content in files.items()
    ]
    return Snapshot(
        commit=Commit(revision=Revision("1" * 40), subject="", author="", committed_at=NOON),
        origin="",
        folder="",
        files={blob.path: blob for blob in blobs},
    )


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(
        open_blob=open_blob,
        folder=tmp_path / "builds",
        deadline=timedelta(minutes=1),
        max_output_bytes=10_000_000,
        environment={"PATH": os.environ["PATH"]},
    )


def shell(script: str, output: str = "out") -> BuildArtifact:
    return BuildArtifact(command=("/bin/sh", "-c", script), output=output)


async def built(builder: Builder, build: BuildArtifact, files: Snapshot) -> bytes:
    async with builder.built(build, files) as descriptor:
        return os.read(descriptor, 10**7)


async def refusal(builder: Builder, build: BuildArtifact, files: Snapshot | None = None) -> str:
    with pytest.raises(ArtifactRefused) as caught:
        await built(builder, build, files or snapshot())
    assert names_in(builder.folder) == []
    assert str(caught.value).isprintable()
    return str(caught.value)


async def test_a_build_sees_the_files_of_its_commit_as_they_are(builder: Builder) -> None:
    """No filter, no attribute of the tree: a line end stays what it is."""
    files = snapshot(**{"src/a": b"a\r\n", ".gitattributes": b"* text eol=lf\n", "b": b""})

    content = await built(
        builder, shell("find . -type f | sort > ../home/l; cat ../home/l src/a > out"), files
    )

    assert content == b"./.gitattributes\n./b\n./src/a\na\r\n"
    assert names_in(builder.folder) == []


async def test_a_file_may_be_run_and_a_large_one_is_streamed(builder: Builder) -> None:
    files = snapshot(**{"build.sh": b"#!/bin/sh\ncp large out\n"})
    run = replace(files.files["build.sh"], executable=True)
    large = Blob(path="large", object_id="large", size_bytes=len(LARGE))
    both = replace(files, files={"build.sh": run, "large": large})

    assert await built(builder, BuildArtifact(command=("./build.sh",), output="out"), both) == LARGE


async def test_a_build_sees_a_home_of_its_own_and_no_secret_of_ours(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is given the whole of our environment to choose from."""
    monkeypatch.setenv("CANARY", "1")
    monkeypatch.setenv("RUSTUP_HOME", "/r")
    told = replace(builder, environment=os.environ, variables={"CARGO_HOME": "/c", "HOME": "/x"})

    seen = (await built(told, shell("env > out"), snapshot())).decode()

    variables = dict(line.split("=", 1) for line in seen.splitlines())
    assert "CANARY" not in variables
    assert (variables["CARGO_HOME"], variables["RUSTUP_HOME"]) == ("/c", "/r")
    assert variables["HOME"].startswith(str(builder.folder))
    assert variables["TMPDIR"].startswith(str(builder.folder))
    assert variables["LANG"] == "C.UTF-8"


async def test_a_build_that_fails_says_its_last_words(builder: Builder) -> None:
    script = r"echo one; echo two; echo three >&2; printf '\033[31mfour\n\n'; exit 7"

    assert await refusal(builder, shell(script)) == (
        "build '/bin/sh': ended with 7; its output: two | three | ?[31mfour"
    )


async def test_a_build_that_fails_in_silence_says_so(builder: Builder) -> None:
    assert await refusal(builder, shell("exit 1")) == (
        "build '/bin/sh': ended with 1; it wrote nothing"
    )


async def test_a_build_that_talks_much_is_not_listened_to_for_ever(builder: Builder) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 1"

    assert (await refusal(builder, shell(script))).endswith("its output: 19997 | 19998 | 19999")


async def test_a_build_that_takes_too_long_is_ended_with_its_children(
    builder: Builder, tmp_path: Path
) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/pid; echo waiting; wait"

    seconds = 0.3
    while True:
        hasty = replace(builder, deadline=timedelta(seconds=seconds))
        said = await refusal(hasty, shell(script))
        if said.endswith("waiting") or seconds > 20:
            break
        seconds *= 5  # a busy machine has not begun

    assert said == f"build '/bin/sh': not done within {seconds:g} s; its output: waiting"
    await ended(tmp_path / "pid")


async def test_what_a_build_leaves_running_is_ended(builder: Builder, tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid; echo done > out"

    assert await built(builder, shell(script), snapshot()) == b"done\n"
    await ended(tmp_path / "pid")


async def test_a_cancelled_build_leaves_nothing(builder: Builder, tmp_path: Path) -> None:
    building = asyncio.ensure_future(
        built(builder, shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait"), snapshot())
    )
    async with asyncio.timeout(60):
        while not written(tmp_path / "pid"):  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(0.01)
    building.cancel()
    await asyncio.wait([building])

    assert names_in(builder.folder) == []
    await ended(tmp_path / "pid")


async def test_a_command_that_is_not_there_is_named(builder: Builder) -> None:
    build = BuildArtifact(command=("/no/such/cargo", "build"), output="out")

    assert await refusal(builder, build) == (
        "build '/no/such/cargo': /no/such/cargo cannot be started: No such file or directory"
    )


@pytest.mark.parametrize(
    ("script", "output", "message"),
    [
        ("true", "out", "build output out: there is no such file below the build's folder"),
        ("mkdir out", "out", "build output out: is not a regular file"),
        ("ln -s /etc/passwd out", "out", "build output out: /etc/passwd is not below"),
        ("mkfifo out", "out", "build output out: is not a regular file"),
        ("true", "/etc/passwd", "build output /etc/passwd: /etc/passwd is not below"),
        ("true", "../log", "build output ../log: "),
    ],
)
async def test_only_a_file_of_the_build_is_its_output(
    builder: Builder, script: str, output: str, message: str
) -> None:
    assert (await refusal(builder, shell(script, output))).startswith(message)


async def test_a_build_may_not_write_without_end(builder: Builder) -> None:
    modest = replace(builder, max_output_bytes=100_000)

    message = await refusal(modest, shell("head -c 1000000 /dev/zero > out"))

    assert message.startswith("build '/bin/sh': ended with ")


async def ended(note: Path) -> None:
    process = Path("/proc") / read(note).strip()
    async with asyncio.timeout(60):
        while running(process):  # noqa: ASYNC110 - a process of others has no event
            await asyncio.sleep(0.01)


def running(process: Path) -> bool:
    state = read(process / "stat").rpartition(")")[2].split()
    return bool(state) and state[0] != "Z"


def written(note: Path) -> bool:
    return read(note).endswith("\n")


def read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
