"""`check`: is everything there that the controller needs? In order, with the fix."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import click

from reconciler.cli import exits
from reconciler.cli.checks import artifacts, backend, download, fleet, nats, own
from reconciler.cli.checks.survey import Check, Survey
from reconciler.cli.clock import SystemClock
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, Printer, paragraph, say, width
from reconciler.cli.roles import Role, controller_of
from reconciler.cli.settings import Settings
from reconciler.cli.watching import WHOLE
from reconciler.errors import ReconcilerError

_CHECKS = (
    Check(name="settings", run=own.settings, for_viewers=True),
    Check(name="nats", run=nats.nats, for_viewers=True),
    Check(name="jetstream", run=nats.jetstream, needs=("nats",)),
    Check(name="rights", run=nats.rights, needs=("nats",), for_viewers=True),
    Check(name="kanade", run=nats.kanade, needs=("nats", "jetstream")),
    Check(name="backend", run=backend.backend),
    Check(name="token", run=backend.token, needs=("backend",), for_controllers=True),
    Check(name="signing", run=backend.signing, needs=("backend",), for_controllers=True),
    Check(name="git", run=own.git),
    Check(name="hosts", run=fleet.hosts, needs=("kanade", "git")),
    Check(name="clocks", run=fleet.clocks, needs=("kanade",)),
    Check(name="agents", run=fleet.agents, needs=("hosts",)),
    Check(
        name="artifacts",
        run=artifacts.artifacts,
        needs=("kanade", "git"),
        for_controllers=True,
    ),
    Check(name="download", run=download.download, needs=("kanade", "git"), for_controllers=True),
    Check(name="approval", run=own.approval),
    Check(name="gateway", run=own.gateway, for_controllers=True),
)
_START = len("FAIL  ") + max(len(check.name) for check in _CHECKS) + 1
_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What came of one check."""

    name: str
    state: str
    """`ok`, `failed`, or `skipped` because of something that it needs."""
    said: list[str]

    @property
    def gist(self) -> object:
        """What makes it another finding; how long an answer took does not."""
        return self.name, self.state, self.said if self.state != "ok" else []


_MARKS = {"ok": "ok", "failed": "FAIL", "skipped": "--"}


@click.command("check", short_help="Check all that is needed, with the fix for what is missing.")
@click.option(
    "--role",
    type=click.Choice([str(role) for role in Role]),
    help="What the NATS user is for; left out, a controller with these settings.",
)
@click.option("-w", "--watch", is_flag=True, help="Go on until nothing is missing.")
@WHOLE
@click.pass_obj
def check_command(invocation: Invocation, role: str | None, kind: Output, *, watch: bool) -> int:
    """Check the prerequisites one after the other, and say how to mend what is missing.

    What cannot be checked before something else is mended is marked so. With --watch all is
    checked again, and what is different is shown. The exit code is that of the first thing
    missing; 0 when nothing is.
    """
    settings = invocation.settings()
    chosen = Role(role) if role else controller_of(settings)
    return asyncio.run(_rounds(settings, chosen, kind, watch=watch))


async def _rounds(settings: Settings, role: Role, kind: Output, *, watch: bool) -> int:
    """Check, and say what was found; a watcher does so again until nothing is missing."""
    printer, before = Printer(kind, (), watch=watch), list[object]()
    while True:
        first, found = exits.DONE, list[_Found]()
        async for one, code in _checked(Survey(settings=settings, role=role)):
            first = first or code
            found.append(one)
            if not kind.is_data and one.gist not in before:
                say(_lines(one, width()))
        gists = [one.gist for one in found]
        if kind.is_data and gists != before:
            printer.show([found] if watch else found, (), width())
        if first == exits.DONE or not watch:
            return first
        before = gists
        await SystemClock().sleep(_AGAIN)


def _lines(one: _Found, columns: int) -> str:
    start = " " * _START
    below = "\n".join(paragraph(line, columns, indent=start) for line in one.said)
    return f"{_MARKS[one.state]:4}  {one.name}".ljust(_START) + below.removeprefix(start)


async def _checked(survey: Survey) -> AsyncIterator[tuple[_Found, int]]:
    """Yield what came of each check, as soon as it is known, with its exit code."""
    missing = set[str]()
    for check in _CHECKS:
        if not check.concerns(survey.role):
            continue
        needed = next((name for name in check.needs if name in missing), None)
        if needed is not None:
            missing.add(check.name)
            said = [f"not checked before {needed} is mended"]
            yield _Found(name=check.name, state="skipped", said=said), exits.DONE
            continue
        try:
            said = (await check.run(survey)).splitlines()
        except ReconcilerError as error:
            missing.add(check.name)
            said = str(error).splitlines()
            yield _Found(name=check.name, state="failed", said=said), error.exit_code
        else:
            yield _Found(name=check.name, state="ok", said=said), exits.DONE
