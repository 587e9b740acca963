"""`get`: where releases, hosts and jobs stand, as the leader has last told it."""

import asyncio
from collections.abc import Sequence

import click

from reconciler.cli.desk import open_desk
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, complain, data, say, table, width
from reconciler.model.condition import Condition, ConditionType
from reconciler.model.status import HostStatus, JobStatus, ReleaseStatus, Status

_OUTPUT = click.option(
    "-o", "--output", type=click.Choice([str(kind) for kind in Output]), default="table"
)


@click.group("get")
def get_group() -> None:
    """Show releases, hosts or jobs."""


@get_group.command("releases")
@click.argument("name", required=False)
@_OUTPUT
@click.pass_obj
def releases(invocation: Invocation, name: str | None, output: str) -> int:
    """Show releases: wanted version, how many hosts are proved, and what they wait for."""
    status = _read(invocation)
    found = [item for item in status.releases.values() if name in (None, item.name)]
    kind = Output(output)
    if kind in (Output.JSON, Output.YAML):
        say(data(found, kind))
    else:
        say(table(*_release_table(found, wide=kind is Output.WIDE), width()))
        _tell_source(status)
    return _found(found, name, "release")


@get_group.command("hosts")
@click.argument("name", required=False)
@click.option("--release", help="Only the hosts of this release.")
@click.option("--state", help="Only hosts in this state.")
@_OUTPUT
@click.pass_obj
def hosts(
    invocation: Invocation, name: str | None, release: str | None, state: str | None, output: str
) -> int:
    """Show hosts: what they run, what their last run said, and why they are as they are."""
    status = _read(invocation)
    found = [
        item
        for item in status.hosts.values()
        if name in (None, item.host)
        and release in (None, item.release)
        and state in (None, item.state)
    ]
    kind = Output(output)
    if kind in (Output.JSON, Output.YAML):
        say(data(found, kind))
    else:
        say(table(*_host_table(found, wide=kind is Output.WIDE), width()))
    return _found(found, name, "host")


@get_group.command("jobs")
@click.argument("name", required=False)
@_OUTPUT
@click.pass_obj
def jobs(invocation: Invocation, name: str | None, output: str) -> int:
    """Show the repository's jobs against kanade's catalogue."""
    status = _read(invocation)
    found = [item for item in status.jobs.values() if name in (None, item.id)]
    kind = Output(output)
    if kind in (Output.JSON, Output.YAML):
        say(data(found, kind))
    else:
        say(table(*_job_table(found), width()))
    return _found(found, name, "job")


def _read(invocation: Invocation) -> Status:
    async def read() -> Status:
        async with open_desk(invocation.settings()) as desk:
            return desk.board.read()

    return asyncio.run(read())


def _found(found: Sequence[object], name: str | None, kind: str) -> int:
    if found or name is None:
        return 0
    complain(f"error: no {kind} {name!r} is known; see: reconciler get {kind}s")
    return 2


def _condition(status: ReleaseStatus, kind: ConditionType) -> Condition | None:
    return next((item for item in status.conditions if item.type is kind), None)


def _release_table(
    found: Sequence[ReleaseStatus], *, wide: bool
) -> tuple[list[str], list[list[str]]]:
    headers = ["NAME", "VERSION", "READY", "HOSTS", "REASON", "MESSAGE"]
    if wide:
        headers[2:2] = ["REVISION", "FINGERPRINT"]
    rows = []
    for item in found:
        ready = _condition(item, ConditionType.READY)
        proved, total = item.counts.get("converged", 0), sum(item.counts.values())
        row = [item.name, item.version]
        if wide:
            row += [item.revision[:12], item.fingerprint[:12]]
        row += [
            str(ready.status) if ready else "Unknown",
            f"{proved}/{total}",
            ready.reason if ready else "",
            ready.message if ready else "",
        ]
        rows.append(row)
    return headers, rows


def _host_table(found: Sequence[HostStatus], *, wide: bool) -> tuple[list[str], list[list[str]]]:
    headers = ["HOST", "RELEASE", "STATE", "RUNS", "WANTED", "EXIT", "MESSAGE"]
    if wide:
        headers[6:6] = ["SHA256", "EXEC_ID", "LAST_LINE"]
    rows = []
    for item in found:
        row = [
            item.host,
            item.release,
            item.state,
            item.running or "",
            item.wanted,
            "" if item.exit_code is None else str(item.exit_code),
        ]
        if wide:
            row += [(item.sha256 or "")[:12], item.exec_id or "", item.last_line]
        row.append(f"{item.reason}: {item.message}" + (f"; fix: {item.fix}" if item.fix else ""))
        rows.append(row)
    return headers, rows


def _job_table(found: Sequence[JobStatus]) -> tuple[list[str], list[list[str]]]:
    headers = ["JOB", "RELEASE", "WANTED", "REGISTERED", "REASON", "MESSAGE"]
    rows = [
        [
            item.id,
            item.release or "",
            item.version,
            item.registered or "",
            item.reason,
            item.message,
        ]
        for item in found
    ]
    return headers, rows


def _tell_source(status: Status) -> None:
    for condition in status.controller.conditions:
        if condition.status != "True":
            complain(f"source: {condition.reason}: {condition.message}")
    if status.controller.revision is not None:
        subject = status.controller.subject
        complain(f"revision {status.controller.revision[:12]} is in force: {subject}")
