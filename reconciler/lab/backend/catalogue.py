"""The job catalogue."""

from aiohttp import web

from reconciler.lab import names, wire
from reconciler.lab.backend.answers import Refused, json_answer, no_content
from reconciler.lab.backend.manifest import dumped, manifest_schema, read_manifest
from reconciler.lab.backend.rules import broken_rule
from reconciler.lab.backend.source import Unreadable
from reconciler.lab.backend.state import State, state_of

_YAML = {"application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"}
_SHOWN = ("shell", "timeout", "run_as", "cwd")
_KEY_FAULT = "KV put: key cannot be empty or start/end with `.`"
_CLI_ONLY = (
    "execute.script_file is resolved CLI-side by `kanade job create` and cannot be stored via the "
    "API — inline the script into `execute.script`, or publish it as a `script_object`"
)


def routes() -> list[web.RouteDef]:
    """Return the paths of the catalogue."""
    return [
        web.get("/api/jobs", listed),
        web.post("/api/jobs", upserted),
        web.get("/api/jobs/{id}/yaml", as_yaml),
        web.delete("/api/jobs/{id}", deleted),
        web.get("/api/schemas/manifest.json", schema),
    ]


async def schema(request: web.Request) -> web.Response:
    """Answer with the schema of a manifest."""
    del request
    return json_answer(manifest_schema())


async def listed(request: web.Request) -> web.Response:
    """List all jobs with what runs of them."""
    state = state_of(request)
    live = live_counts(state)
    rows: list[wire.Json] = []
    for name, value in sorted((await state.jobs.entries()).items()):
        manifest = wire.document(value)
        shown = manifest.get("execute")
        if not isinstance(shown, dict) or not {"id", "version"} <= set(manifest):
            continue  # somebody else's idea of a job: not shown, and no error
        row: wire.Document = {
            "id": manifest["id"],
            "version": manifest["version"],
            "description": manifest.get("description"),
            "execute": {key: shown[key] for key in _SHOWN if shown.get(key) is not None},
            "inventory": manifest.get("inventory"),
        }
        row |= {key: manifest[key] for key in ("tags", "origin") if manifest.get(key)}
        row["live"] = live.get(name, {"running": 0, "pending": 0})
        rows.append(row)
    return json_answer(rows)


async def upserted(request: web.Request) -> web.Response:
    """Write a job, its YAML and the version pin that the agents compare with."""
    is_yaml = request.content_type in _YAML
    body = await request.read()
    try:
        manifest = read_manifest(body, as_yaml=is_yaml)
    except Unreadable as error:
        kind = "YAML" if is_yaml else "JSON"
        raise Refused(400, f"parse {kind} body: {error}") from error
    fault = broken_rule(manifest)
    if fault is not None:
        raise Refused(400, fault)
    execute = manifest["execute"]
    if isinstance(execute, dict) and "script_file" in execute:
        raise Refused(400, _CLI_ONLY)
    name, version = str(manifest["id"]), str(manifest["version"])
    if not is_key(name):
        raise Refused(500, _KEY_FAULT)
    state = state_of(request)
    await state.jobs.put(name, wire.encode(manifest))
    await state.bucket(names.SCRIPT_CURRENT).put(name, version.encode())
    yaml = body if is_yaml else dumped(manifest).encode()
    await state.bucket(names.JOBS_YAML).put(name, yaml)
    has_inventory = manifest.get("inventory") is not None
    noted: wire.Document = {"version": version, "inventory": has_inventory}
    await state.audit.record(request, "job_upsert", name, noted)
    return json_answer(
        {
            "id": name,
            "version": version,
            "description": manifest["description"],
            "inventory": has_inventory,
        }
    )


async def as_yaml(request: web.Request) -> web.Response:
    """Return a job's YAML with its comments; that of a deleted job as well."""
    state = state_of(request)
    name = request.match_info["id"]
    text = await state.bucket(names.JOBS_YAML).get(name)
    if text is None:
        manifest = await state.jobs.get(name)
        if manifest is None:
            raise Refused(404, f"job '{name}' not found")
        text = dumped(wire.document(manifest)).encode()
    return web.Response(body=text, content_type="application/yaml")


async def deleted(request: web.Request) -> web.Response:
    """Revoke a job, then remove it; a schedule that still names it forbids both."""
    state = state_of(request)
    name = request.match_info["id"]
    for value in (await state.bucket(names.SCHEDULES).entries()).values():
        schedule = wire.document(value)
        if schedule.get("job_id") == name:
            raise Refused(
                409,
                f"job '{name}' is referenced by schedule '{schedule.get('id')}'; "
                "remove the schedule first",
            )
    await state.bucket(names.SCRIPT_STATUS).put(name, names.REVOKED.encode())
    await state.jobs.delete(name)
    noted: wire.Document = {
        "cascade_revoke": True,
        "inventory_facts_deleted": 0,
        "inventory_history_deleted": 0,
        "inventory_cascade_error": None,
    }
    await state.audit.record(request, "job_delete", name, noted)
    return no_content()


def live_counts(state: State) -> dict[str, wire.Json]:
    """Return how many execs of each job run or wait."""
    counts: dict[str, dict[str, wire.Json]] = {}
    for execution, status in state.executions():
        if status in {"running", "pending"}:
            of_job = counts.setdefault(execution.job_id, {"running": 0, "pending": 0})
            of_job[status] = int(str(of_job[status])) + 1
    return dict(counts)


def is_key(name: str) -> bool:
    """Return whether *name* can be a key of a bucket."""
    allowed = all(char.isascii() and (char.isalnum() or char in "-/_=.") for char in name)
    return bool(name) and allowed and not name.startswith(".") and not name.endswith(".")
