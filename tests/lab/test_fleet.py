"""A lab as a whole: what its hosts run, what its scripts see, and which parts survive what."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from reconciler.lab import wire
from reconciler.lab.fleet import Lab
from reconciler.lab.service import build_service
from reconciler.lab.waiting import until
from tests.lab.conftest import SERVICE
from tests.lab.talk import command, publish, run, stored_result

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

UPDATE = """
set -eu
supervisorctl -c "$SUPERVISOR_CONFIG" stop "$KANADE_BACKEND_PROGRAM" >&2
cp {package} "$KANADE_BACKEND_HOME/bin/.new"
chmod 755 "$KANADE_BACKEND_HOME/bin/.new"
mv "$KANADE_BACKEND_HOME/bin/.new" "$KANADE_BACKEND_HOME/bin/kanade-backend"
supervisorctl -c "$SUPERVISOR_CONFIG" start "$KANADE_BACKEND_PROGRAM" >&2
echo "kanade-backend {version}"
"""


async def ask(lab: Lab, path: str) -> wire.Json:
    """Return what the backend answers; `None` where it has nothing of that name, or not yet."""
    headers = {"Authorization": f"Bearer {lab.token}"}
    async with (
        aiohttp.ClientSession(lab.backend_url, headers=headers) as session,
        session.get(path) as response,
    ):
        return wire.decode(await response.read()) if response.ok else None


CHANGING = {"version", "last_heartbeat", "updated_at"}


def lasting(answer: wire.Json) -> wire.Json:
    """Leave out what a heartbeat changes, or which of a run's beginning and end came first."""
    rows = answer if isinstance(answer, list) else [answer]
    return [
        {key: value for key, value in row.items() if key not in CHANGING}
        for row in rows
        if isinstance(row, dict)
    ]


async def test_a_host_runs_what_was_installed_on_it(lab: Lab) -> None:
    running = await lab.running("alpha")

    assert running == ("0.42.0", hashlib.sha256(SERVICE).hexdigest())


async def test_a_script_is_told_where_its_host_is(lab: Lab, client: Client) -> None:
    names = [
        "KANADE_LAB_HOST", "KANADE_BACKEND_HOME", "KANADE_BACKEND_PROGRAM", "SUPERVISOR_CONFIG",
        "KANADE_BACKEND_URL",
    ]  # fmt: skip
    script = "; ".join(f'printf "%s\\n" "${name}"' for name in names)

    result = await run(client, "beta", command(script))

    home = lab.folder / "hosts" / "beta"
    url = f"http://127.0.0.1:{lab.hosts['beta'].port}"
    said = ["beta", str(home), "beta", str(lab.folder / "supervisord.conf"), url]
    assert str(result["stdout"]).splitlines() == said
    assert {name: lab.environment("beta")[name] for name in names} == dict(
        zip(names, said, strict=True)
    )


