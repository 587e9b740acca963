"""Who may look, who may act, and in whose name."""

import ipaddress
from datetime import timedelta

import pytest
from multidict import CIMultiDict

from reconciler.model.identity import Json
from reconciler.model.status import ReleaseStatus
from reconciler.serve.authenticator import Keys, Proxy
from reconciler.serve.sessions import LASTS, Sessions
from reconciler.serve.visitor import Visitor
from tests.serve.controls import BACKEND, fleet
from tests.serve.endpoints import ALICE, KEYS, OPEN, VIEWER, Client, ask, opened, problem
from tests.support.builders import NOON
from tests.support.clock import FakeClock
from tests.support.statuses import FINGERPRINT

HERE, ELSEWHERE = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8")
BEHIND = Keys(proxy=Proxy(networks=(HERE,), header="X-Forwarded-Email"))
SUSPEND = f"/api/v1/releases/{BACKEND}/suspend"
APPROVE = f"/api/v1/releases/{BACKEND}/approve"


async def said(client: Client, path: str, body: Json, headers: dict[str, str]) -> tuple[int, str]:
    """Return what an attempt to act is answered, in a word."""
    async with client.post(path, json=body, headers=headers) as reply:
        if reply.status == 202:
            return reply.status, (await reply.json())["by"]
        return reply.status, await problem(reply)


async def looks(client: Client, headers: dict[str, str]) -> int:
    async with client.get("/api/v1/releases", headers=headers) as reply:
        return reply.status


async def test_with_a_token_only_who_knows_one_may_look() -> None:
    async with opened(fleet(), KEYS) as client:
        found = [
            await looks(client, headers)
            for headers in ({}, VIEWER, ALICE, {"Authorization": "Bearer wrong"})
        ]

    assert found == [401, 200, 200, 401]


async def test_without_one_this_machine_may_look_and_no_name_from_outside_leads_here() -> None:
    async with opened(fleet()) as client:
        assert await looks(client, {}) == 200
        assert await looks(client, {"Host": "localhost:81"}) == 200
        assert await looks(client, {"Host": "rebound.example"}) == 403


async def test_who_acts_must_have_a_name() -> None:
    seen = fleet()
    async with opened(seen, KEYS) as client:
        body: Json = {"reason": "disk"}
        assert (await said(client, SUSPEND, body, {}))[0] == 401
        assert await said(client, SUSPEND, body, VIEWER) == (
            403,
            "to act you need a name: sign in as a person",
        )
        assert not seen.book.suspensions
        assert await said(client, SUSPEND, body, ALICE) == (202, "alice")

    assert (seen.book.suspensions[BACKEND].by, seen.book.suspensions[BACKEND].since) == (
        "alice",
        NOON,
    )


async def test_what_is_approved_is_what_was_looked_at() -> None:
    seen = fleet()
    async with opened(seen) as client:
        old = await said(client, APPROVE, {"fingerprint": "0" * 64}, ALICE)
        assert (old[0], "read it again" in old[1]) == (409, True)
        assert not seen.book.approvals
        body: Json = {"fingerprint": FINGERPRINT, "reason": "tried it"}
        assert await said(client, APPROVE, body, ALICE) == (202, "alice")

    (approval,) = seen.book.approvals
    assert (approval.approver, approval.fingerprint, approval.reason) == (
        "alice",
        FINGERPRINT,
        "tried it",
    )


async def test_where_approvals_are_signed_the_page_cannot_give_one() -> None:
    seen = fleet()
    async with opened(seen, needs_signature=True) as client:
        found = await said(client, APPROVE, {"fingerprint": FINGERPRINT}, ALICE)

    assert (found[0], f"reconciler approve {BACKEND}" in found[1]) == (409, True)
    assert not seen.book.approvals


