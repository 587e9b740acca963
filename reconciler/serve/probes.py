"""What is asked by machines: is it alive, is it ready, and what does it measure?"""

from collections.abc import Callable, Mapping

from aiohttp import web

from reconciler.serve.bearer import may_look, refusal

_TEXT_FORMAT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}

Checks = Callable[[], Mapping[str, str]]
"""Returns by name what must be so for it to be ready, and why it is not; empty where it is."""


def probe_routes(
    token: str | None, checks: Checks, exposition: Callable[[], bytes] | None
) -> list[web.RouteDef]:
    """Return the routes; without *exposition* there is no `/metrics`.

    `/healthz` and the status of `/readyz` are for everybody and say nothing of the fleet; the
    rest is for who knows *token*, where there is one.
    """

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def ready(request: web.Request) -> web.Response:
        found = checks()
        status = 503 if any(found.values()) else 200
        if not may_look(request, token):
            return web.Response(status=status, text="not ready\n" if status == 503 else "ok\n")
        lines = (f"[-] {name}: {why}" if why else f"[+] {name}" for name, why in found.items())
        return web.Response(status=status, text="\n".join(lines) + "\n")

    async def metrics(request: web.Request) -> web.Response:
        if exposition is None or not may_look(request, token):
            return refusal()
        return web.Response(body=exposition(), headers=_TEXT_FORMAT)

    routes = [web.get("/healthz", healthy), web.get("/readyz", ready)]
    return [*routes, web.get("/metrics", metrics)] if exposition is not None else routes
