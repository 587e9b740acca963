"""The forge's push webhook: it triggers a fetch, and nothing in it is believed or even read."""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from reconciler.ports import Clock, Wake
from reconciler.serve.allowance import Allowance
from reconciler.serve.credential import same

PATH = "/hooks/git"
_MAX_BODY_BYTES = 1024 * 1024
_BODY_WITHIN_SECONDS = 10
_READ_BYTES = 64 * 1024
_CLOCKS_DIFFER = timedelta(minutes=5)
_HEX_HEADERS = ("X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature")
_STANDARD_PREFIX = "whsec_"

Handler = Callable[[web.Request], Awaitable[web.Response]]


def git_hook_routes(secret: str | None, wake: Wake, clock: Clock) -> list[web.RouteDef]:
    """Return the webhook's route; without a *secret* there is none, and so the answer is 404.

    GitHub, Gitea and Forgejo sign the body with the secret; GitLab sends it as a token, or signs
    with it when it begins with `whsec_`, as the Standard Webhooks have it.
    """
    if not secret:
        return []
    return [web.post(PATH, git_hook(secret, wake, clock))]


def git_hook(secret: str, wake: Wake, clock: Clock) -> Handler:
    """Return the handler: 202 and a wake where *secret* is known, one line of JSON else."""
    allowance = Allowance(clock)

    async def handle(request: web.Request) -> web.Response:
        if not allowance.take():
            return _error(429, "too many requests; the repository is fetched anyway", retry=1)
        try:
            async with asyncio.timeout(_BODY_WITHIN_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return _error(408, f"the body did not come within {_BODY_WITHIN_SECONDS} s")
        if body is None:
            return _error(413, f"the body is larger than {_MAX_BODY_BYTES:,} bytes")
        if not _signed(request, body, secret, clock):
            return _error(401, "no valid signature: set the same secret here and in the forge")
        wake()
        return web.json_response({"status": "accepted"}, status=202)

    return handle


async def _body(request: web.Request) -> bytes | None:
    """Read the body; `None` as soon as it is too large."""
    if (request.content_length or 0) > _MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for block in request.content.iter_chunked(_READ_BYTES):
        body += block
        if len(body) > _MAX_BODY_BYTES:
            return None
    return bytes(body)


def _signed(request: web.Request, body: bytes, secret: str, clock: Clock) -> bool:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    good = [
        same(request.headers[name].removeprefix("sha256="), signature)
        for name in _HEX_HEADERS
        if name in request.headers
    ]
    if "X-Gitlab-Token" in request.headers:
        good.append(same(request.headers["X-Gitlab-Token"], secret))
    if "webhook-signature" in request.headers:
        good.append(_signed_by_standard(request, body, secret, clock))
    return any(good)


def _signed_by_standard(request: web.Request, body: bytes, secret: str, clock: Clock) -> bool:
    """Check a signature over id, time and body; one of several may be the right one."""
    name, sent_at = (request.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp"))
    try:
        key = base64.b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
        age = abs(clock.now().timestamp() - int(sent_at))
    except (binascii.Error, ValueError):
        return False
    if age > _CLOCKS_DIFFER.total_seconds():
        return False
    signed = f"{name}.{sent_at}.".encode("utf-8", "surrogateescape") + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = request.headers["webhook-signature"].split(" ")
    return any(same(candidate, f"v1,{expected}") for candidate in given)


def _error(status: int, message: str, *, retry: int | None = None) -> web.Response:
    headers = {} if retry is None else {"Retry-After": str(retry)}
    return web.json_response({"error": message}, status=status, headers=headers)
