"""`history`: what a release has been asked to be, by whom, and how each change ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, Printer
from reconciler.cli.status_client import StatusClient
from reconciler.cli.watching import IN_ROWS, WATCH, View, in_rows, show_view
from reconciler.desired.durations import spell_duration
from reconciler.status.history import HistoryEntry, history_of

_HEADERS = ("REVISION", "VERSION", "AT", "TOOK", "OUTCOME", "AUTHOR", "SUBJECT")


@click.command("history", short_help="Show every change of a release, and how it ended.")
@click.argument("name")
@WATCH
@IN_ROWS
@click.pass_obj
def history_command(invocation: Invocation, name: str, kind: Output, *, watch: bool) -> None:
    """Show the changes of the release NAME, the newest first: who, when, and how they ended.

    -o wide has whole revisions.
    """
    digits = None if kind is Output.WIDE else 12

    def find(client: StatusClient) -> Sequence[HistoryEntry]:
        release = client.board.read().releases[client.known(name)]
        return history_of(release, client.records.read().values())

    def row(entry: HistoryEntry) -> list[str]:
        return [
            entry.revision[:digits],
            entry.version or "",
            _moment(entry.at),
            _length(entry.took),
            entry.outcome,
            entry.author,
            entry.subject,
        ]

    show = in_rows(Printer(kind, _HEADERS, watch=watch), row)
    view = View(find=find, key=lambda entry: entry.revision, show=show)
    show_view(invocation.settings(), view, watch=watch)


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else ""


def _length(took: timedelta | None) -> str:
    return spell_duration(timedelta(seconds=round(took.total_seconds()))) if took else ""
