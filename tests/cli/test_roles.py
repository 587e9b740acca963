"""What each user of NATS may do, and above all what it may not."""

from pathlib import Path

import pytest

from reconciler.cli.roles import Role, controller_of, grants_of, permissions_text
from reconciler.cli.settings import Settings, load_settings
from reconciler.errors import ReconcilerError, Unauthorized
from reconciler.jetstream import api
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.permissions import covers
from tests.support.command_line import call
from tests.support.kanade_streams import make_kanade
from tests.support.nats import NatsProcess
from tests.support.nats_users import account_of, connected_as, violations
from tests.support.streams import connected

_FILES = Path(__file__).resolve().parents[2] / "examples/nats/permissions"
_NOBODYS = (
    "commands.all",
    "commands.group.g",
    "heartbeat.pc-01",
    "results.r",
    "events.started.e.pc-01",
    "$KV.schedules.nightly",
    "$KV.agent_groups.pc-01",
    "$KV.agent_config.global",
    "$KV.fleet_config.freeze",
    "$O.agent_releases.M.x",
    "audit.kanade.exec.x",
    "$JS.API.STREAM.DELETE.EXEC",
    "$JS.API.STREAM.CREATE.EXEC",
    "$JS.API.STREAM.UPDATE.EXEC",
    "$JS.API.STREAM.PURGE.RESULTS",
    "$JS.API.STREAM.MSG.DELETE.EXEC",
    "$JS.API.CONSUMER.DELETE.RESULTS.backend",
    "$JS.API.CONSUMER.MSG.NEXT.EVENTS.backend",
    "$SYS.REQ.SERVER.PING",
)
_COMMANDS = ("commands.pc.pc-01", "audit.kanade-reconciler.exec.a")
_CONTROLLERS = (
    "$KV.jobs.a",
    "$KV.jobs_yaml.a",
    "$KV.script_current.a",
    "$KV.script_status.a",
    "$KV.agent_config.pcs.pc-01",
    "$O.app_packages.M.x",
    "$O.scripts.C.x",
    "$JS.API.STREAM.PURGE.OBJ_scripts",
)


@pytest.fixture
def settings() -> Settings:
    return load_settings(environment={"HOME": "/"})


def may(role: Role, settings: Settings, subject: str) -> bool:
    grants = grants_of(role, settings, role.inbox_prefix)
    return any(covers(pattern, subject) for pattern in grants.publish)


@pytest.mark.parametrize("subject", [*_NOBODYS, *_CONTROLLERS])
def test_who_may_write_what_is_kanades(settings: Settings, subject: str) -> None:
    able = {role for role in Role if may(role, settings, subject)}

    assert able == ({Role.CONTROLLER} if subject in _CONTROLLERS else set())


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        *((subject, {Role.CONTROLLER, Role.OBSERVER}) for subject in _COMMANDS),
        ("$KV.reconciler_state.lease.term", {role for role in Role if role.controls}),
        ("$KV.reconciler_requests.approvals.a.b", set(Role) - {Role.VIEWER}),
        ("kill.exec-1", {Role.RESPONDER}),
        ("logs.fetch.pc-01.branch", set(Role) - {Role.VIEWER}),
        ("$JS.API.STREAM.PURGE.EXEC", {Role.RESPONDER}),
        ("$JS.API.STREAM.MSG.GET.OBJ_scripts", set(Role) - {Role.VIEWER}),
    ],
)
def test_who_may_do_what_else(settings: Settings, subject: str, expected: set[Role]) -> None:
    assert {role for role in Role if may(role, settings, subject)} == expected


@pytest.mark.parametrize("role", Role)
def test_nobody_hears_anothers_answers(settings: Settings, role: Role) -> None:
    grants = grants_of(role, settings, role.inbox_prefix)

    assert grants.subscribe <= {f"_INBOX_{role}.>", "heartbeat.>"}


@pytest.mark.parametrize("role", Role)
def test_the_example_is_what_the_command_prints(role: Role) -> None:
    written = (_FILES / f"{role}.conf").read_text()

    assert call("permissions", str(role)).out == written


def test_where_events_are_sent_to_is_the_controllers_to_write(tmp_path: Path) -> None:
    file = tmp_path / "reconciler.toml"
    file.write_text('[[notify]]\nname = "flux"\nprovider = "nats"\nsubject = "fleet.events"\n')
    settings = load_settings(file, environment={"HOME": "/"})

    assert '"fleet.events"' in permissions_text(settings, Role.CONTROLLER)
    assert '"fleet.events"' not in permissions_text(settings, Role.OPERATOR)


@pytest.mark.parametrize(
    ("mode", "role"),
    [("auto", "controller"), ("nats", "controller"), ("backend", "controller-backend")],
)
def test_only_mode_backend_does_with_less(mode: str, role: str) -> None:
    settings = load_settings(
        None, (f"controller.mode={mode}", "backend.url=https://kanade.example"), {"HOME": "/"}
    )

    assert controller_of(settings) == role


async def test_what_is_not_granted_is_refused_and_logged(
    nats_server: NatsProcess, nats_account: str
) -> None:
    async with connected(nats_account) as admin:
        await make_kanade(admin)

        async with connected_as(Role.CONTROLLER, nats_account) as controller:
            assert await api.last_message(controller, "EXEC", "commands.pc.a") is None
            for subject in ("commands.all", "heartbeat.pc-01", "kill.exec-1"):
                with pytest.raises(Unauthorized, match=rf"publish to {subject}"):
                    await controller.publish(subject, b"{}")
            with pytest.raises(Unauthorized, match=r"publish to \$KV\.schedules\.nightly"):
                await Bucket(controller, "schedules").put("nightly", b"{}")
            with pytest.raises(Unauthorized, match=r"subscribe to results\.>"):
                await controller.subscribe("results.>", _nobody)
            config = {"name": "other", "filter_subject": "results.>"}
            with pytest.raises(Unauthorized, match=r"CONSUMER\.CREATE\.RESULTS\.other"):
                await api.create_consumer(controller, "RESULTS", config)
            with pytest.raises(ReconcilerError, match=r"STREAM\.DELETE\.EXEC"):
                await api.ask(controller, "STREAM.DELETE.EXEC", {}, dict[str, object], "EXEC")

        assert (await api.stream_info(admin, "EXEC")).state.last_seq == 0
        assert await Bucket(admin, "schedules").get("nightly") is None
    assert len(violations(nats_server.log, account_of(nats_account))) == 7


async def _nobody(_: object) -> None:
    """Hear nothing."""
