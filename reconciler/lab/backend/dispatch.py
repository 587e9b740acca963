"""`POST /api/exec/{job}`: a registered job becomes commands on their subjects."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from reconciler.lab import names, wire
from reconciler.lab.backend.answers import Refused, json_answer
from reconciler.lab.backend.projection import ExecutionRow
from reconciler.lab.backend.query import json_body, wrong_body
from reconciler.lab.backend.rules import broken_rule
from reconciler.lab.backend.state import STATE, State, state_of

_LABELS = 4
_COPIED = ("emit", "check", "collect")
_WAVES = web.AppKey("waves", set[asyncio.Task[None]])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Whom a command is for."""

    everybody: bool
    groups: tuple[str, ...]
    hosts: tuple[str, ...]
    waves: tuple[tuple[str, float], ...]
    jitter_seconds: int | None
    deadline_at: str | None

    @property
    def subjects(self) -> list[str]:
        """Where the command goes at once, or wave by wave."""
        if self.waves:
            return [names.commands_group(group) for group, _ in self.waves]
        subjects = [names.COMMANDS_ALL] if self.everybody else []
        subjects += [names.commands_group(group) for group in self.groups]
        return subjects + [names.commands_pc(host) for host in self.hosts]


def routes() -> list[web.RouteDef]:
    """Return the path."""
    return [web.post("/api/exec/{job_id}", execute)]


async def execute(request: web.Request) -> web.Response:
    """Publish the command, and only then write down that there is one."""
    body = await json_body(request)
    job_id = request.match_info["job_id"]
    state = state_of(request)
    stored = await state.jobs.get(job_id)
    if stored is None:
        raise Refused(
            404,
            f"job '{job_id}' not found in catalog — register it first with "
            "`kanade job create <manifest.yaml>`",
        )
    manifest = wire.document(stored)
    plan = _plan(body)
    fault = broken_rule(manifest)
    if fault is not None:
        raise Refused(400, fault)
    exec_id = str(uuid.uuid4())
    command = await _command(state, manifest, plan, exec_id)
    count = await _target_count(state, plan)
    version = str(manifest["version"])
    await state.bucket(names.SCRIPT_CURRENT).put(job_id, version.encode())
    await _publish(request, plan, command)
    await _note(request, plan, manifest, exec_id, count)
    return json_answer(
        {
            "exec_id": exec_id,
            "job_id": job_id,
            "version": version,
            "target_count": count,
            "subjects": [*plan.subjects],
        }
    )


async def _publish(request: web.Request, plan: Plan, command: wire.Document) -> None:
    state = state_of(request)
    if not plan.waves:
        payload = wire.encode(command)
        for subject in plan.subjects:
            await state.client.publish(subject, payload)
    for group, delay in plan.waves:
        payload = wire.encode(command | {"request_id": str(uuid.uuid4())})
        if delay:
            waves = request.app.setdefault(_WAVES, set())
            later = _publish_later(request.app[STATE], names.commands_group(group), payload, delay)
            task = asyncio.get_running_loop().create_task(later)
            waves.add(task)
            task.add_done_callback(waves.discard)
        else:
            await state.client.publish(names.commands_group(group), payload)
    await state.client.flush()


async def _publish_later(state: State, subject: str, payload: bytes, delay: float) -> None:
    # A timer in memory and nothing else: as in kanade, a restart loses it.
    await asyncio.sleep(delay)
    await state.client.publish(subject, payload)


async def _note(
    request: web.Request, plan: Plan, manifest: wire.Document, exec_id: str, count: int
) -> None:
    state = state_of(request)
    job_id, version = str(manifest["id"]), str(manifest["version"])
    noted: wire.Document = {
        "exec_id": exec_id,
        "version": version,
        "target_count": count,
        "subjects": [*plan.subjects],
        "wave_mode": bool(plan.waves),
    }
    initiated_at = await state.audit.record(request, "exec", job_id, noted)
    state.projection.executions[exec_id] = ExecutionRow(
        exec_id=exec_id,
        job_id=job_id,
        version=version,
        initiated_by="operator",
        initiated_at=initiated_at,
        target_count=count,
    )


