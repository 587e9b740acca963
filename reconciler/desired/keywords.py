"""The keywords of our schemas that JSON Schema does not have, and a `pattern` that means it.

Each yields errors whose text is already fit for a person.
"""

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import TypeAlias

from jsonschema import ValidationError
from jsonschema.protocols import Validator

from reconciler.desired import durations
from reconciler.desired.cron import parse_cron
from reconciler.desired.loopback import parse_listen
from reconciler.desired.paths import has_control_character, path_fault
from reconciler.desired.urls import url_fault
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
    if argument == "or empty" and value in {"", ".", "./"}:
        return f"{quoted(value)} is the top of the repository; leave it out" if value else None
    return path_fault(value)


SHA256 = "64 lowercase hex digits, or kanade's SHA-256=<base64url>"


def _sha256(value: str, _argument: str) -> str | None:
    if not _is_digest(value):
        if re.fullmatch(r"[0-9A-Fa-f]{64}", value):
            return "must be 64 lowercase hex digits; found uppercase ones"
        return f"must be {SHA256}; found {quoted(value)}, of {len(value)} characters"
    return None


def _is_digest(value: str) -> bool:
    """Stricter than `Digest.parse`: one value has one spelling in each of the two ways."""
    try:
        digest = Digest.parse(value)
    except ValueError:
        return False
    return value in {digest.hex, digest.kanade, digest.kanade.rstrip("=")}


def _url(value: str, argument: str) -> str | None:
    return url_fault(value, plain_http=argument == "http")


def _argument(value: str, _argument: str) -> str | None:
    """What is handed to a program ends at its first NUL."""
    at = value.find("\0")
    return None if at < 0 else f"has a NUL character at {at + 1}"


def _script(value: str, argument: str) -> str | None:
    return _argument(value, argument) if value.strip() else "is empty; write what is to run"


def _listen(value: str, _argument: str) -> str | None:
    if parse_listen(value) is not None:
        return None
    return f"{quoted(value)} is not an address; expected host:port, as in 127.0.0.1:8081"


def _network(value: str, _argument: str) -> str | None:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return f"{quoted(value)} is no address or network; expected 127.0.0.1 or 10.0.7.0/24"
    return None


def _local_path(value: str, _argument: str) -> str | None:
    return f"path {quoted(value)} has a control character" if has_control_character(value) else None


def _cron(value: str, _argument: str) -> str | None:
    read = parse_cron(value)
    return read if isinstance(read, str) else None


def _zone(value: str, _argument: str) -> str | None:
    try:
        known = bool(zoneinfo.ZoneInfo(value)) and not _OF_THE_MACHINE.fullmatch(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        known = False
    if not known:
        return f"{quoted(value)} is not a time zone; expected an IANA name like Europe/Berlin"
    return None


_OF_THE_MACHINE = re.compile(r"localtime|posixrules|Factory|(?:posix|right)/.*")
"""Files of the time zone database that are no zones, or are other ones on the next machine."""


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
    "x-argument": partial(_text_check, _argument),
    "x-script": partial(_text_check, _script),
    "x-listen": partial(_text_check, _listen),
    "x-network": partial(_text_check, _network),
    "x-local-path": partial(_text_check, _local_path),
    "x-cron": partial(_text_check, _cron),
    "x-zone": partial(_text_check, _zone),
    "x-at-most-one": partial(_one_of, 0),
    "x-exactly-one": partial(_one_of, 1),
}
