"""Signing in and out, and a person's word by a form of the page."""

import re
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest

from reconciler.serve.authenticator import Keys
from tests.serve.controls import BACKEND, fleet
from tests.serve.endpoints import KEYS, OPEN, Client, opened
from tests.support.builders import NOON
from tests.support.statuses import FINGERPRINT

RELEASE = f"/releases/{BACKEND}"


async def send(client: Client, path: str, **form: str) -> tuple[int, str]:
    """Return the answer to a form: its status, and where it leads."""
    async with client.post(path, data=form, allow_redirects=False) as reply:
        return reply.status, reply.headers.get("Location", "")


async def signed_in(client: Client, token: str = "alices-token") -> str:
    """Sign in, and return what forms must bring from then on."""
    assert await send(client, "/sign-in", token=token, next=RELEASE) == (303, RELEASE)
    async with client.get(RELEASE) as reply:
        found = re.search(r'name="csrf" value="(\w+)"', await reply.text())
    return found[1] if found else ""


@pytest.mark.parametrize("secure", [False, True])
async def test_a_session_is_for_this_page_alone(*, secure: bool) -> None:
    keys = Keys(people={"alice": "alices-token"}, secure=secure)
    async with (
        opened(fleet(), keys) as client,
        client.post("/sign-in", data={"token": "alices-token"}, allow_redirects=False) as reply,
    ):
        cookies = SimpleCookie(reply.headers["Set-Cookie"])

    ((name, cookie),) = cookies.items()
    assert (name, bool(cookie["secure"])) == (
        ("__Host-reconciler", True) if secure else ("reconciler", False)
    )
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert "alices-token" not in cookie.value


async def test_a_wrong_token_opens_nothing_and_not_too_often() -> None:
    async with opened(fleet(), KEYS) as client:
        found = [(await send(client, "/sign-in", token="wrong"))[0] for _ in range(11)]

        assert found == [401] * 10 + [429]
        assert not list(client.session.cookie_jar)


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example", "/\\evil", "/a\nb", ""]
)
async def test_signing_in_leads_nowhere_else(there: str) -> None:
    async with opened(fleet(), OPEN) as client:
        assert await send(client, "/sign-in", token="alices-token", next=there) == (303, "/")


async def test_a_person_suspends_for_a_while_and_resumes() -> None:
    seen = fleet()
    async with opened(seen) as client:
        csrf = await signed_in(client)
        word = {"reason": "disk", "hours": "8", "csrf": csrf}
        assert await send(client, f"{RELEASE}/suspend", **word) == (303, f"{RELEASE}?done=suspend")
        assert await send(client, f"{RELEASE}/resume", csrf=csrf, reason="") == (
            303,
            f"{RELEASE}?done=resume",
        )

    suspension = seen.book.suspensions[BACKEND]
    assert (suspension.by, suspension.reason) == ("alice", "disk")
    assert suspension.until == NOON + timedelta(hours=8)
    assert seen.book.resumed == [BACKEND]


async def test_a_person_approves_what_the_page_has_shown() -> None:
    seen = fleet()
    async with opened(seen) as client:
        csrf = await signed_in(client)
        word = {"fingerprint": FINGERPRINT, "reason": "tried it", "csrf": csrf}
        assert (await send(client, f"{RELEASE}/approve", **word))[0] == 303

    assert [approval.approver for approval in seen.book.approvals] == ["alice"]


@pytest.mark.parametrize(
    ("action", "form", "status"),
    [
        ("suspend", {"reason": "disk", "csrf": "wrong"}, 403),
        ("suspend", {"reason": "disk"}, 403),
        ("suspend", {"reason": ""}, 400),
        ("suspend", {"reason": "disk", "hours": "0"}, 400),
        ("suspend", {"reason": "disk", "hours": "soon"}, 400),
        ("approve", {"fingerprint": "0" * 64}, 409),
        ("rename", {}, 404),
    ],
)
async def test_a_form_that_does_not_fit_changes_nothing(
    action: str, form: dict[str, str], status: int
) -> None:
    seen = fleet()
    async with opened(seen) as client:
        csrf = await signed_in(client)
        if status != 403:
            form = {**form, "csrf": csrf}
        assert (await send(client, f"{RELEASE}/{action}", **form))[0] == status

    assert (seen.book.suspensions, seen.book.approvals, seen.book.resumed) == ({}, [], [])


async def test_another_site_cannot_speak_in_a_persons_name() -> None:
    seen = fleet()
    async with opened(seen) as client:
        csrf = await signed_in(client)
        foreign = {"Sec-Fetch-Site": "cross-site"}
        form = {"reason": "disk", "csrf": csrf}
        for path in (f"{RELEASE}/suspend", "/sign-in", "/sign-out"):
            async with client.post(path, data=form, headers=foreign) as reply:
                assert reply.status == 403

    assert not seen.book.suspensions


async def test_who_only_looks_is_shown_no_form() -> None:
    async with opened(fleet(), KEYS) as client:
        assert await signed_in(client, "looks-only") == ""
        async with client.get(RELEASE) as reply:
            assert "Sign in</a> as a person" in await reply.text()


async def test_where_approvals_are_signed_the_page_shows_the_command() -> None:
    async with opened(fleet(), needs_signature=True) as client:
        await signed_in(client)
        async with client.get(RELEASE) as reply:
            text = await reply.text()

    assert f"<pre>reconciler approve {BACKEND}</pre>" in text
    assert f'action="{RELEASE}/approve"' not in text


async def test_signing_out_ends_it() -> None:
    async with opened(fleet(), KEYS) as client:
        await signed_in(client)
        assert await send(client, "/sign-out") == (303, "/")
        async with client.get("/", allow_redirects=False) as reply:
            assert reply.status == 303
