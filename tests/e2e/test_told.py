"""A controller as its operators know it: its metrics, its readiness, and who it tells."""

import socket
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.notify.far_end import FarEnd, far_end
from tests.support.nats import eventually
from tests.support.playground import playground

pytestmark = pytest.mark.slow

TOLD = """
[serve]
listen = "127.0.0.1:{port}"

[[notify]]
name = "ops"
provider = "webhook"
url = "{address}/hook"
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def get(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text()


async def measured(port: int) -> dict[str, float]:
    """Return every sample, without what there is of other releases or states."""
    _, text = await get(port, "/metrics")
    return {
        f"{sample.name}{sorted(sample.labels.values()) or ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def reasons(end: FarEnd) -> dict[str, str]:
    """Return what the far end was told, by the id that tells a second copy from the first."""
    found: dict[str, str] = {}
    for request in end.requests:
        assert isinstance(request.json, dict)
        found.setdefault(request.headers["Idempotency-Key"], str(request.json["reason"]))
    return found


async def test_it_is_measured_and_tells_once_whatever_becomes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_CONTROLLER__ALLOW_HTTP_LOOPBACK", "true")
    port = free_port()
    async with far_end() as end, playground(tmp_path) as fleet:
        first = fleet.controller(more=TOLD.format(port=port, address=end.address))
        await first.start()
        await fleet.converged("1.0.0")
        assert await get(port, "/readyz") == (200, "[+] nats\n[+] source\n")
        fleet.bump("1.1.0")
        await fleet.begun("1.1.0")

        await first.kill()
        assert list(reasons(end).values()).count("Converged") < 2
        await first.start()
        await fleet.converged("1.1.0")
        await eventually(lambda: list(reasons(end).values()).count("Converged") == 2)

        told = list(reasons(end).values())
        samples = await measured(port)
    assert told.count("RevisionApplied") == 2
    assert len(end.requests) - len(told) <= 1, "what was under way at the kill may come twice"
    assert samples["kanade_reconciler_leader"] == 1
    assert samples["kanade_reconciler_changes_converged_total['kanade-backend']"] == 1
    assert samples["kanade_reconciler_hosts['converged', 'kanade-backend']"] == 2
    assert samples["kanade_reconciler_notifications_total['ops', 'sent']"] > 0
