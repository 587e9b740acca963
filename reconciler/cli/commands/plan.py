"""`plan`: what would be done now, and why; nothing is changed."""

import asyncio

import click

from reconciler.cli import exits
from reconciler.cli.invocation import Invocation
from reconciler.cli.render import Output, data, paragraph, printable, say, width
from reconciler.cli.wiring import open_workshop
from reconciler.model.desired import Desired
from reconciler.model.plan import Plan
from reconciler.plan.explain import Section, explain
from reconciler.revisions import InForce


@click.command("plan")
@click.option("-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table")
@click.pass_obj
def plan_command(invocation: Invocation, output: str) -> int:
    """Show what the newest revision asks for and what is in its way.

    Exit code 0 when there is nothing to do, 1 when there is.
    """
    in_force, found = asyncio.run(_look(invocation))
    if Output(output) is not Output.TABLE:
        say(data(found, Output(output)))
    else:
        say(shown(in_force, found, width()))
    return exits.DIFFERENCES if found.steps or found.deferred else exits.DONE


async def _look(invocation: Invocation) -> tuple[InForce, Plan]:
    async with open_workshop(invocation.settings(), leader=False) as workshop:
        in_force = await workshop.revisions.look_or_raise()
        _, found = await workshop.work.look(in_force.desired)
        return in_force, found


def shown(in_force: InForce, found: Plan, columns: int) -> str:
    """Return a plan as text."""
    commit = in_force.snapshot.commit
    head = f"revision {commit.revision[:12]}  {printable(commit.subject)}"
    return "\n".join([head, *_sections(found, in_force.desired, columns)])


def _sections(found: Plan, desired: Desired, columns: int) -> list[str]:
    lines: list[str] = []
    for section in explain(found, desired):
        lines += ["", printable(section.title), *_lines(section, columns)]
    if not found.steps:
        lines += ["", "nothing to do now"]
    return lines


def _lines(section: Section, columns: int) -> list[str]:
    lines: list[str] = []
    for line in section.lines:
        lines.append(f"  {line.mark} {printable(line.what)}")
        lines.append(paragraph(line.why, columns, indent="      "))
    return lines
