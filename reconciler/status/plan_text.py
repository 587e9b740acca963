"""A plan as one short text, for the event of its revision; pure."""

from reconciler.model.desired import Desired
from reconciler.model.plan import Plan
from reconciler.plan.explain import explain

_AT_MOST_LINES = 100


def plan_text(plan: Plan, desired: Desired) -> str:
    """Return *plan* as plain lines; those that are too many are counted."""
    lines: list[str] = []
    for section in explain(plan, desired):
        lines.append(section.title)
        lines += [f"  {line.mark} {line.what}  ({line.why})" for line in section.lines]
    if len(lines) > _AT_MOST_LINES:
        lines[_AT_MOST_LINES - 1 :] = [f"and {len(lines) - _AT_MOST_LINES + 1} more lines"]
    return "\n".join(lines)
