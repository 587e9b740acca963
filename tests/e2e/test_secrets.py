"""Secrets that were used all along a whole update are nowhere to be seen afterwards."""

import asyncio
import base64
import json
import os
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from reconciler.cli.demo.process import client_of, controller_process
from reconciler.cli.demo.repository import Repository as Fleet
from reconciler.cli.status_client import StatusClient
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection, connect
from reconciler.jetstream.options import NatsOptions
from reconciler.lab.fleet import Lab, LabOptions
from reconciler.lab.service import build_service
from reconciler.model.plan import State
from tests.source.http_git import HttpGit, arguments_of_all, serving
from tests.source.repository import Repository
from tests.support.command_line import command

HOST = "backend-01"
NATS = "Sparrow-Of-The-NATS-Token"
BACKEND = "Sparrow-Of-The-Backend-Token=="
GIT = "Sparrow/Of+The Git?Token"
KNOB = "Sparrow 'of' \"a\" $(knob) `with` \\all% & more"
SECRETS = {"NATS": NATS, "BACKEND": BACKEND, "GIT": GIT, "KNOB": KNOB}

_SETTINGS = """\
[source]
url = "{git}"
folder = "desired-state"
token = {{ secret = "git" }}

[nats]
url = "{nats}"
token = {{ secret = "nats" }}

[backend]
url = "{backend}"
token = {{ secret = "backend-token" }}

[controller]
instance = "desk"
state_dir = "{folder}/state"
artifact_roots = ["{folder}"]
allow_http_loopback = true
lab = true

[secrets]
git = {{ env = "SPARROW_GIT" }}
nats = {{ env = "SPARROW_NATS" }}
backend-token = {{ env = "SPARROW_BACKEND" }}
knob = {{ env = "SPARROW_KNOB" }}

[log]
format = "json"
level = "debug"
"""


def spellings() -> Iterator[tuple[str, bytes]]:
    """Yield every text that would give a secret away."""
    for name, value in SECRETS.items():
        for text in (
            value,
            urllib.parse.quote(value, safe=""),
            json.dumps(value)[1:-1],
            base64.b64encode(value.encode()).decode().rstrip("="),
            base64.b64encode(f"git:{value}".encode()).decode().rstrip("="),
        ):
            yield name, text.encode()
    yield "a part of one", b"parrow"


def given_away(content: bytes) -> set[str]:
    return {name for name, text in spellings() if text in content}


@dataclass
class Witness:
    """Sees the arguments of every process while it watches."""

    lines: set[str] = field(default_factory=set)

    async def watch(self) -> None:
        while True:
            self.lines |= set(arguments_of_all())
            await asyncio.sleep(0.1)


class Named(msgspec.Struct):
    """The names of all streams."""

    streams: list[str]


class Span(msgspec.Struct):
    """Which messages a stream has."""

    first_seq: int
    last_seq: int


class Info(msgspec.Struct):
    """What the server says of a stream."""

    state: Span


async def messages(connection: Connection) -> dict[str, bytes]:
    """Return everything that is in any stream, by stream and subject, headers and all."""
    found: dict[str, bytes] = {}
    named = await api.call(connection, "STREAM.NAMES", {}, Named, "streams")
    for name in named.streams:
        state = (await api.call(connection, f"STREAM.INFO.{name}", {}, Info, name)).state
        for sequence in range(state.first_seq, state.last_seq + 1):
            asked = await connection.request(
                f"$JS.API.STREAM.MSG.GET.{name}", json.dumps({"seq": sequence}).encode(), what=name
            )
            message = json.loads(asked.data).get("message")
            if message is not None:
                parts = (base64.b64decode(message.get(part, "")) for part in ("hdrs", "data"))
                key = f"{name} {message['subject']}"
                found[key] = found.get(key, b"") + b"\n".join(parts)
    return found


def prepare(fleet: Fleet, backend_url: str) -> None:
    """Make a repository that asks for a version, with one more knob that is a secret."""
    fleet.create([HOST], backend_url)
    script = fleet.state / "scripts" / "deploy-backend.sh"
    text = script.read_text("utf-8")
    script.write_text(text.replace("AGENT_SOURCE_URL=''", "SPICE=''\nAGENT_SOURCE_URL=''", 1))
    release = fleet.state / "releases" / "kanade-backend.yaml"
    text = release.read_text("utf-8")
    release.write_text(text.replace("  knobs:\n", "  knobs:\n    SPICE: {secret: knob}\n"))
    fleet.bump("0.43.0", build_service("0.43.0"), "Ask for 0.43.0")


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[tuple[Lab, HttpGit, Path]]:
    options = LabOptions(token=BACKEND, nats_token=NATS, heartbeat_seconds=1, drain_seconds=0.1)
    fleet = Fleet(folder / "repository", folder / "builds")
    async with Lab(folder / "fleet", [HOST], build_service("0.42.0"), options) as lab:
        prepare(fleet, lab.backend_url)
        async with serving(Repository(fleet.folder / ".git")) as git:
            git.password = GIT
            config = folder / "reconciler.toml"
            config.write_text(
                _SETTINGS.format(
                    git=git.url, nats=lab.nats_url, backend=lab.backend_url, folder=folder
                )
            )
            yield lab, git, config


async def converged(client: StatusClient) -> None:
    async with asyncio.timeout(60):
        while [item.state for item in client.board.read().hosts.values()] != [State.CONVERGED]:  # noqa: ASYNC110 (another process tells it)
            await asyncio.sleep(0.05)


async def said(config: Path, *words: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command("--debug", "--config", str(config), *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert output
    return output


@pytest.mark.slow
async def test_nothing_that_is_left_behind_gives_a_secret_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setitem(os.environ, f"SPARROW_{name}", value)
    monkeypatch.setitem(os.environ, "STABLE_SECONDS", "1")
    witness, log = Witness(), tmp_path / "controller.log"
    async with stage(tmp_path) as (lab, git, config), asyncio.TaskGroup() as group:
        watching = group.create_task(witness.watch())
        async with controller_process(config, log) as process, client_of(config, process) as client:
            await converged(client)
        options = NatsOptions(servers=(lab.nats_url,), token=NATS)
        async with await connect(options) as connection:
            stored = await messages(connection)
        outputs = [
            await said(config, *words.split())
            for words in ("plan -o json", "get releases -o json", "get hosts -o yaml", "check")
        ]
        monkeypatch.setitem(os.environ, "SPARROW_KNOB", f"{KNOB}\nits second line")
        outputs.append(await said(config, "apply"))
        for name, value in SECRETS.items():
            monkeypatch.setitem(os.environ, f"SPARROW_{name}", f"{value}x")
        outputs += [await said(config, word) for word in ("check", "apply")]
        watching.cancel()

    scripts = {key for key in stored if key.startswith("OBJ_scripts $O.scripts.C.")}
    assert {"a part of one", "BACKEND"} <= set().union(
        *(given_away(stored[key]) for key in scripts)
    )
    assert any(git.seen)
    assert {
        key: given for key in stored.keys() - scripts if (given := given_away(stored[key]))
    } == {}
    assert set() == given_away(log.read_bytes())
    assert set() == given_away(b"\n".join(outputs))
    # kanade's agent hands a script to its shell as an argument: that is the script itself.
    lines = [line for line in witness.lines if not line.startswith("sh -c #!/bin/sh\n")]
    assert [line for line in lines if given_away(line.encode())] == []
    state = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert state
    assert [path for path in state if given_away(path.read_bytes())] == []
