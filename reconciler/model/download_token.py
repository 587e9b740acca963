"""Tokens for one download: what a deploy script carries in place of a person's credential."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from reconciler.model.digest import Digest
from reconciler.model.fingerprint import canonical
from reconciler.model.identity import PackageName, ReleaseName, Version
from reconciler.model.secret import Secret

_KIND = "krd1"
_PARTS = 5
_LONGEST_TOKEN = 512
_CLOCKS_DIFFER = timedelta(minutes=5)
MARGIN = timedelta(days=1)
"""An epoch is at least this much longer than a command may wait to be started: time to run it."""


class DownloadGrant(NamedTuple):
    """What a token is good for: these bytes under this name, and nothing else.

    A tuple, so that among a release's kept knobs it differs from a secret's name.
    """

    release: ReleaseName
    package: PackageName
    version: Version
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """Makes tokens, and knows its own again.

    Within an epoch a grant always has the same token. It holds in the epoch after it as well,
    so for at least the length of one whenever it was made.
    """

    secret: Secret
    epoch: timedelta

    def token(self, grant: DownloadGrant, now: datetime) -> str:
        """Return the token of *grant*, printable ASCII without spaces or quotes."""
        return self._spell(grant, self._number(now))

    def grant_of(
        self, token: str, package: PackageName, version: Version, now: datetime
    ) -> DownloadGrant | None:
        """Return what *token* grants, if that is *package* in *version*, today."""
        parts = token.split(".", _PARTS - 1)
        if len(token) > _LONGEST_TOKEN or not token.isascii() or len(parts) != _PARTS:
            return None
        _, number, digest, _, release = parts
        epochs = {str(self._number(at)): self._number(at) for at in self._accepted(now)}
        try:
            grant = DownloadGrant(ReleaseName(release), package, version, Digest(_hex(digest)))
        except ValueError:
            return None
        if number not in epochs:
            return None
        expected = self._spell(grant, epochs[number])
        return grant if hmac.compare_digest(token.encode(), expected.encode()) else None

    def _spell(self, grant: DownloadGrant, number: int) -> str:
        release, package, version, digest = grant
        signed = canonical([_KIND, release, package, version, digest.hex, number])
        mac = hmac.new(self.secret.reveal().encode(), signed, hashlib.sha256).digest()
        return f"{_KIND}.{number}.{_base64(bytes.fromhex(digest.hex))}.{_base64(mac)}.{release}"

    def _number(self, now: datetime) -> int:
        return int(now.timestamp() // self.epoch.total_seconds())

    def _accepted(self, now: datetime) -> tuple[datetime, ...]:
        """Name the epochs that count now; another instance's clock may be a little ahead."""
        return now - self.epoch, now, now + _CLOCKS_DIFFER


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _hex(text: str) -> str:
    return Digest.parse(f"SHA-256={text}").hex
