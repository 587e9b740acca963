"""Alive, ready and measured: asked over real HTTP, and told only to who may know."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from reconciler.serve.probes import probe_routes

TOKEN = "CANARY-token"
WELL = {"nats": "", "source": ""}


@dataclass
class Probed:
    """A served controller, and what ails it."""

    address: str = ""
    checks: dict[str, str] = field(default_factory=lambda: dict(WELL))

    async def get(self, path: str, authorization: str | None = None) -> tuple[int, str, str]:
        headers = {"Authorization": authorization} if authorization is not None else {}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.address}{path}", headers=headers) as response,
        ):
            return response.status, await response.text(), response.headers["Content-Type"]


@asynccontextmanager
async def serving(token: str | None = None, *, measured: bool = True) -> AsyncIterator[Probed]:
    probed = Probed()
    application = web.Application()
    exposition = (lambda: b"up 1\n") if measured else None
    application.add_routes(probe_routes(token, lambda: probed.checks, exposition))
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    probed.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield probed
    await runner.cleanup()


async def test_it_is_alive_whatever_ails_it_and_says_no_more() -> None:
    async with serving(TOKEN) as probed:
        probed.checks["nats"] = "gone"

        assert (await probed.get("/healthz"))[:2] == (200, "ok")


async def test_it_is_ready_when_nothing_is_missing_and_else_says_what_is() -> None:
    async with serving() as probed:
        assert (await probed.get("/readyz"))[:2] == (200, "[+] nats\n[+] source\n")

        probed.checks["source"] = "no revision: GitUnavailable"

        status, text, _ = await probed.get("/readyz")
        assert (status, text) == (503, "[+] nats\n[-] source: no revision: GitUnavailable\n")


@pytest.mark.parametrize("given", [None, "", TOKEN, "Bearer", "Bearer x", "Basic " + TOKEN])
async def test_who_does_not_know_the_token_learns_nothing_but_that(given: str | None) -> None:
    async with serving(TOKEN) as probed:
        assert (await probed.get("/readyz", given))[:2] == (200, "ok\n")
        probed.checks["nats"] = "gone"
        assert (await probed.get("/readyz", given))[:2] == (503, "not ready\n")

        status, text, _ = await probed.get("/metrics", given)

        assert (status, text) == (401, "a bearer token is needed\n")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_who_knows_it_is_told_everything(scheme: str) -> None:
    async with serving(TOKEN) as probed:
        assert (await probed.get("/readyz", f"{scheme} {TOKEN}"))[1] == "[+] nats\n[+] source\n"

        status, text, kind = await probed.get("/metrics", f"{scheme} {TOKEN}")

        assert (status, text) == (200, "up 1\n")
        assert kind == "text/plain; version=0.0.4; charset=utf-8"


async def test_metrics_that_are_turned_off_are_not_there() -> None:
    async with serving(measured=False) as probed:
        assert (await probed.get("/metrics"))[0] == 404
