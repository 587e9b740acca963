"""Sessions that no server keeps: a cookie says who signed in and until when, and is sealed."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from reconciler.ports import Clock
from reconciler.serve.credential import same

LASTS = timedelta(hours=12)


class _Sealed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    name: str
    until: int
    nonce: str


class Sessions:
    """Makes cookies and reads them back.

    The key follows from the tokens that let people in: a restart ends no session, any other
    controller of the same settings knows them too, and a token that is changed ends them all.
    """

    def __init__(self, tokens: Mapping[str, str], clock: Clock) -> None:
        seed = msgspec.json.encode(sorted(tokens.items()))
        secret = seed if tokens else secrets.token_bytes(32)
        self._key = hmac.digest(b"kanade-reconciler session", secret, hashlib.sha256)
        self._clock = clock

    def begin(self, name: str) -> str:
        """Return the cookie of somebody who has just signed in."""
        until = self._clock.now() + LASTS
        sealed = _Sealed(name=name, until=int(until.timestamp()), nonce=secrets.token_hex(8))
        text = base64.urlsafe_b64encode(msgspec.json.encode(sealed)).decode().rstrip("=")
        return f"{text}.{self._seal('session', text)}"

    def name_of(self, cookie: str) -> str | None:
        """Return who signed in; `None` when nobody did, or it is too long ago."""
        text, _, seal = cookie.partition(".")
        if not same(seal, self._seal("session", text)):
            return None
        padded = text + "=" * (-len(text) % 4)
        sealed = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Sealed)
        return sealed.name if sealed.until > self._clock.now().timestamp() else None

    def csrf(self, of: str) -> str:
        """Return what a form must bring back; *of* is the cookie, or who a proxy names."""
        return self._seal("form", of)

    def _seal(self, what: str, text: str) -> str:
        said = f"{what} {text}".encode("utf-8", "backslashreplace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()
