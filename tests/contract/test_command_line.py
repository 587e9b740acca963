"""kanade's own command line finds what it needs in either fleet."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.contract.commands import unique
from tests.contract.fleets import HOST, Fleet
from tests.contract.real_kanade import binary

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kanade]


async def kanade(fleet: Fleet, *arguments: str) -> str:
    """Run the real `kanade` and return what it says."""
    access = {"KANADE_BACKEND_URL": fleet.url, "KANADE_AUTH_TOKEN": fleet.token}
    process = await asyncio.create_subprocess_exec(
        str(binary("kanade")), *arguments, stdout=PIPE, stderr=STDOUT, env=os.environ | access
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_the_manual_update_works_by_command_line(fleet: Fleet, tmp_path: Path) -> None:
    name = unique("tool")
    package, script, job = (tmp_path / file for file in ("package", "deploy.sh", "job.yaml"))
    package.write_bytes(b"\x7fELF")
    script.write_text("echo 'tool 1.10'\n")
    job.write_text(
        f"id: {name}\nversion: '1.10'\n"
        f"execute: {{shell: sh, script_object: {name}/1.10, timeout: 10s}}\n"
    )

    published = await kanade(fleet, "app", "publish", name, str(package), "--version", "1.10")
    await kanade(fleet, "script", "publish", name, "1.10", str(script))
    created = await kanade(fleet, "job", "create", str(job))
    listed = await kanade(fleet, "app", "list")
    executed = await kanade(fleet, "exec", name, "--pcs", HOST)

    assert f"published: {name}/1.10" in published
    assert f"job '{name}' v1.10" in created
    assert f"{name}/1.10" in listed
    assert f"commands.pc.{HOST}" in executed


async def test_a_host_is_pinged_and_a_job_stopped_by_command_line(
    fleet: Fleet, tmp_path: Path
) -> None:
    name, job = unique("job"), tmp_path / "job.yaml"
    job.write_text(f"id: {name}\nversion: '1'\nexecute: {{shell: sh, script: x, timeout: 1s}}\n")

    pinged = await kanade(fleet, "ping", HOST)
    await kanade(fleet, "job", "create", str(job))
    revoked = await kanade(fleet, "revoke", name)
    restored = await kanade(fleet, "unrevoke", name)
    deleted = await kanade(fleet, "job", "delete", name)
    frozen = await kanade(fleet, "freeze", "status")

    assert f"pc_id         : {HOST}" in pinged
    assert (f"{name} → REVOKED" in revoked, f"{name} → ACTIVE" in restored) == (True, True)
    assert f"deleted: {name}" in deleted
    assert "fleet is NOT frozen" in frozen
