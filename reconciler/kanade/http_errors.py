"""The one place where an answer of the backend that is none becomes an error of ours."""

import re
from typing import TypeVar

from reconciler.errors import (
    KanadeRefused,
    KanadeUnavailable,
    NoRoom,
    ReconcilerError,
    Unauthorized,
)
from reconciler.kanade.codec import Unreadable, decode

_MOST_CHARACTERS = 300
_FULL = ("maximum bytes", "insufficient resources", "no space left", "resources exceeded")
_OF_A_FREEZE = frozenset({"from", "until", "reason", "tz"})
"""What kanade's `Freeze` may have; it leaves out what is not set, but never the zone."""
_BLANKS = re.compile(rb"\s+")

Kind = TypeVar("Kind")


def refusal(status: int, data: bytes, endpoint: str) -> ReconcilerError:
    """Return what a *status* of 400 and more means, with the backend's own message."""
    reason = one_line(data)
    message = f"{endpoint}: {reason or 'no reason given'} ({status})"
    if status in {401, 403}:
        return Unauthorized(f"{message}; the token's account may not do this")
    if status == 413 or any(sign in message for sign in _FULL):
        return NoRoom(f"{message}; delete old versions, or raise the limit")
    if status >= 500 or status in {408, 425, 429}:
        # So it answers an upload while the disk of its nats-server is full.
        hint = "" if reason or status != 504 else "; see its log, and the disk of nats-server"
        return KanadeUnavailable(f"{message}{hint}")
    return KanadeRefused(message)


def redirected(status: int, location: str, endpoint: str) -> KanadeRefused:
    """Return the error of a redirect: a token is not carried to where it was not meant for."""
    return KanadeRefused(
        f"{endpoint}: redirected to {location[:200] or 'nowhere'} ({status}); "
        "give the backend's own URL"
    )


def read_json(data: bytes, content_type: str, kind: type[Kind], endpoint: str) -> Kind:
    """Read an answer.

    Raises:
        KanadeUnavailable: not kanade's answer: whether the request was carried out is unknown.
    """
    if content_type != "application/json":
        raise KanadeUnavailable(
            f"{endpoint}: expected JSON, got {content_type or 'nothing'} "
            f"({one_line(data)[:60]}); is this kanade's backend?"
        )
    try:
        return decode(data, kind, f"{endpoint}: answer")
    except Unreadable as error:
        raise KanadeUnavailable(str(error)) from error


def check_freeze(data: bytes, content_type: str, endpoint: str) -> None:
    """Check that the server that answers knows freezes; whether there is one is read elsewhere.

    Raises:
        KanadeUnavailable: another web server answers.
    """
    if content_type == "application/json" and data.strip() == b"null":
        return
    freeze = read_json(data, content_type, dict[str, object], endpoint)
    if not freeze.keys() & _OF_A_FREEZE:
        raise KanadeUnavailable(f"{endpoint}: no freeze in the answer; is this kanade's backend?")


def one_line(data: bytes) -> str:
    """Return the text of an answer on one line, not too long."""
    text = _BLANKS.sub(b" ", data[: 4 * _MOST_CHARACTERS]).decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_MOST_CHARACTERS]
