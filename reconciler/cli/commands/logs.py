"""`logs`: the end of a host's agent log, asked of the agent itself."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

import click

from reconciler.cli.clock import SystemClock
from reconciler.cli.invocation import Invocation
from reconciler.cli.links import open_connection, secrets_of
from reconciler.cli.log_tail import news
from reconciler.cli.render import Output, Printer, complain, data, say, width
from reconciler.cli.settings import Settings
from reconciler.cli.status_client import open_status_client, require
from reconciler.cli.waiting import Waiting
from reconciler.cli.watching import WHOLE
from reconciler.desired.schemas import Kind, schema_at, validator_of
from reconciler.desired.wording import printable
from reconciler.errors import HostOffline, SecretUnavailable, TransientError, UsageError
from reconciler.kanade.agent_logs import NatsAgentLogs
from reconciler.model.identity import HostName
from reconciler.model.mask import mask

Ask = Callable[[], Awaitable[list[str]]]

_MOST_LINES = 10_000
_AGAIN = timedelta(seconds=2)


@click.command("logs", short_help="Show the end of a host's agent log.")
@click.argument("host")
@click.option(
    "-n",
    "--tail",
    "lines",
    type=click.IntRange(1, _MOST_LINES),
    default=200,
    show_default=True,
    help="How many lines; the agent sends 800 KiB at most.",
)
@click.option("-w", "--watch", is_flag=True, help="Go on, and show what is new.")
@WHOLE
@click.pass_obj
def logs_command(
    invocation: Invocation, host: str, lines: int, kind: Output, *, watch: bool
) -> None:
    """Show the end of the log that the agent on HOST keeps, as kanade gives it.

    Secrets of the settings, and what looks like one, are masked. An agent sends the end of its
    log only: with --watch it is asked every two seconds, and lines that came too fast for that
    are said to be missing.
    """
    pc_id = schema_at(("hosts", 0, "name"), Kind.HOSTS)
    if not validator_of(Kind.HOSTS).evolve(schema=pc_id).is_valid(host):
        raise UsageError(f"{printable(host)} is no host; expected {pc_id['patternErrorMessage']}")
    settings = invocation.settings()
    asyncio.run(_show(settings, HostName(host), lines, kind, watch=watch))


async def _show(
    settings: Settings, host: HostName, lines: int, kind: Output, *, watch: bool
) -> None:
    printer = Printer(kind, (), watch=watch)

    def show(new: Sequence[str]) -> None:
        if kind.is_data:
            found = {"host": host, "lines": new}
            printer.show([found], (), width()) if watch else say(data(found, kind))
        elif new:
            say("\n".join(new))

    async with open_connection(settings) as connection:
        agent = NatsAgentLogs(connection)

        async def ask() -> list[str]:
            return _masked(await agent.tail(host, lines), settings)

        try:
            seen = await ask()
        except HostOffline as error:
            await _refuse_unknown(settings, host)
            raise HostOffline(f"{error}; what is known of it: reconciler why {host}") from error
        show(seen)
        if watch:
            await _follow(ask, seen, show)


async def _follow(ask: Ask, seen: list[str], show: Callable[[Sequence[str]], None]) -> None:
    waiting = Waiting()
    while True:
        await SystemClock().sleep(_AGAIN)
        try:
            now = await ask()
        except TransientError as error:
            waiting.go_on(error)
            continue
        waiting.over()
        new, whole = news(seen, now)
        if not whole:
            complain("lines may be missing here: the log has grown too fast, or begun again")
        if new:
            show(new)
        seen = now


def _masked(text: str, settings: Settings) -> list[str]:
    return mask(text, _secrets(settings)).removesuffix("\n").split("\n") if text else []


async def _refuse_unknown(settings: Settings, host: HostName) -> None:
    """Check a host's name, as far as the status knows it.

    Raises:
        UsageError: no release wants anything of such a host, or that is not known.
    """
    try:
        async with open_status_client(settings) as client:
            known = {item.host for item in client.board.read().hosts.values()}
    except UsageError as error:
        raise HostOffline(f"no agent answers for {host}, and {error}") from error
    require("host", host, known)


def _secrets(settings: Settings) -> Iterator[str]:
    """Yield the secrets that are to be had here; an operator need not have all of them."""
    secrets = secrets_of(settings)
    for name in settings.secrets:
        with suppress(SecretUnavailable):
            yield secrets.resolve(name)
