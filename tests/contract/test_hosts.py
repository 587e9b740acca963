"""What hosts say of themselves, and the brakes that an operator has."""

import pytest

from reconciler.lab import wire
from reconciler.lab.waiting import until
from tests.contract.commands import ANSWER_SECONDS, command, run_all, unique
from tests.contract.fleets import HOST, SPARE, Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_ping_is_answered_with_a_short_heartbeat(fleet: Fleet) -> None:
    reply = await fleet.client.request(f"agents.{HOST}.ping", b"", timeout=ANSWER_SECONDS)

    heartbeat = wire.document(reply.data)
    assert heartbeat == {
        "remote_viewing": False,
        "pc_id": HOST,
        "at": heartbeat["at"],
        "agent_version": "0.101.0",
        "os_family": "linux",
        **({"hostname": heartbeat["hostname"]} if "hostname" in heartbeat else {}),
    }


async def test_an_agent_that_starts_sends_a_heartbeat_at_once(fleet: Fleet) -> None:
    beats = await fleet.client.subscribe(f"heartbeat.{SPARE}")
    await fleet.client.flush()
    await fleet.agents[SPARE].restart()

    heartbeat = wire.document((await beats.next_msg(timeout=ANSWER_SECONDS)).data)

    assert {
        "agent_arch", "remote_viewing", "pc_id", "at", "agent_version", "os_family",
        "agent_rss_bytes", "agent_disk_read_bytes", "agent_disk_written_bytes", "command_keys",
        "enforcing", "command_protocols", "deploy_capabilities",
    } <= set(heartbeat)  # fmt: skip
    assert (heartbeat["pc_id"], heartbeat["agent_version"]) == (SPARE, "0.101.0")
    assert (heartbeat["command_keys"], heartbeat["enforcing"]) == ([], False)
    assert heartbeat["command_protocols"] == ["legacy", "kanade.command.v2"]
    await beats.unsubscribe()


async def test_the_backend_lists_the_hosts_that_it_heard(fleet: Fleet) -> None:
    async def heard() -> bool:
        rows = (await fleet.ask("GET", "/api/agents")).rows
        return {row["pc_id"] for row in rows} == {HOST, SPARE}

    await until(heard, "both hosts being listed")
    rows = (await fleet.ask("GET", "/api/agents")).rows
    one = await fleet.ask("GET", f"/api/agents/{HOST}")

    row = next(row for row in rows if row["pc_id"] == HOST)
    assert {
        "pc_id", "hostname", "os_family", "agent_version", "last_heartbeat", "updated_at",
        "agent_cpu_pct", "agent_rss_bytes", "last_logon_user", "command_keys", "enforcing",
        "command_protocols", "deploy_capabilities", "agent_arch",
    } <= set(row)  # fmt: skip
    assert (row["agent_version"], row["os_family"]) == ("0.101.0", "linux")
    assert one.document["pc_id"] == HOST


async def test_the_hosts_are_counted_by_the_version_of_their_agent(fleet: Fleet) -> None:
    await test_the_backend_lists_the_hosts_that_it_heard(fleet)

    reply = await fleet.ask("GET", "/api/agents/versions")

    assert reply.json == [{"version": "0.101.0", "total": 2, "active": 2}]


async def test_a_host_that_nobody_heard_of_is_not_found(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/agents/Backend-01")

    assert (reply.status, reply.body) == (404, b"")


async def test_the_backend_passes_a_ping_on(fleet: Fleet) -> None:
    reply = await fleet.ask("POST", f"/api/agents/{HOST}/ping")
    nobody = await fleet.ask("POST", "/api/agents/ghost-01/ping?wait_secs=1")

    heartbeat = reply.document["heartbeat"]
    assert isinstance(heartbeat, dict)
    assert (reply.status, heartbeat["pc_id"]) == (200, HOST)
    assert (nobody.status, nobody.text) == (
        408,
        "nats request agents.ghost-01.ping: no responders: no responders",
    )


async def test_the_end_of_an_agents_log_can_be_fetched(fleet: Fleet) -> None:
    await run_all(fleet, command(), command())  # so that there is something in it
    asked = wire.encode({"tail_lines": 2})
    reply = await fleet.client.request(f"logs.fetch.{HOST}", asked, timeout=ANSWER_SECONDS)
    over_http = await fleet.ask("GET", f"/api/agents/{HOST}/logs?tail=1")
    nobody = await fleet.ask("GET", "/api/agents/ghost-01/logs")

    assert len(reply.data.splitlines()) == 2
    assert over_http.status == 200
    assert over_http.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(over_http.text.splitlines()) == 1
    assert (nobody.status, nobody.text) == (
        502,
        "logs.fetch.ghost-01: no responders: no responders",
    )


async def test_a_freeze_is_kept_until_it_is_lifted(fleet: Fleet) -> None:
    body: wire.Document = {"until": "2099-01-01", "reason": unique("reason")}

    before = await fleet.ask("GET", "/api/freeze")
    put = await fleet.ask("PUT", "/api/freeze", wire.encode(body), kind="application/json")
    stored = await fleet.value("fleet_config", "freeze")
    shown = await fleet.ask("GET", "/api/freeze")
    lifted = await fleet.ask("DELETE", "/api/freeze")
    after = await fleet.ask("GET", "/api/freeze")

    assert (before.json, after.json) == (None, None)
    assert put.json == shown.json == wire.decode(stored) == {**body, "tz": "local"}
    assert (lifted.status, lifted.body) == (204, b"")


BACKWARDS = (
    "invalid freeze: freeze.from (2028-01-01) must be strictly before freeze.until (2027-01-01)"
)
UNREADABLE = "invalid freeze: freeze: unparseable bound 'soon' (want YYYY-MM-DD or RFC3339)"
UNKNOWN_ZONE = (
    "Failed to deserialize the JSON body into the target type: tz: unknown variant `mars`, "
    "expected `local` or `utc`"
)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ('{"from":"2028-01-01","until":"2027-01-01"}', 400, BACKWARDS),
        ('{"from":"soon"}', 400, UNREADABLE),
        ('{"tz":"mars"}', 422, UNKNOWN_ZONE),
    ],
)
async def test_a_freeze_that_makes_no_sense_is_refused(
    fleet: Fleet, body: str, status: int, text: str
) -> None:
    reply = await fleet.ask("PUT", "/api/freeze", body, kind="application/json")

    assert reply.status == status
    assert reply.text.startswith(text)
    assert (await fleet.ask("GET", "/api/freeze")).json is None


async def test_a_freeze_that_cannot_be_read_is_an_error_and_not_none(fleet: Fleet) -> None:
    await fleet.put("fleet_config", "freeze", b"{")

    reply = await fleet.ask("GET", "/api/freeze")
    await fleet.ask("DELETE", "/api/freeze")

    assert reply.status == 500
    assert reply.text.startswith("stored freeze is corrupt: ")


async def test_commands_are_not_signed(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/command-signing")

    assert reply.json == {"kid": None, "fingerprint": None}
