"""`diff`: what git asks for beside what kanade has, text by text; nothing is changed."""

from collections.abc import Iterator, Sequence

import click

from reconciler.cli.beside_fleet import Sight, show_beside_fleet
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, data, paragraph, printable, width
from reconciler.cli.runtime import Runtime
from reconciler.cli.status_client import require
from reconciler.cli.watching import IN_WORDS, WATCH
from reconciler.desired.script import MOST_SCRIPT_BYTES
from reconciler.kanade.names import SCRIPTS
from reconciler.kanade.objects import NatsObjects
from reconciler.model.desired import Desired, Release
from reconciler.model.observed import Observed
from reconciler.revisions import InForce
from reconciler.status.against_live import (
    Discrepancy,
    free_jobs_against_live,
    live_script,
    release_against_live,
)


@click.command("diff", short_help="Compare packages, scripts and jobs of git with kanade's.")
@click.argument("name", required=False)
@WATCH
@IN_WORDS
@click.pass_obj
def diff_command(invocation: Invocation, name: str | None, kind: Output, *, watch: bool) -> int:
    """Compare packages, scripts and jobs of the newest revision with kanade's.

    With NAME only those of that release. Secrets are masked. -o wide has the revision and the
    releases' fingerprints, too. Exit code 1 when something differs.
    """

    async def read(runtime: Runtime, in_force: InForce) -> Sight:
        require("release", name, {release.name for release in in_force.desired.releases})
        found = await _compare(runtime, in_force.desired, name)
        lines = [*_lines(found, width())] or ["no difference"]
        if kind is Output.WIDE:
            lines = [*_heads(in_force, name, width()), *lines]
        text = data(found, kind) if kind.is_data else "\n".join(lines)
        return Sight(text=text, gist=text, differs=bool(found))

    return show_beside_fleet(invocation.settings(), read, kind, watch=watch)


async def _compare(runtime: Runtime, desired: Desired, name: str | None) -> list[Discrepancy]:
    observed, _ = await runtime.work.preview(desired)
    found: list[Discrepancy] = []
    for release in desired.releases:
        if name in (None, release.name):
            text = await _live_text(release, observed, runtime)
            found += release_against_live(release, desired, observed, text)
    if name is None:
        found += free_jobs_against_live(desired, observed)
    return found


def _heads(in_force: InForce, name: str | None, columns: int) -> Iterator[str]:
    commit = in_force.snapshot.commit
    yield paragraph(f"revision {commit.revision}  {commit.subject}", columns, indent="")
    for release in in_force.desired.releases:
        if name in (None, release.name):
            said = f"{release.name} {release.version}  fingerprint {release.fingerprint}"
            yield paragraph(said, columns, indent="")


async def _live_text(release: Release, observed: Observed, runtime: Runtime) -> bytes | None:
    ref = live_script(release, observed)
    if ref is None:
        return None
    return await NatsObjects(runtime.connection, SCRIPTS).read_small(str(ref), MOST_SCRIPT_BYTES)


def _lines(found: Sequence[Discrepancy], columns: int) -> Iterator[str]:
    for item in found:
        yield paragraph(f"{item.kind} {item.name} {item.message}", columns, indent="")
        yield from (f"    {printable(line)}" for line in item.lines)
