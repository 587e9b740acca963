"""`why`: the chain from the commit to a host's present state, and the next safe command."""

from collections.abc import Iterator, Sequence

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, paragraph, printable, width
from reconciler.cli.status_client import StatusClient, require
from reconciler.cli.watching import IN_WORDS, WATCH, View, in_words, show_view
from reconciler.model.identity import HostName
from reconciler.status.why import Chain, Link, chains_of

_LABEL = 11
_LINES = 20
"""So many of a log are shown; the command after it would leave the screen."""


@click.command("why", short_help="Say why a host is as it is, and what to do next.")
@click.argument("host")
@click.option("--release", help="Only for this release.")
@WATCH
@IN_WORDS
@click.pass_obj
def why_command(
    invocation: Invocation, host: str, release: str | None, kind: Output, *, watch: bool
) -> None:
    """Say why HOST is as it is, and what to do next: from the commit to what the host runs.

    HOST is its name in hosts/, which is its pc id in kanade. -o wide has the whole of its log.
    """

    def find(client: StatusClient) -> Sequence[Chain]:
        status = client.board.read()
        require("host", host, {item.host for item in status.hosts.values()})
        require("release", release, status.releases)
        chains = chains_of(status, HostName(host))
        return [chain for chain in chains if release in (None, chain.release)]

    most = None if kind is Output.WIDE else _LINES

    def text(chains: Sequence[Chain]) -> str:
        return "\n".join(_text(chain, width(), most) for chain in chains)

    view = View(find=find, key=lambda chain: chain.release, show=in_words(kind, text, watch=watch))
    show_view(invocation.settings(), view, watch=watch)


def _text(chain: Chain, columns: int, most: int | None) -> str:
    head = printable(f"{chain.host}: {chain.state} for {chain.release}")
    return "\n".join(
        [head, *(_line(link, columns, most) for link in chain.links), _next(chain, columns)]
    )


def _line(link: Link, columns: int, most: int | None) -> str:
    moment = f"  ({link.at:%Y-%m-%d %H:%M:%S} UTC)" if link.at is not None else ""
    line = _labelled("ok" if link.ok else "!", link.what, link.text + moment, columns)
    return "\n".join([line, *_written(link.lines, columns, most)])


def _written(lines: Sequence[str], columns: int, most: int | None) -> Iterator[str]:
    """Yield the last of *lines*, and where there are more of them."""
    indent = " " * (_LABEL + 5)
    shown = lines if most is None else lines[-most:]
    if len(lines) > len(shown):
        yield f"{indent}(the last {len(shown)} of {len(lines)} lines; all of them: -o wide)"
    yield from (paragraph(line, columns, indent=f"{indent}| ") for line in shown)


def _next(chain: Chain, columns: int) -> str:
    return _labelled(">", "next", chain.next, columns)


def _labelled(mark: str, what: str, text: str, columns: int) -> str:
    indent = " " * (_LABEL + 5)
    body = paragraph(text, columns, indent=indent)
    return f"  {mark:2} {what:{_LABEL}}{body[len(indent) :]}"
