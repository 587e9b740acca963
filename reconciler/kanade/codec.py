"""kanade's JSON, strict about the types of what we use and blind to the rest.

kanade: `crates/kanade-shared/src/wire/{command,result,event,heartbeat,agent_groups}.rs`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar, cast

import msgspec

from reconciler.model.identity import Json

_TYPES = {
    "int": "an integer",
    "str": "a string",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `([^`]+)`.* at `\$\.(.+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_TOP = re.compile(r"Expected `([^`]+)`, got `([^`]+)`$")

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class Unreadable(ValueError):
    """A message that does not fit: whose, and what of it was expected."""


class Heartbeat(msgspec.Struct):
    """What a host says of itself every 30 s, and when it is asked."""

    pc_id: str
    agent_version: str
    os_family: str | None = None
    hostname: str | None = None
    agent_arch: str | None = None
    agent_disk_read_bytes: int | None = None
    agent_disk_written_bytes: int | None = None
    enforcing: bool | None = None
    """It takes signed commands only; an answer to a ping leaves it out."""


class ExecResult(msgspec.Struct):
    """How a run ended; an agent before 0.29 leaves out `result_id`, later ones `skipped`."""

    request_id: str
    pc_id: str
    exit_code: Int32
    stdout: str
    stderr: str
    result_id: str = ""
    exec_id: str | None = None
    skipped: bool | None = None
    manifest_id: str | None = None
    stdout_object: str | None = None


class EventStarted(msgspec.Struct):
    """A run began."""

    result_id: str
    request_id: str
    exec_id: str
    pc_id: str
    manifest_id: str
    version: str


class SlotCommand(msgspec.Struct):
    """What we read of a command that somebody has sent; older ones call `exec_id` `job_id`."""

    id: str
    version: str
    request_id: str
    exec_id: str | None = None
    job_id: str | None = None
    script_object_sha256: str | None = None


class AgentGroups(msgspec.Struct):
    """The groups that a host belongs to."""

    groups: list[str]


class Freeze(msgspec.Struct):
    """kanade's global stop of everything scheduled."""

    from_: str | None = msgspec.field(default=None, name="from")
    until: str | None = None
    reason: str | None = None
    tz: str = "local"


class _Sender(msgspec.Struct):
    pc_id: str


Kind = TypeVar("Kind")


def decode(data: bytes, kind: type[Kind], whose: str) -> Kind:
    """Read a message.

    Raises:
        Unreadable: it does not fit, such as `result from PC-1 unreadable: exit_code must be an
            integer`; *whose* is its first part.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{whose} unreadable: {_fault(error)}") from error


def decode_object(data: bytes, whose: str) -> Mapping[str, Json]:
    """Read any JSON object; raises what `decode` raises."""
    return cast("Mapping[str, Json]", decode(data, dict[str, object], whose))


def sender_of(data: bytes, otherwise: str) -> str:
    """Return the host that a message names, even if nothing else of it can be read."""
    try:
        return msgspec.json.decode(data, type=_Sender).pc_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return otherwise


def _fault(error: Exception) -> str:
    text = str(error)
    if missing := _MISSING.search(text):
        return f"{missing[1]} is missing"
    if found := _EXPECTED.search(text):
        return f"{found[2]} must be {_spelled(found[1])}"
    if found := _TOP.search(text):
        return f"expected {_spelled(found[1])}"
    return f"not JSON: {text}"


def _spelled(expected: str) -> str:
    names = [_TYPES.get(name.strip(), name.strip()) for name in expected.split("|")]
    return " or ".join(names)
