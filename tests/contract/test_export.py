"""`export` of a fleet that people keep by hand, whatever kanade makes of what they write."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from reconciler.cli.roles import Role
from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.contract.commands import unique
from tests.contract.fleets import HOST, SPARE, Fleet
from tests.contract.real_kanade import NATS_TOKEN
from tests.contract.recordings import recorded
from tests.contract.test_objects import publish
from tests.source.repository import git
from tests.support.command_line import Done, execute
from tests.support.nats_users import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = """\
[source]
url = "{folder}/exported"

[nats]
url = "nats://{nats}"
{login}

[backend]
url = "{backend}"
token = {{ secret = "backend" }}

[controller]
state_dir = "{folder}/state"
lab = true

[secrets]
nats = {{ env = "TEST_NATS_SECRET" }}
backend = {{ env = "TEST_HTTP_TOKEN" }}
"""
JOB = """\
# Mind the nightly backup!
id: {job}
version: 1.10   # as kanade takes it
execute:
  shell: sh
  timeout: 60s
  script: |
    echo "a: b"   # a comment of the script's own
tags: [tidy]
"""
INSTALL = """\
id: {job}
version: "1.0"
execute: {{shell: sh, timeout: 300s, script_object: {script}/1.0}}
"""
UNFIT = {
    f"# A draft: {why}."
    for why in (
        'execute.timeout: must be 1s..7d, written like 90s, 5m, 1h30m or 7d; found "300"',
        'execute.timeout: must be 1s..7d, written like 90s, 5m, 1h30m or 7d; found "tomorrow"',
        "it is managed from https://example.com/x.git, jobs/a.yaml",
        "it is managed from https://x/y, jobs/a.yaml",
        "version is empty",
        'version "~" does not match (expected A-Z a-z 0-9 _ - and single dots, as in "0.43.0")',
    )
}
"""What kanade takes and runs never, or what is somebody else's."""


async def call(fleet: Fleet, folder: Path, *words: str) -> Done:
    """Run a command as the operator of *fleet*, where NATS knows of one."""
    config = folder / "reconciler.toml"
    role = Role.OPERATOR
    user = (
        f'user = "{role}"\npassword = {{ secret = "nats" }}\ninbox_prefix = "{role.inbox_prefix}"'
    )
    server = fleet.client.connected_url
    assert server is not None
    config.write_text(
        SETTINGS.format(
            folder=folder,
            nats=f"{server.hostname}:{server.port}",
            login=user if fleet.roles else 'token = { secret = "nats" }',
            backend=fleet.url,
        )
    )
    secrets: Mapping[str, str] = {
        "TEST_NATS_SECRET": PASSWORD if fleet.roles else NATS_TOKEN,
        "TEST_HTTP_TOKEN": fleet.token,
    }
    return await asyncio.to_thread(
        execute, "--config", str(config), *words, environment=secrets, patience=60
    )


async def post(fleet: Fleet, text: str) -> None:
    reply = await fleet.ask("POST", "/api/jobs", text, kind="application/yaml")
    assert reply.status == 200, reply.text


async def post_all_that_kanade_takes(fleet: Fleet) -> list[str]:
    """Register every recorded manifest under an id of its own; return the ids."""
    posted: list[str] = []
    for case in recorded("manifests"):
        answer = case["answer"]
        if case["status"] == 200 and isinstance(answer, dict):
            named = rf'(\bid"?\s*:\s*["\']?){re.escape(str(answer["id"]))}'
            body = re.sub(named, rf"\g<1>{unique('export')}", str(case["body"]), count=1)
            reply = await fleet.ask("POST", "/api/jobs", body, kind=str(case["type"]))
            assert reply.status == 200, reply.text
            posted.append(str(reply.document["id"]))
    return posted


async def all_hosts_are_known(fleet: Fleet) -> bool:
    rows = (await fleet.ask("GET", "/api/agents")).rows
    return {row["pc_id"] for row in rows} >= {HOST, SPARE}


async def publish_install(fleet: Fleet, name: str) -> None:
    """Publish a package, and a script that names it, and register the job that runs it."""
    package = f"the package {name}".encode()
    digest = hashlib.sha256(package).hexdigest()
    script = f"#!/bin/sh\nVERSION=1.0\nSHA256={digest}\nTOKEN=hunter2\nset -eu\necho done\n"
    for store, key, content in (
        ("app-packages", f"{name}/1.0", package),
        ("script-objects", f"deploy-{name}/1.0", script.encode()),
    ):
        reply = await publish(fleet, f"/api/{store}/{key}", ("file", content))
        assert reply.status == 200, reply.text
    await post(fleet, INSTALL.format(job=f"install-{name}", script=f"deploy-{name}"))


async def test_what_is_exported_is_valid_and_has_nothing_to_do(
    fleet: Fleet, tmp_path: Path
) -> None:
    job, name, group = unique("job"), unique("package"), unique("group")
    shapes = await post_all_that_kanade_takes(fleet)
    await post(fleet, JOB.format(job=job))
    await publish_install(fleet, name)
    await fleet.put("agent_groups", HOST, wire.encode({"groups": [group]}))
    await until(lambda: all_hosts_are_known(fleet), "both hosts being listed")
    folder = tmp_path / "exported"

    exported = await call(fleet, tmp_path, "export", str(folder))

    assert exported.code == 0, exported
    assert (folder / "jobs" / f"{job}.yaml").read_text() == JOB.format(job=job).replace(
        "1.10", '"1.10"'
    )
    drafts = [it for it in shapes if not (folder / "jobs" / f"{it}.yaml").exists()]
    whys = {(folder / "drafts" / "jobs" / f"{it}.yaml").read_text().split("\n")[0] for it in drafts}
    assert whys == UNFIT, exported.err
    assert len(drafts) < len(shapes) / 3
    hosts = yaml.safe_load((folder / "hosts" / "fleet.yaml").read_text())["hosts"]
    labels = {host["name"]: host.get("labels", {}) for host in hosts}
    assert labels[HOST] == {f"group.{group}": "true"}
    assert SPARE in labels
    draft = (folder / "drafts" / "releases" / f"{name}.yaml").read_text()
    assert yaml.safe_load(draft)["script"]["knobs"] == {
        "VERSION": "{version}",
        "SHA256": "{sha256}",
        "TOKEN": {"secret": "token"},
    }
    assert "hunter2" not in exported.err + draft

    git("init", "--quiet", "--initial-branch=main", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "Begin", folder=folder)
    validated = await call(fleet, tmp_path, "validate", str(folder))
    planned = await call(fleet, tmp_path, "plan")
    compared = await call(fleet, tmp_path, "diff")

    assert validated.code == 0, validated
    assert (planned.code, planned.out.splitlines()[-1]) == (0, "nothing to do now"), planned
    assert (compared.code, compared.out) == (0, "no difference\n"), compared
