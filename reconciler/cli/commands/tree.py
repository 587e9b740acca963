"""`tree`: what belongs to what: package, script, job and hosts by wave, below their release."""

from collections.abc import Iterator, Sequence

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, paragraph, width
from reconciler.cli.status_client import StatusClient, require
from reconciler.cli.watching import IN_WORDS, WATCH, View, in_words, show_view
from reconciler.status.tree import Node, tree_of


@click.command("tree", short_help="Show releases with their parts, waves and hosts.")
@click.argument("name", required=False)
@click.option("--all", "every_host", is_flag=True, help="Name every host; as -o wide does.")
@WATCH
@IN_WORDS
@click.pass_obj
def tree_command(
    invocation: Invocation, name: str | None, kind: Output, *, every_host: bool, watch: bool
) -> None:
    """Show the release NAME, or all and the jobs of none, with everything that belongs to them."""
    names_all = every_host or kind is Output.WIDE

    def find(client: StatusClient) -> Sequence[Node]:
        status = client.board.read()
        require("release", name, status.releases)
        return tree_of(status, name, every_host=names_all)

    def text(nodes: Sequence[Node]) -> str:
        return "\n".join(line for node in nodes for line in _lines(node, width()))

    show = in_words(kind, text, watch=watch)
    view = View(find=find, key=lambda node: (node.kind, node.name), show=show)
    show_view(invocation.settings(), view, watch=watch)


def _lines(node: Node, columns: int) -> Iterator[str]:
    yield _fitted(node, "", "", columns)
    yield from _parts(node.parts, "", columns)


def _parts(parts: Sequence[Node], before: str, columns: int) -> Iterator[str]:
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        below = before + ("    " if last else "\u2502   ")
        branch = before + ("\u2514\u2500\u2500 " if last else "\u251c\u2500\u2500 ")
        yield _fitted(part, branch, below, columns)
        yield from _parts(part.parts, below, columns)


def _fitted(node: Node, branch: str, below: str, columns: int) -> str:
    """Return the node on as many lines as it needs; those after the first stand further in."""
    indent = below + ("\u2502   " if node.parts else "    ")
    text = f"{node.kind} {node.name}" + (f"  {node.state}" if node.state else "")
    if node.message:
        text += f"  {node.message}"
    wrapped = paragraph(text, columns - len(indent), indent="").splitlines()
    return "\n".join([branch + wrapped[0], *(indent + line for line in wrapped[1:])])
