"""The brakes: freeze, revoke, kill; and what the backend signs its commands with."""

from datetime import UTC, datetime

from aiohttp import web

from reconciler.lab import names, wire
from reconciler.lab.backend.answers import Refused, json_answer, no_content
from reconciler.lab.backend.audit import SERVICE
from reconciler.lab.backend.query import json_body, wrong_body
from reconciler.lab.backend.state import state_of

_ZONES = ("local", "utc")


def routes() -> list[web.RouteDef]:
    """Return the paths."""
    return [
        web.get("/api/freeze", freeze),
        web.put("/api/freeze", frozen),
        web.delete("/api/freeze", thawed),
        web.get("/api/scripts/status", statuses),
        web.post("/api/scripts/{id}/revoke", revoked),
        web.post("/api/scripts/{id}/unrevoke", unrevoked),
        web.post("/api/jobs/{id}/kill", killed),
        web.get("/api/command-signing", signing),
        web.get("/api/auth/me", me),
    ]


async def freeze(request: web.Request) -> web.Response:
    """Show the freeze, or null."""
    stored = await state_of(request).bucket(names.FLEET_CONFIG).get(names.FREEZE)
    if stored is None:
        return json_answer(None)
    try:
        return json_answer(wire.document(stored))
    except ValueError as error:
        raise Refused(500, f"stored freeze is corrupt: {error}") from error


async def frozen(request: web.Request) -> web.Response:
    """Freeze the fleet's schedules."""
    body = await json_body(request)
    fields = body if isinstance(body, dict) else {}
    zone = fields.get("tz", "local")
    if zone not in _ZONES:
        raise wrong_body("tz", f"unknown variant `{zone}`, expected `local` or `utc`")
    wanted: wire.Document = {
        key: fields[key] for key in ("from", "until", "reason") if fields.get(key) is not None
    }
    start, end = (_bound(wanted.get(key)) for key in ("from", "until"))
    if start is not None and end is not None and start >= end:
        raise Refused(
            400,
            f"invalid freeze: freeze.from ({wanted['from']}) must be strictly before "
            f"freeze.until ({wanted['until']})",
        )
    wanted["tz"] = zone
    state = state_of(request)
    await state.bucket(names.FLEET_CONFIG).put(names.FREEZE, wire.encode(wanted))
    noted: wire.Document = {key: wanted.get(key) for key in ("from", "until", "reason")}
    await state.audit.record(request, "freeze_set", names.FREEZE, noted)
    return json_answer(wanted)


async def thawed(request: web.Request) -> web.Response:
    """End the freeze."""
    state = state_of(request)
    await state.bucket(names.FLEET_CONFIG).delete(names.FREEZE)
    await state.audit.record(request, "freeze_clear", names.FREEZE, {})
    return no_content()


async def statuses(request: web.Request) -> web.Response:
    """Show which jobs are revoked, of those that ever were."""
    entries = await state_of(request).bucket(names.SCRIPT_STATUS).entries()
    return json_answer({name: value.decode() for name, value in entries.items()})


async def revoked(request: web.Request) -> web.Response:
    """Keep every command of a job from running."""
    return await _set_status(request, names.REVOKED, "script_revoke")


async def unrevoked(request: web.Request) -> web.Response:
    """Let commands of a job run again."""
    return await _set_status(request, names.ACTIVE, "script_unrevoke")


async def killed(request: web.Request) -> web.Response:
    """End every run of a job; nothing to end is no fault."""
    state = state_of(request)
    for execution, status in state.executions():
        if execution.job_id == request.match_info["id"] and status in {"pending", "running"}:
            await state.client.publish(names.kill(execution.exec_id), b"")
    await state.client.flush()
    return no_content()


async def signing(request: web.Request) -> web.Response:
    """Say that commands are not signed."""
    del request
    return json_answer({"kid": None, "fingerprint": None})


async def _set_status(request: web.Request, status: str, action: str) -> web.Response:
    state = state_of(request)
    name = request.match_info["id"]
    await state.bucket(names.SCRIPT_STATUS).put(name, status.encode())
    await state.audit.record(request, action, name, {})
    return no_content()


def _bound(value: wire.Json) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Refused(
            400,
            f"invalid freeze: freeze: unparseable bound '{value}' (want YYYY-MM-DD or RFC3339)",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def me(request: web.Request) -> web.Response:
    """Say whose the token is: there is only the one that may do everything."""
    del request
    return json_answer(
        {
            "username": SERVICE,
            "role": "admin",
            "must_change_pw": False,
            "allowed_features": None,
            "mfa_enabled": False,
        }
    )
