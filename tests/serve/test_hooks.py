"""The forge's webhook, over real HTTP: whoever knows the secret wakes us, and does nothing else."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from reconciler.serve.hooks import git_hook_routes
from tests.support.builders import NOON
from tests.support.clock import FakeClock

SECRET = "CANARY-secret"  # nothing that is answered may hold it
BODY = b'{"ref": "refs/heads/main"}'


@dataclass
class Hook:
    """A served webhook, and how often it woke anybody."""

    address: str
    clock: FakeClock
    wakes: list[None] = field(default_factory=list)

    async def post(
        self, headers: Mapping[str, str], body: bytes = BODY
    ) -> tuple[int, dict[str, str]]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.address, data=body, headers=headers) as response,
        ):
            text = await response.text()
            assert "\n" not in text
            assert "CANARY" not in text
            return response.status, json.loads(text)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async for served in serve(SECRET):
        yield served


async def serve(secret: str | None) -> AsyncIterator[Hook]:
    hook = Hook("", FakeClock())
    application = web.Application()
    application.add_routes(git_hook_routes(secret, lambda: hook.wakes.append(None), hook.clock))
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.address = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/git"
    yield hook
    await runner.cleanup()


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": f"sha256={signature()}"},
        {"X-Gitea-Signature": signature()},
        {"X-Forgejo-Signature": signature()},
        {"X-Gitlab-Token": SECRET},
        {"X-Gitea-Signature": signature(), "X-Hub-Signature-256": f"sha256={signature()}"},
    ],
    ids=["github", "gitea", "forgejo", "gitlab", "gitea sends both"],
)
async def test_whoever_knows_the_secret_wakes_us(hook: Hook, headers: Mapping[str, str]) -> None:
    assert await hook.post(headers) == (202, {"status": "accepted"})
    assert len(hook.wakes) == 1


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\x00", b"x" * 1024 * 1024])
async def test_what_the_body_says_does_not_matter(hook: Hook, body: bytes) -> None:
    assert (await hook.post({"X-Gitea-Signature": signature(body)}, body))[0] == 202
    assert len(hook.wakes) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": f"sha256={signature(b'other')}"},
        {"X-Hub-Signature-256": f"sha256={signature(secret='other')}"},
        {"X-Hub-Signature-256": f"sha256={signature()[:-1]}"},
        {"X-Hub-Signature": f"sha1={hmac.new(SECRET.encode(), BODY, 'sha1').hexdigest()}"},
        {"X-Gitlab-Token": "other"},
        {"X-Gitlab-Token": ""},
        {"X-Gitlab-Token": "größe"},
        {"Authorization": f"Bearer {SECRET}"},
        {"webhook-signature": "v1,x", "webhook-id": "1", "webhook-timestamp": "x"},
    ],
)
async def test_whoever_does_not_know_it_is_refused(hook: Hook, headers: Mapping[str, str]) -> None:
    assert await hook.post(headers) == (
        401,
        {"error": "no valid signature: set the same secret here and in the forge"},
    )
    assert hook.wakes == []


def standard(
    key: bytes = b"k" * 32, *, at: int = int(NOON.timestamp()), body: bytes = BODY, name: str = "m"
) -> dict[str, str]:
    """Sign as the Standard Webhooks have it, and as newer GitLabs do."""
    signed = f"{name}.{at}.".encode() + body
    value = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{value}",
    }


async def test_a_signing_token_of_gitlab_is_understood() -> None:
    now = int(NOON.timestamp())
    async for hook in serve("whsec_" + base64.b64encode(b"k" * 32).decode()):
        good = standard()
        assert (await hook.post(good))[0] == 202
        several = f"v1,x {good['webhook-signature']} v1a,y"
        assert (await hook.post(good | {"webhook-signature": several}))[0] == 202
        assert (await hook.post(standard(at=now + 290)))[0] == 202
        assert len(hook.wakes) == 3
        for bad in (
            standard(b"other" * 8),
            standard(body=b"other"),
            standard(at=now - 301),
            standard(at=now + 301),
            good | {"webhook-id": "other"},
            good | {"webhook-timestamp": str(now + 1)},
        ):
            assert (await hook.post(bad))[0] == 401
        assert len(hook.wakes) == 3


@pytest.mark.parametrize("secret", [None, ""])
async def test_without_a_secret_there_is_no_webhook(secret: str | None) -> None:
    async for hook in serve(secret):
        async with aiohttp.ClientSession() as session, session.post(hook.address) as response:
            assert response.status == 404
        assert hook.wakes == []


async def test_it_is_only_posted_to(hook: Hook) -> None:
    async with aiohttp.ClientSession() as session, session.get(hook.address) as response:
        assert response.status == 405
    assert hook.wakes == []


async def test_too_many_requests_are_put_off_and_soon_taken_again(hook: Hook) -> None:
    good = {"X-Gitlab-Token": SECRET}
    assert [(await hook.post(good))[0] for _ in range(11)] == [202] * 10 + [429]

    hook.clock.advance(timedelta(seconds=2))

    assert [(await hook.post(good))[0] for _ in range(3)] == [202, 202, 429]
    assert len(hook.wakes) == 12


async def test_an_idle_hour_allows_no_more_at_once_than_a_moment(hook: Hook) -> None:
    hook.clock.advance(timedelta(hours=1))

    statuses = [(await hook.post({"X-Gitlab-Token": SECRET}))[0] for _ in range(11)]

    assert statuses == [202] * 10 + [429]


async def test_a_body_that_comes_bit_by_bit_is_taken(hook: Hook) -> None:
    async def bits() -> AsyncIterator[bytes]:
        for byte in BODY:
            await asyncio.sleep(0)
            yield bytes([byte])

    async with (
        aiohttp.ClientSession() as session,
        session.post(
            hook.address, data=bits(), headers={"X-Gitea-Signature": signature()}
        ) as response,
    ):
        assert response.status == 202
