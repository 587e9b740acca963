"""Who may ask."""

import pytest

from tests.contract.fleets import Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")

GUARDED = [
    ("GET", "/api/jobs"),
    ("POST", "/api/jobs"),
    ("GET", "/api/app-packages/p/1"),
    ("POST", "/api/exec/j"),
    ("GET", "/api/results?limit=5"),
    ("GET", "/api/command-signing"),
    ("GET", "/api/no-such-path"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_nobody_is_let_in_without_a_token(fleet: Fleet, method: str, path: str) -> None:
    reply = await fleet.ask(method, path, token=None)

    assert (reply.status, reply.text) == (401, "missing bearer token")


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_nobody_is_let_in_with_another_token(fleet: Fleet, method: str, path: str) -> None:
    reply = await fleet.ask(method, path, token="wrong")

    assert (reply.status, reply.text) == (401, "invalid token: InvalidToken")


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer ", "bearer x", "token"])
async def test_another_kind_of_credential_is_none(fleet: Fleet, header: str) -> None:
    reply = await fleet.ask("GET", "/api/jobs", token=None, headers={"Authorization": header})

    assert (reply.status, reply.text) == (401, "missing bearer token")


async def test_anybody_may_ask_for_health_and_version(fleet: Fleet) -> None:
    health = await fleet.ask("GET", "/health", token=None)
    version = await fleet.ask("GET", "/api/version", token=None)

    assert (health.status, health.text) == (200, "ok")
    assert (version.status, version.document) == (200, {"version": "0.101.0"})
    assert version.headers["content-type"] == "application/json"


async def test_a_path_that_nobody_serves_answers_with_the_web_page(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/no-such-path")

    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/html")


async def test_a_method_that_a_path_does_not_know_is_refused(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/exec/some-job")

    assert (reply.status, reply.headers["allow"], reply.body) == (405, "POST", b"")


async def test_the_service_token_is_told_whose_it_is(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/auth/me")

    assert reply.document == {
        "username": "service-token",
        "role": "admin",
        "must_change_pw": False,
        "allowed_features": None,
        "mfa_enabled": False,
    }


async def test_a_backend_without_a_key_signs_no_command(fleet: Fleet) -> None:
    reply = await fleet.ask("GET", "/api/command-signing")

    assert reply.document == {"kid": None, "fingerprint": None}


async def test_a_download_can_be_asked_for_without_its_bytes(fleet: Fleet) -> None:
    path = "/api/app-packages/no-such-package/1"

    assert (await fleet.ask("HEAD", path)).status == 404
    assert (await fleet.ask("HEAD", path, token="wrong")).status == 401
    assert (await fleet.ask("HEAD", path, token=None)).status == 401
