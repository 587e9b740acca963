"""`plan`: what would be done now, and why; nothing is changed."""

from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.beside_fleet import Sight, show_beside_fleet
from reconciler.cli.commands.plan_offline import plan_offline
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, data, paragraph, printable, width
from reconciler.cli.runtime import Runtime
from reconciler.cli.watching import WATCH
from reconciler.model.desired import Desired
from reconciler.model.plan import Plan
from reconciler.plan.explain import explain
from reconciler.plan.forecast import Forecast, forecast
from reconciler.plan.forecast_text import spell
from reconciler.plan.outstanding import is_outstanding
from reconciler.revisions import InForce


@click.command("plan", short_help="Show what would be done now, what not, and why.")
@click.option("--offline", is_flag=True, help="Ask no fleet: show what a branch changes.")
@click.option("--base", metavar="REV", help="With --offline: the branch to merge into.")
@click.option(
    "--head", metavar="REV", default="HEAD", help="With --offline: the branch; HEAD if left out."
)
@click.option(
    "--tips",
    is_flag=True,
    help="With --offline: compare the two as they are now.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="With --offline: the desired-state folder of your clone; this folder if left out.",
)
@WATCH
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml", "markdown"]),
    default="table",
    help="wide has whole revisions, reasons and ids. markdown only with --offline; wide and "
    "--watch only without.",
)
@click.pass_obj
def plan_command(
    invocation: Invocation,
    base: str | None,
    head: str,
    folder: Path,
    output: str,
    *,
    offline: bool,
    tips: bool,
    watch: bool,
) -> int:
    """Show what would be done for the newest commit, what waits and why, and do nothing of it.

    Exit code 1 when a host or kanade would be changed, now or once what it waits for is over.

    With --offline and --base commits are compared, and no fleet is asked: what a branch changes,
    for a pull request. What its base has gained since the branch left it is not told as a change.
    """
    _require_sense(output, base, offline=offline, tips=tips, watch=watch)
    if base is not None:
        return plan_offline(folder, base, head, output, tips=tips)
    kind = Output(output)

    async def read(runtime: Runtime, in_force: InForce) -> Sight:
        observed, found = await runtime.work.preview(in_force.desired)
        # Which services are to be asked how they are follows from what was observed.
        if await runtime.health.ask_due():
            observed, found = await runtime.work.preview(in_force.desired)
        to_come = forecast(found, in_force.desired, observed, runtime.clock.now())
        gist = shown(in_force, found, width(), wide=kind is Output.WIDE)
        text = "\n".join([gist, *_forecast_lines(to_come)])
        if kind.is_data:
            text = data({"plan": found, "forecast": to_come}, kind)
        return Sight(text=text, gist=gist, differs=is_outstanding(found))

    return show_beside_fleet(invocation.settings(), read, kind, watch=watch)


def _require_sense(
    output: str, base: str | None, *, offline: bool, tips: bool, watch: bool
) -> None:
    """See that options are not combined that mean nothing together."""
    said = ""
    if offline != (base is not None):
        said = f"Missing option '{'--base' if offline else '--offline'}'."
    elif offline and (watch or output == Output.WIDE):
        said = "--watch and -o wide are about a fleet: not with --offline."
    elif not offline and (tips or output == "markdown"):
        said = f"{'--tips' if tips else '-o markdown'} needs --offline."
    if said:
        raise click.UsageError(said, click.get_current_context())


def _forecast_lines(to_come: list[Forecast]) -> Iterator[str]:
    for item in to_come:
        yield f"\nwhat is to come of {item.release}, if nothing fails"
        yield from (paragraph(sentence, width(), indent="  ") for sentence in spell(item))


def shown(in_force: InForce, found: Plan, columns: int, *, wide: bool = False) -> str:
    """Return a plan as text; *wide* has whole revisions, reasons and ids."""
    commit = in_force.snapshot.commit
    revision = commit.revision[: None if wide else 12]
    head = paragraph(f"revision {revision}  {commit.subject}", columns, indent="")
    return "\n".join([head, *_sections(found, in_force.desired, columns, wide=wide)])


def _sections(found: Plan, desired: Desired, columns: int, *, wide: bool) -> Iterator[str]:
    for section in explain(found, desired):
        yield f"\n{printable(section.title)}"
        for line in section.lines:
            yield f"  {line.mark} {printable(line.what)}"
            yield paragraph(line.why, columns, indent="      ")
            if wide and line.more:
                yield paragraph(line.more, columns, indent="      ")
    if not found.steps:
        waiting = f"; {len(found.deferred)} waiting" if found.deferred else ""
        yield f"\nnothing to do now{waiting}"
