"""The hosts: what is known of them, and questions that are passed on to them."""

from collections import Counter

from aiohttp import web
from nats.errors import NoRespondersError

from reconciler.lab import names, wire
from reconciler.lab.backend.answers import Refused, json_answer
from reconciler.lab.backend.state import state_of
from reconciler.lab.bucket import Bucket
from reconciler.lab.objects import ObjectStore

_LOGS_SECONDS = 10


def routes() -> list[web.RouteDef]:
    """Return the paths."""
    return [
        web.get("/api/agents", listed),
        web.get("/api/agents/versions", versions),
        web.post("/api/agents/rollout", rolled_out),
        web.get("/api/agents/{pc_id}", shown),
        web.post("/api/agents/{pc_id}/ping", pinged),
        web.get("/api/agents/{pc_id}/logs", logs),
    ]


async def listed(request: web.Request) -> web.Response:
    """List the hosts."""
    rows: list[wire.Json] = [*state_of(request).hosts.rows()]
    limit = request.query.get("limit")
    count = len(rows) if limit is not None else 0
    shown_rows = rows[: int(limit)] if limit is not None and limit.isdecimal() else rows
    return json_answer(shown_rows, headers={"x-total-count": str(count)})


async def versions(request: web.Request) -> web.Response:
    """Count the hosts by the version of their agent."""
    hosts = state_of(request).hosts
    alive = set(hosts.alive())
    total = Counter(str(row["agent_version"]) for row in hosts.rows())
    active = Counter(str(row["agent_version"]) for row in hosts.rows() if row["pc_id"] in alive)
    ordered = sorted(total.items(), key=lambda entry: (-entry[1], entry[0]))
    return json_answer(
        [
            {"version": version, "total": count, "active": active[version]}
            for version, count in ordered
        ]
    )


async def shown(request: web.Request) -> web.Response:
    """Show one host."""
    row = state_of(request).hosts.row(request.match_info["pc_id"])
    if row is None:
        raise Refused(404)
    return json_answer(row)


async def pinged(request: web.Request) -> web.Response:
    """Ask a host for a heartbeat."""
    host = request.match_info["pc_id"]
    text = request.query.get("wait_secs", "5")
    seconds = max(int(text) if text.isdecimal() else 5, 1)
    subject = names.ping(host)
    try:
        reply = await state_of(request).client.request(subject, b"", timeout=seconds)
    except NoRespondersError as error:
        raise Refused(408, f"nats request {subject}: no responders: no responders") from error
    except TimeoutError as error:
        raise Refused(408, f"no ping reply from {host} within {seconds}s") from error
    return json_answer({"heartbeat": wire.document(reply.data)})


async def rolled_out(request: web.Request) -> web.Response:
    """Set the version of the agent for one host, a group or all."""
    asked = wire.document(await request.read())
    version, scope = str(asked["version"]), asked["scope"]
    if not isinstance(scope, dict):
        raise Refused(422, "scope: expected an object")
    kind, value = str(scope.get("type")), str(scope.get("value", ""))
    key = {"global": "global", "group": f"groups.{value}", "pc": names.config_of(value)}[kind]
    client = state_of(request).client
    releases = ObjectStore(client, names.AGENT_RELEASES)
    found = [await releases.info(name) for name in names.release_keys(version)]
    if not any(info is not None and not info.deleted for info in found):
        raise Refused(
            404,
            f"version '{version}' not found in agent_releases — run `kanade agent publish` first",
        )
    config = Bucket(client.jetstream(), names.AGENT_CONFIG)
    before = await config.get(key)
    document = wire.document(before) if before is not None else {}
    await config.put(key, wire.encode({**document, "target_version": version}))
    label = "global" if kind == "global" else f"{kind}:{value}"
    return json_answer(
        {"version": version, "scope_key": key, "scope_label": label, "jitter": asked.get("jitter")}
    )


async def logs(request: web.Request) -> web.Response:
    """Fetch the end of a host's agent log."""
    host = request.match_info["pc_id"]
    subject = names.logs_fetch(host)
    asked = wire.encode({"tail_lines": int(request.query.get("tail", "500"))})
    try:
        reply = await state_of(request).client.request(subject, asked, timeout=_LOGS_SECONDS)
    except NoRespondersError as error:
        raise Refused(502, f"{subject}: no responders: no responders") from error
    except TimeoutError as error:
        raise Refused(504, f"agent '{host}' didn't reply within {_LOGS_SECONDS}s") from error
    return web.Response(body=reply.data, content_type="text/plain", charset="utf-8")
