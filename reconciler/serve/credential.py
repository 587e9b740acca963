"""What a request brings to be let in: its bearer token, and how a secret is compared."""

import hmac

from aiohttp import web


def bearer_token(request: web.Request) -> str | None:
    """Return the token that *request* bears; a proxy may add credentials of another scheme."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def same(given: str, expected: str) -> bool:
    """True when *given* is *expected*; how long it takes reveals nothing of what is expected.

    *given* may hold any bytes, as headers do.
    """
    return hmac.compare_digest(given.encode("utf-8", "backslashreplace"), expected.encode())
