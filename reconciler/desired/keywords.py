"""The keywords of our schemas that JSON Schema does not have, and a `pattern` that means it.

Each yields errors whose text is already fit for a person.
"""

import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import TypeAlias

from jsonschema import ValidationError
from jsonschema.protocols import Validator

from reconciler.desired import durations
from reconciler.desired.cron import parse_cron
from reconciler.desired.loopback import loopback_host, parse_listen, split_url
from reconciler.desired.paths import has_control_character, path_fault
from reconciler.desired.wording import listed, quoted
from reconciler.model.digest import Digest
from reconciler.model.identity import Json

Check: TypeAlias = Callable[[Validator, Json, Json, Mapping[str, Json]], Iterator[ValidationError]]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """`$` must not let a final newline through, nor a class take other alphabets' digits."""
    closed = pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern
    return re.compile(closed, re.ASCII)


def _pattern(
    _validator: Validator, pattern: Json, value: Json, schema: Mapping[str, Json]
) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _compiled(str(pattern)).search(value):
        if not value and "minLength" in schema:
            return  # its business
        yield ValidationError(f"{quoted(value)} does not match")


def _text_check(
    check: Callable[[str, str], str | None],
    _validator: Validator,
    argument: Json,
    value: Json,
    schema: Mapping[str, Json],
) -> Iterator[ValidationError]:
    if isinstance(value, str) and (value or "minLength" not in schema):
        message = check(value, str(argument))
        if message is not None:
            yield ValidationError(message)


def _duration(value: str, bounds: str, *, kanade: bool = False) -> str | None:
    low, _, high = bounds.partition("..")
    parse = durations.parse_kanade_duration if kanade else durations.parse_duration
    length = parse(value)
    least, most = durations.parse_duration(low), durations.parse_duration(high)
    if length is not None and least is not None and most is not None and least <= length <= most:
        return None
    return f"must be {bounds}, written {durations.EXPECTED}; found {quoted(value)}"


def _path(value: str, argument: str) -> str | None:
    return None if not value and argument == "or empty" else path_fault(value)


def _sha256(value: str, _argument: str) -> str | None:
    if not _is_digest(value):
        if re.fullmatch(r"[0-9A-Fa-f]{64}", value):
            return "must be 64 lowercase hex digits; found uppercase ones"
        return (
            "must be 64 lowercase hex digits, or kanade's SHA-256=<base64url>; "
            f"found {quoted(value)}, of {len(value)} characters"
        )
    return None


def _is_digest(value: str) -> bool:
    """Stricter than `Digest.parse`: one value has one spelling in each of the two ways."""
    try:
        digest = Digest.parse(value)
    except ValueError:
        return False
    return value in {digest.hex, digest.kanade, digest.kanade.rstrip("=")}


def _url(value: str, _argument: str) -> str | None:
    parts = split_url(value)
    if parts is None or not parts.hostname or not value.isascii() or not value.isprintable():
        return f"{quoted(value)} is not a URL; expected https://host/path"
    if parts.username is not None or parts.password is not None:
        return "a URL in git may not carry a user or password"
    if parts.scheme == "https" or (parts.scheme == "http" and loopback_host(value)):
        return None
    return f"https only; found {quoted(parts.scheme + '://')}"


def _listen(value: str, _argument: str) -> str | None:
    if parse_listen(value) is not None:
        return None
    return f"{quoted(value)} is not an address; expected host:port, as in 127.0.0.1:8081"


def _local_path(value: str, _argument: str) -> str | None:
    return f"path {quoted(value)} has a control character" if has_control_character(value) else None


def _cron(value: str, _argument: str) -> str | None:
    read = parse_cron(value)
    return read if isinstance(read, str) else None


def _zone(value: str, _argument: str) -> str | None:
    try:
        zoneinfo.ZoneInfo(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return f"{quoted(value)} is not a time zone; expected an IANA name like Europe/Berlin"
    return None


def _one_of(
    least: int,
    _validator: Validator,
    names: Json,
    value: Json,
    _schema: Mapping[str, Json],
) -> Iterator[ValidationError]:
    if not isinstance(value, dict) or not isinstance(names, list):
        return
    known = [str(name) for name in names]
    present = [name for name in known if name in value]
    phrase = "exactly one of {} is needed" if least else "at most one of {} is allowed"
    if not least <= len(present) <= 1:
        found = " and ".join(present) if present else "none"
        yield ValidationError(f"{phrase.format(listed(known))}; found {found}")


KEYWORDS: Mapping[str, Check] = {
    "pattern": _pattern,
    "x-duration": partial(_text_check, _duration),
    "x-kanade-duration": partial(_text_check, partial(_duration, kanade=True)),
    "x-path": partial(_text_check, _path),
    "x-sha256": partial(_text_check, _sha256),
    "x-url": partial(_text_check, _url),
    "x-listen": partial(_text_check, _listen),
    "x-local-path": partial(_text_check, _local_path),
    "x-cron": partial(_text_check, _cron),
    "x-zone": partial(_text_check, _zone),
    "x-at-most-one": partial(_one_of, 0),
    "x-exactly-one": partial(_one_of, 1),
}
