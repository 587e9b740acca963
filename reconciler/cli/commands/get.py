"""`get`: where releases, hosts and jobs stand, as the leader has last published it."""

from dataclasses import replace

import click

from reconciler.cli import tables
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, Printer, complain
from reconciler.cli.status_client import StatusClient, require
from reconciler.cli.watching import IN_ROWS, WATCH, View, in_rows, show_view
from reconciler.model.plan import State
from reconciler.model.status import HostStatus, JobStatus, ReleaseStatus


@click.group("get", short_help="Show where releases, hosts or jobs stand.")
def get_command() -> None:
    """Show releases, hosts or jobs."""


@get_command.command(
    "releases", short_help="Show releases, and how many of their hosts are proved."
)
@click.argument("name", required=False)
@WATCH
@IN_ROWS
@click.pass_obj
def releases(invocation: Invocation, name: str | None, kind: Output, *, watch: bool) -> None:
    """Show releases: wanted version, how many hosts are proved, and what they wait for.

    With NAME only that release.
    """

    def find(client: StatusClient) -> list[ReleaseStatus]:
        status = client.board.read()
        require("release", name, status.releases)
        return [item for key, item in sorted(status.releases.items()) if name in (None, key)]

    columns = tables.releases(wide=kind is Output.WIDE)
    printer = Printer(kind, columns.headers, watch=watch)
    view = View(find=find, key=lambda item: item.name, show=in_rows(printer, columns.row))
    if not kind.is_data:
        view = replace(view, then=_complain_of_source)
    show_view(invocation.settings(), view, watch=watch)


@get_command.command("hosts", short_help="Show hosts: what they run, and why they are as they are.")
@click.argument("name", required=False)
@click.option("--release", help="Only the hosts of this release.")
@click.option(
    "--state", type=click.Choice([str(state) for state in State]), help="Only hosts in this state."
)
@WATCH
@IN_ROWS
@click.pass_obj
def hosts(
    invocation: Invocation,
    name: str | None,
    release: str | None,
    state: str | None,
    kind: Output,
    *,
    watch: bool,
) -> None:
    """Show hosts: what they run, what their last run said, and why they are as they are.

    With NAME only that host. A converged host is proved to run what git wants; a verifying one
    has been changed, and the proof is still to come.
    """

    def find(client: StatusClient) -> list[HostStatus]:
        status = client.board.read()
        require("host", name, {item.host for item in status.hosts.values()})
        require("release", release, status.releases)
        return [
            item
            for _, item in sorted(status.hosts.items())
            if name in (None, item.host)
            and release in (None, item.release)
            and state in (None, item.state)
        ]

    columns = tables.hosts(wide=kind is Output.WIDE)
    printer = Printer(kind, columns.headers, watch=watch)
    show = in_rows(printer, columns.row)
    view = View(find=find, key=lambda item: (item.release, item.host), show=show)
    show_view(invocation.settings(), view, watch=watch)


@get_command.command("jobs", short_help="Show the repository's jobs against kanade's catalogue.")
@click.argument("name", required=False)
@WATCH
@IN_ROWS
@click.pass_obj
def jobs(invocation: Invocation, name: str | None, kind: Output, *, watch: bool) -> None:
    """Show the repository's jobs against kanade's catalogue."""

    def find(client: StatusClient) -> list[JobStatus]:
        status = client.board.read()
        require("job", name, status.jobs)
        return [item for key, item in sorted(status.jobs.items()) if name in (None, key)]

    columns = tables.jobs(wide=kind is Output.WIDE)
    printer = Printer(kind, columns.headers, watch=watch)
    view = View(find=find, key=lambda item: item.id, show=in_rows(printer, columns.row))
    show_view(invocation.settings(), view, watch=watch)


def _complain_of_source(client: StatusClient) -> None:
    status = client.board.read()
    if status.controller.observe_only:
        complain("observe-only: the controller observes, and changes nothing")
    for condition in status.controller.conditions:
        if condition.status != "True":
            complain(f"source: {condition.reason}: {condition.message}")
    if status.controller.revision is not None:
        subject = status.controller.subject
        complain(f"revision {status.controller.revision[:12]} is in force: {subject}")
