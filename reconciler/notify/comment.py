"""The one comment that we keep on a pull or merge request: the plan, and how it went; pure.

Everything that is not ours stands in a code block or a code span, where nothing is a link, a
mention or HTML.
"""

import re

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.status import Event
from reconciler.notify.wording import CONTROLLER, one_line

MARKER = f"<!-- {CONTROLLER} -->"
_MOST_CHARACTERS = 60_000
"""GitHub takes 65,536."""
_TICKS = re.compile("`+")


def section(event: Event) -> str | None:
    """Return what *event* adds to the comment; `None` when it adds nothing."""
    if event.kind == "RevisionApplied":
        plan = f"\n\n{_block(event.details)}" if event.details else ""
        return f"{_span(event.message)}{plan}"
    if event.release is None or event.host is not None:
        return None
    if event.condition is ConditionType.READY and event.truth is Truth.TRUE:
        return f"**proved** {_span(event.release)} {_span(event.message)}"
    if event.condition is ConditionType.STALLED and event.truth is Truth.TRUE:
        return f"**stalled** {_span(event.release)} {_span(event.message)}"
    return None


def with_section(before: str | None, event: Event, text: str) -> str | None:
    """Return the comment with *text* added to what it was *before*; `None` when it has that."""
    mark = f"<!-- event {event.id} -->"
    body = before if before is not None else f"{MARKER}\n### {CONTROLLER}"
    if mark in body or len(body) + len(text) > _MOST_CHARACTERS:
        return None
    return f"{body}\n\n{mark}\n{text}"


def _span(text: str) -> str:
    line = one_line(text, 500)
    fence = "`" * (max((len(run) for run in _TICKS.findall(line)), default=0) + 1)
    return f"{fence} {line} {fence}" if len(fence) > 1 else f"{fence}{line}{fence}"


def _block(text: str) -> str:
    text = text[: _MOST_CHARACTERS // 2]
    text = "\n".join(one_line(line, 500) for line in text.split("\n"))
    fence = "`" * max(3, max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    return f"{fence}text\n{text}\n{fence}"
