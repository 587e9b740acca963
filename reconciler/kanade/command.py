"""The Command that an agent runs, made of a job's manifest and an attempt's ids.

kanade: `crates/kanade-shared/src/wire/command.rs`, `crates/kanade-backend/src/api/exec.rs`. The
same attempt always gives the same bytes: agents recognise a repeated command by them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from reconciler.desired.durations import parse_kanade_duration
from reconciler.errors import KanadeRefused
from reconciler.model.attempt import Attempt
from reconciler.model.identity import Json

_FINALIZE_SECONDS = 60
_DEFAULT_STALENESS: Mapping[str, Json] = {"mode": "cached"}
_PASSED_ON = ("emit", "check", "collect")


class Finalize(msgspec.Struct, kw_only=True):
    """The hook that runs after the script."""

    shell: str
    script: str
    timeout_secs: int
    run_as: str
    cwd: str | msgspec.UnsetType = msgspec.UNSET
    on_each_bundle: bool


class Command(msgspec.Struct, kw_only=True):
    """The members in the order in which kanade writes them; `UNSET` ones are left out."""

    bypass_local_limit: bool | msgspec.UnsetType = msgspec.UNSET
    id: str
    version: str
    request_id: str
    exec_id: str
    shell: str
    script: str
    script_object: str | msgspec.UnsetType = msgspec.UNSET
    script_object_sha256: str | msgspec.UnsetType = msgspec.UNSET
    timeout_secs: int
    jitter_secs: int | None = None
    run_as: str
    cwd: str | msgspec.UnsetType = msgspec.UNSET
    deadline_at: str | msgspec.UnsetType = msgspec.UNSET
    staleness: object
    emit: object = msgspec.UNSET
    check: object = msgspec.UNSET
    collect: object = msgspec.UNSET
    finalize: Finalize | msgspec.UnsetType = msgspec.UNSET


class _Execute(msgspec.Struct):
    shell: str
    script: str | None = None
    script_object: str | None = None
    run_as: str = "system"
    cwd: str | None = None
    bypass_local_limit: bool = False


class _FinalizeSpec(msgspec.Struct):
    shell: str
    script: str
    timeout: str = f"{_FINALIZE_SECONDS}s"
    run_as: str = "system"
    cwd: str | None = None
    on_each_bundle: bool = False


_Part = TypeVar("_Part", _Execute, _FinalizeSpec)


def encode_command(command: Command) -> bytes:
    """Return the exact bytes of *command*."""
    return msgspec.json.encode(command)


def command_payload(attempt: Attempt, manifest: Mapping[str, Json]) -> str:
    """Return the command that carries *attempt* out.

    The wish names the command (`request_id`), so that sending it twice runs it once, and its
    execution (`exec_id`), so that the agent says when it begins.

    Raises:
        KanadeRefused: *manifest* is no job that can be sent.
    """
    execute = _converted(manifest.get("execute"), _Execute, attempt, "execute")
    command = Command(
        bypass_local_limit=execute.bypass_local_limit or msgspec.UNSET,
        id=attempt.job,
        version=attempt.version,
        request_id=attempt.wish_id,
        exec_id=attempt.wish_id,
        shell=execute.shell,
        script=execute.script or "",
        script_object=str(attempt.script) if attempt.script else msgspec.UNSET,
        script_object_sha256=attempt.script_sha256 or msgspec.UNSET,
        timeout_secs=int(attempt.timeout.total_seconds()),
        run_as=execute.run_as,
        cwd=execute.cwd or msgspec.UNSET,
        deadline_at=_spelled(attempt.deadline_at),
        staleness=_staleness(manifest),
        finalize=_finalize(manifest, attempt),
    )
    _check_script(command, attempt)
    for name in _PASSED_ON:
        if manifest.get(name) is not None:
            setattr(command, name, manifest[name])
    return encode_command(command).decode()


def _check_script(command: Command, attempt: Attempt) -> None:
    by_object = command.script_object is not msgspec.UNSET
    hashed = command.script_object_sha256 is not msgspec.UNSET
    if by_object != hashed or by_object == bool(command.script):
        raise _refused(attempt, "it needs an inline script, or a script object and its hash")


def _staleness(manifest: Mapping[str, Json]) -> object:
    return manifest.get("staleness") or _DEFAULT_STALENESS


def _finalize(manifest: Mapping[str, Json], attempt: Attempt) -> Finalize | msgspec.UnsetType:
    if manifest.get("finalize") is None:
        return msgspec.UNSET
    spec = _converted(manifest["finalize"], _FinalizeSpec, attempt, "finalize")
    timeout = parse_kanade_duration(spec.timeout)
    seconds = _FINALIZE_SECONDS if timeout is None else max(1, int(timeout.total_seconds()))
    return Finalize(
        shell=spec.shell,
        script=spec.script,
        timeout_secs=seconds,
        run_as=spec.run_as,
        cwd=spec.cwd or msgspec.UNSET,
        on_each_bundle=spec.on_each_bundle,
    )


def _converted(value: object, kind: type[_Part], attempt: Attempt, part: str) -> _Part:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _refused(attempt, f"{part}: {error}") from error


def _refused(attempt: Attempt, why: str) -> KanadeRefused:
    return KanadeRefused(f"job {attempt.job} {attempt.version} makes no command: {why}")


def _spelled(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