async def test_a_suspension_that_has_ended_already_is_none() -> None:
    seen = fleet()
    async with opened(seen) as client:
        word: dict[str, Json] = {"reason": "disk", "until": NOON.isoformat()}
        assert (await said(client, SUSPEND, word, ALICE))[0] == 409
        assert not seen.book.suspensions
        later = NOON + timedelta(hours=1)
        assert (await said(client, SUSPEND, {**word, "until": later.isoformat()}, ALICE))[0] == 202

    assert seen.book.suspensions[BACKEND].until == later


async def test_a_release_goes_on_by_a_persons_word() -> None:
    seen = fleet()
    async with opened(seen) as client:
        path = f"/api/v1/releases/{BACKEND}/resume"
        assert await said(client, path, {}, ALICE) == (202, "alice")

    assert seen.book.resumed == [BACKEND]


async def test_a_proxy_is_believed_where_it_is_trusted_and_says_one_name() -> None:
    twice = CIMultiDict([("X-Forwarded-Email", "a@b.example"), ("X-Forwarded-Email", "root")])
    async with opened(fleet(), BEHIND) as client:
        told = {"X-Forwarded-Email": "alice@example.com"}
        assert await looks(client, {}) == 401
        async with client.get("/api/v1/session", headers=told) as reply:
            assert (await reply.json())["name"] == "alice@example.com"
        assert await looks(client, {**told, "Authorization": "Basic YWxpY2U6"}) == 200
        assert await looks(client, {**told, "Authorization": "Bearer wrong"}) == 401
        async with client.get("/api/v1/releases", headers=twice) as reply:
            assert reply.status == 401
    far = Keys(proxy=Proxy(networks=(ELSEWHERE,), header="X-Forwarded-Email"))
    async with opened(fleet(), far) as client:
        assert await looks(client, told) == 401


async def test_behind_a_proxy_a_word_needs_what_only_our_own_page_knows() -> None:
    seen = fleet()
    told = {"X-Forwarded-Email": "alice@example.com"}
    async with opened(seen, BEHIND) as client:
        body: Json = {"reason": "disk"}
        assert (await said(client, SUSPEND, body, told))[0] == 403
        async with client.get("/api/v1/session", headers=told) as reply:
            csrf = (await reply.json())["csrf"]
        asking = {**told, "X-CSRF-Token": csrf}
        assert (await said(client, SUSPEND, body, {**asking, "Sec-Fetch-Site": "cross-site"}))[
            0
        ] == 403
        assert not seen.book.suspensions
        assert await said(client, SUSPEND, body, asking) == (202, "alice@example.com")


async def test_whoever_looks_without_a_name_is_told_so() -> None:
    async with opened(fleet(), OPEN) as client:
        assert await ask(client, "/session", Visitor) == Visitor()
        assert (await ask(client, f"/releases/{BACKEND}", ReleaseStatus)).name == BACKEND


def test_a_session_ends_by_itself_or_when_a_token_is_changed() -> None:
    clock = FakeClock()
    sessions = Sessions({"alice": "one"}, clock)
    cookie = sessions.begin("alice")

    assert sessions.name_of(cookie) == "alice"
    assert Sessions({"alice": "one"}, clock).name_of(cookie) == "alice"
    assert Sessions({"alice": "two"}, clock).name_of(cookie) is None
    clock.advance(LASTS + timedelta(seconds=1))
    assert sessions.name_of(cookie) is None


@pytest.mark.parametrize("cookie", ["", ".", "x.y", "e30.", "\ud800.x", "a" * 5000])
def test_a_cookie_that_is_not_ours_is_nobodys(cookie: str) -> None:
    assert Sessions({"alice": "one"}, FakeClock()).name_of(cookie) is None


def test_a_cookie_cannot_be_made_of_another() -> None:
    sessions = Sessions({"alice": "one"}, FakeClock())
    alice, bob = sessions.begin("alice"), sessions.begin("bob")
    mixed = f"{alice.partition('.')[0]}.{bob.partition('.')[2]}"

    assert sessions.name_of(mixed) is None
    assert sessions.csrf(alice) != sessions.csrf(bob)
    assert sessions.name_of(f"{alice.partition('.')[0]}.{sessions.csrf(alice)}") is None
