"""What was run: execs, results and the audit log."""

import re
from collections.abc import Iterator

from aiohttp import web

from reconciler.lab import wire
from reconciler.lab.backend.answers import Refused, json_answer
from reconciler.lab.backend.projection import ExecutionRow, ResultRow
from reconciler.lab.backend.query import choice_of, limit_of, pattern_of, since_of
from reconciler.lab.backend.state import State, state_of

PREVIEW_CHARACTERS = 200
_STATUSES = ("success", "failure", "skipped", "running")
_PATTERNS = ("pc_id", "job_id", "exec_id", "stdout", "stderr")


def routes() -> list[web.RouteDef]:
    """Return the paths."""
    return [
        web.get("/api/executions", executions),
        web.get("/api/executions/{exec_id}", execution),
        web.get("/api/results", results),
        web.get("/api/results/{result_id}", result),
        web.get("/api/audit", audit),
    ]


async def executions(request: web.Request) -> web.Response:
    """List execs, the newest first."""
    state = state_of(request)
    limit = limit_of(request)
    job_id, status = request.query.get("job_id"), request.query.get("status")
    rows = [
        _execution(state, row, current)
        for row, current in state.executions()
        if (not job_id or row.job_id == job_id) and (not status or current == status)
    ]
    return json_answer([*rows[:limit]])


async def execution(request: web.Request) -> web.Response:
    """Show one exec with its runs."""
    state = state_of(request)
    exec_id = request.match_info["exec_id"]
    for row, status in state.executions():
        if row.exec_id == exec_id:
            runs: list[wire.Json] = [_summary(run) for run in state.projection.runs_of(exec_id)]
            return json_answer({"execution": _execution(state, row, status), "results": runs})
    raise Refused(404)


async def results(request: web.Request) -> web.Response:
    """List runs, the newest first, with the beginning of what they wrote."""
    limit = limit_of(request)
    status = choice_of(request, "status", _STATUSES)
    since = since_of(request)
    patterns = {name: pattern_of(request, name) for name in _PATTERNS}
    found: list[wire.Json] = []
    for row in _newest_first(state_of(request)):
        if len(found) >= limit:
            break
        recent = since is None or wire.instant(row.started_at) >= since
        if recent and _has_status(row, status) and _matches(row, patterns):
            found.append(_result(row, PREVIEW_CHARACTERS))
    return json_answer(found)


async def result(request: web.Request) -> web.Response:
    """Show one run with all that it wrote."""
    row = state_of(request).projection.results.get(request.match_info["result_id"])
    if row is None:
        raise Refused(404)
    return json_answer(_result(row, None))


async def audit(request: web.Request) -> web.Response:
    """List who did what, the newest first."""
    limit = limit_of(request)
    since = since_of(request)
    actor = request.query.get("actor")
    patterns = {name: pattern_of(request, name) for name in ("action", "target", "payload")}
    found: list[wire.Json] = []
    for row in reversed(state_of(request).audit.rows):
        entry = row.entry
        texts = {
            "action": str(entry.get("action")),
            "target": str(entry.get("target") or ""),
            "payload": wire.encode(entry.get("payload")).decode(),
        }
        recent = since is None or wire.instant(str(entry.get("occurred_at"))) >= since
        named = not actor or entry.get("actor") == actor
        if recent and named and _all_match(texts, patterns) and len(found) < limit:
            found.append(row.as_json())
    return json_answer(found)


def _newest_first(state: State) -> Iterator[ResultRow]:
    rows = state.projection.results.values()
    return iter(sorted(rows, key=lambda row: (row.started_at, row.result_id), reverse=True))


def _has_status(row: ResultRow, status: str | None) -> bool:
    match status:
        case "success":
            return row.exit_code == 0
        case "failure":
            return row.exit_code not in {None, 0} and not row.skipped
        case "skipped":
            return row.skipped
        case "running":
            return row.finished_at is None
        case _:
            return True


def _matches(row: ResultRow, patterns: dict[str, re.Pattern[str] | None]) -> bool:
    texts = {
        "pc_id": row.pc_id,
        "job_id": row.job_id or "",
        "exec_id": row.exec_id or "",
        "stdout": row.stdout,
        "stderr": row.stderr,
    }
    return _all_match(texts, patterns)


def _all_match(texts: dict[str, str], patterns: dict[str, re.Pattern[str] | None]) -> bool:
    return all(pattern is None or pattern.search(texts[name]) for name, pattern in patterns.items())


def _execution(state: State, row: ExecutionRow, status: str) -> wire.Document:
    ended = [run for run in state.projection.runs_of(row.exec_id) if run.finished_at is not None]
    succeeded = sum(run.exit_code == 0 for run in ended)
    return {
        "exec_id": row.exec_id,
        "job_id": row.job_id,
        "version": row.version,
        "initiated_by": row.initiated_by,
        "initiated_at": row.initiated_at,
        "target_count": row.target_count,
        "success_count": succeeded,
        "failure_count": len(ended) - succeeded,
        "status": status,
    }


def _summary(row: ResultRow) -> wire.Document:
    return {
        "result_id": row.result_id,
        "request_id": row.request_id,
        "pc_id": row.pc_id,
        "exit_code": row.exit_code or 0,
        "skipped": row.skipped,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def _result(row: ResultRow, characters: int | None) -> wire.Document:
    return {
        "result_id": row.result_id,
        "request_id": row.request_id,
        "exec_id": row.exec_id,
        "pc_id": row.pc_id,
        "exit_code": row.exit_code,
        "skipped": row.skipped,
        "stdout": row.stdout[:characters],
        "stderr": row.stderr[:characters],
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "job_id": row.job_id,
        "version": row.version,
        "stdout_truncated": characters is not None and len(row.stdout) > characters,
        "stderr_truncated": characters is not None and len(row.stderr) > characters,
    }
