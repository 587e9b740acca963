"""An event as text that fits everywhere: one line, no control characters, not too long."""

from enum import StrEnum

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.status import Event

CONTROLLER = "kanade-reconciler"
_MOST_TEXT = 3000
"""Slack takes 3,000 characters in a section, Teams 28 KB in a card."""


class Mood(StrEnum):
    """How an event is to be taken; only a proof is good."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


def mood(event: Event) -> Mood:
    """Return whether it is good news; that something is under way, or was fetched, is none."""
    if event.severity == "error":
        return Mood.BAD
    proved = (event.condition, event.truth) == (ConditionType.READY, Truth.TRUE)
    return Mood.GOOD if proved else Mood.NEUTRAL


def title(event: Event) -> str:
    """Return what it is about, and what happened: `tool on pc-01: HostFailed`."""
    about = event.release or CONTROLLER
    where = f" on {event.host}" if event.host is not None else ""
    return one_line(f"{about}{where}: {event.kind}")


def text(event: Event) -> str:
    """Return what there is to say."""
    return one_line(event.message, _MOST_TEXT)


def facts(event: Event) -> tuple[tuple[str, str], ...]:
    """Return names and values for those who like tables."""
    found = [("time", event.at.isoformat(timespec="seconds"))]
    if event.revision is not None:
        found.append(("revision", event.revision[:12]))
    return tuple(found)


def one_line(text: str, at_most: int = 200) -> str:
    """Return *text* as printable text without line ends, cut off where it is too long."""
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= at_most else line[: at_most - 1] + "\u2026"