async def test_a_script_can_update_its_own_host_and_no_other(
    lab: Lab, client: Client, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    package.write_bytes(build_service("0.43.0"))
    before = await lab.running("alpha")

    result = await run(client, "beta", command(UPDATE.format(package=package, version="0.43.0")))

    assert (result["exit_code"], result["stdout"]) == (0, "kanade-backend 0.43.0\n")
    assert await lab.running("beta") == (
        "0.43.0",
        hashlib.sha256(package.read_bytes()).hexdigest(),
    )
    assert await lab.running("alpha") == before


async def test_a_host_whose_service_is_stopped_runs_nothing(lab: Lab, client: Client) -> None:
    control = 'supervisorctl -c "$SUPERVISOR_CONFIG" {} "$KANADE_BACKEND_PROGRAM"'

    await run(client, "alpha", command(control.format("stop")))
    stopped = await lab.running("alpha")
    await run(client, "alpha", command(control.format("start")))

    assert stopped is None
    await until(_runs(lab, "alpha"), "the service coming back")


async def test_a_broker_that_is_killed_comes_back_with_all_it_had(lab: Lab, client: Client) -> None:
    await client.jetstream().publish("$KV.jobs.kept", b"{}")

    await lab.nats.kill()
    await lab.nats.start()
    result = await run(client, "alpha", command("echo back"))

    assert result["stdout"] == "back\n"
    kept = await client.jetstream().get_last_msg("KV_jobs", "$KV.jobs.kept")
    assert kept.data == b"{}"


async def test_a_result_waits_for_the_broker(lab: Lab, client: Client, tmp_path: Path) -> None:
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    script = f"touch {begun}; until test -e {gate}; do sleep 0.05; done; echo waited"
    sent = command(script)
    await publish(client, "beta", sent)
    await until(lambda: asyncio.to_thread(begun.exists), "the script's beginning")

    await lab.nats.kill()
    gate.touch()
    await lab.nats.start()
    result = await stored_result(client, sent)

    assert result["stdout"] == "waited\n"


async def test_a_backend_that_is_killed_knows_all_of_it_again(lab: Lab) -> None:
    headers = {"Authorization": f"Bearer {lab.token}"}
    job = {
        "id": "restart", "version": "1",
        "execute": {"shell": "sh", "script": "echo hi", "timeout": "1m"},
    }  # fmt: skip
    async with aiohttp.ClientSession(lab.backend_url, headers=headers) as session:
        await session.post("/api/jobs", json=job)
        await session.post("/api/exec/restart", json={"target": {"pcs": ["alpha"]}})
    await until(_completed(lab), "the exec being completed")
    paths = ["/api/executions", "/api/results", "/api/audit", "/api/jobs", "/api/agents/alpha"]
    before = {path: await ask(lab, path) for path in paths}

    await lab.backend.kill()
    await lab.backend.start()

    for path in paths:
        assert lasting(await ask(lab, path)) == lasting(before[path])


async def test_a_paused_agent_says_nothing_and_goes_on_later(lab: Lab, client: Client) -> None:
    sent = command("echo later")
    results = await client.subscribe(f"results.{sent['request_id']}")
    agent = lab.agents["beta"]

    agent.pause()
    with pytest.raises(TimeoutError):
        await client.request("agents.beta.ping", b"", timeout=0.5)
    await publish(client, "beta", sent)
    agent.resume()
    result = wire.document((await results.next_msg(timeout=60)).data)

    assert result["stdout"] == "later\n"
    await results.unsubscribe()


async def test_a_killed_agent_does_not_answer_for_its_host(lab: Lab, client: Client) -> None:
    await lab.agents["beta"].kill()
    with pytest.raises(NoRespondersError):
        await client.request("agents.beta.ping", b"", timeout=60)
    await lab.agents["beta"].start()

    assert (await client.request("agents.beta.ping", b"", timeout=60)).data


async def test_a_host_tells_which_versions_it_has_thrown_out(lab: Lab, client: Client) -> None:
    beats = await client.subscribe("heartbeat.beta")
    lab.hosts["beta"].quarantine(["0.43.1"])

    await lab.agents["beta"].restart()
    heartbeat: dict[str, object] = {}
    while "quarantined_versions" not in heartbeat:  # an earlier one may come first
        heartbeat = json.loads((await beats.next_msg(timeout=60)).data)

    assert heartbeat["quarantined_versions"] == ["0.43.1"]
    await beats.unsubscribe()


def _runs(lab: Lab, host: str) -> Callable[[], Awaitable[bool]]:
    async def runs() -> bool:
        return await lab.running(host) is not None

    return runs


def _completed(lab: Lab) -> Callable[[], Awaitable[bool]]:
    async def completed() -> bool:
        rows = await ask(lab, "/api/executions?job_id=restart&status=completed")
        # Each stream is read on its own, and after a broker's restart one may lag behind.
        noted = await ask(lab, "/api/audit?action=^exec$&target=^restart$")
        hosts = await ask(lab, "/api/agents/alpha")
        return all((rows, noted, hosts))

    return completed
