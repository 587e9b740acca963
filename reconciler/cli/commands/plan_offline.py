"""`plan --offline`: what a revision asks for that another does not, without a fleet."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli import exits
from reconciler.cli.markdown import in_markdown
from reconciler.cli.render import Output, complain, data, paragraph, printable, say, width
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState, UsageError
from reconciler.model.desired import Desired
from reconciler.model.identity import Revision
from reconciler.source.local import UnknownRevision, read_revision, where_they_part
from reconciler.status.between import Revised, between


def plan_offline(folder: Path, base: str, head: str, output: str, *, tips: bool) -> int:
    """Say what *head* changes since it left *base*: what a pull request changes.

    What *base* has become since then is no change of *head*'s. With *tips* the two are compared
    as they are.

    Raises:
        InvalidDesiredState: of the head; a base with faults counts as one that asks for nothing.
    """
    with _told_of("--head"):
        new = load(asyncio.run(read_revision(folder, head)))
    with _told_of("--base"):
        start = base if tips else asyncio.run(where_they_part(folder, base, head))
        snapshot = asyncio.run(read_revision(folder, start))
    try:
        old = load(snapshot)
    except InvalidDesiredState as error:
        said = f"revision {snapshot.commit.revision[:12]} has {len(error.faults)} faults"
        complain(f"note: {said}, so everything counts as new")
        old = Desired(revision=snapshot.commit.revision, releases=(), jobs={}, hosts={})
    found = between(old, new)
    title = f"what {_named(head, new.revision)} changes {_since(base, old.revision, tips=tips)}"
    if output == "markdown":
        say(in_markdown(title, found))
    elif Output(output) is Output.TABLE:
        say("\n".join(_lines(title, found, width())))
    else:
        say(data(found, Output(output)))
    return exits.DIFFERENCES if found else exits.DONE


def _named(name: str, revision: Revision) -> str:
    """Return what a person called it, and which revision that is."""
    return revision[:12] if revision.startswith(name) else f"{name} ({revision[:12]})"


def _since(base: str, start: Revision, *, tips: bool) -> str:
    if tips:
        return f"over {_named(base, start)}"
    name = "" if start.startswith(base) else f"{base} at "
    return f"since it left {name}{start[:12]}"


@contextmanager
def _told_of(option: str) -> Iterator[None]:
    """Name the option that names a revision which is not there."""
    try:
        yield
    except UnknownRevision as error:
        raise UsageError(f"{option}: {error}") from error


def _lines(title: str, found: Sequence[Revised], columns: int) -> Iterator[str]:
    yield printable(title)
    if not found:
        yield "nothing that the controller would do differently"
    for item in found:
        said = f"  {item.message}" if item.message else ""
        yield paragraph(f"{item.mark} {item.kind} {item.name}{said}", columns, indent="  ")
        for one in item.differences:
            text = f"{one.before or 'nothing'} -> {one.after or 'nothing'}"
            text = one.after if one.lines else text
            yield paragraph(f"{one.what}: {text}", columns, indent="      ")
            yield from (f"        {printable(line)}" for line in one.lines)
        yield from (f"      {printable(line)}" for line in item.lines)