async def _command(
    state: State, manifest: wire.Document, plan: Plan, exec_id: str
) -> wire.Document:
    execute = manifest["execute"]
    if not isinstance(execute, dict):
        raise Refused(400, "execute: one of `script` or `script_object` must be set")
    script = execute.get("script") or ""
    command: wire.Document = (
        {} if not execute.get("bypass_local_limit") else {"bypass_local_limit": True}
    )
    command |= {
        "id": manifest["id"],
        "version": manifest["version"],
        "request_id": str(uuid.uuid4()),
        "exec_id": exec_id,
        "shell": execute["shell"],
        "script": script,
    }
    if not script:
        key = str(execute["script_object"])
        command |= {"script_object": key, "script_object_sha256": await _digest(state, key)}
    try:
        timeout = wire.duration(str(execute["timeout"]))
    except ValueError as error:
        raise Refused(400, f"invalid timeout: {error}") from error
    command["timeout_secs"] = int(timeout.total_seconds())
    command |= {"jitter_secs": plan.jitter_seconds, "run_as": execute["run_as"]}
    if execute.get("cwd") is not None:
        command["cwd"] = execute["cwd"]
    if plan.deadline_at is not None:
        command["deadline_at"] = plan.deadline_at
    command["staleness"] = manifest["staleness"]
    return command | {key: manifest[key] for key in _COPIED if manifest.get(key) is not None}


async def _digest(state: State, key: str) -> str:
    stored = await state.store(names.SCRIPTS).info(key)
    if stored is None or stored.deleted:
        raise Refused(404, f"script_object '{key}' not found in OBJECT_SCRIPTS")
    return stored.sha256


async def _target_count(state: State, plan: Plan) -> int:
    found = set(plan.hosts)
    groups = {group for group, _ in plan.waves} or set(plan.groups)
    alive = state.hosts.alive()
    if plan.everybody and not plan.waves:
        found |= set(alive)
    if groups:
        members = state.bucket(names.AGENT_GROUPS)
        for host in alive:
            listed = wire.document(await members.get(host) or b"{}").get("groups")
            if isinstance(listed, list) and groups & {str(name) for name in listed}:
                found.add(host)
    return max(len(found), 1)


def _plan(body: wire.Json) -> Plan:
    fields = body if isinstance(body, dict) else {}
    target = fields.get("target")
    target = target if isinstance(target, dict) else {}
    plan = Plan(
        everybody=target.get("all") is True,
        groups=_names_in(target, "groups"),
        hosts=_names_in(target, "pcs"),
        waves=_waves_in(fields),
        jitter_seconds=_jitter_in(fields),
        deadline_at=_deadline_in(fields),
    )
    if not plan.subjects:
        raise Refused(
            400,
            "target must specify at least one of `all` / `groups` / `pcs` (or set `rollout.waves`)",
        )
    for host in plan.hosts:
        labels = host.count(".") + 1
        if labels > _LABELS:
            raise Refused(
                400,
                f'pc_id "{host}" has {labels} dot-separated labels; '
                f"at most {_LABELS} are supported",
            )
    return plan


def _names_in(target: Mapping[str, wire.Json], name: str) -> tuple[str, ...]:
    listed = target.get(name, [])
    if not isinstance(listed, list):
        found = f'invalid type: string "{listed}", expected a sequence'
        raise wrong_body(f"target.{name}", found)
    return tuple(str(entry) for entry in listed)


def _waves_in(fields: Mapping[str, wire.Json]) -> tuple[tuple[str, float], ...]:
    rollout = fields.get("rollout")
    waves = rollout.get("waves") if isinstance(rollout, dict) else None
    found: list[tuple[str, float]] = []
    for index, wave in enumerate(waves if isinstance(waves, list) else []):
        fault = f"invalid rollout.waves[{index}].delay"
        described = wave if isinstance(wave, dict) else {}
        seconds = _seconds(str(described.get("delay", "0s")), fault)
        found.append((str(described.get("group")), seconds))
    return tuple(found)


def _jitter_in(fields: Mapping[str, wire.Json]) -> int | None:
    jitter = fields.get("jitter")
    return None if jitter is None else int(_seconds(str(jitter), "invalid jitter"))


def _seconds(text: str, fault: str) -> float:
    try:
        return wire.duration(text).total_seconds()
    except ValueError as error:
        raise Refused(400, f"{fault}: {error}") from error


def _deadline_in(fields: Mapping[str, wire.Json]) -> str | None:
    deadline = fields.get("deadline_at")
    if deadline is None:
        return None
    try:
        moment: datetime = wire.instant(str(deadline))
    except ValueError as error:
        raise wrong_body("deadline_at", "input contains invalid characters") from error
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
