"""SHA-256, in the two spellings that kanade uses."""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Self

_HEX = re.compile(r"[0-9a-f]{64}")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{43}")
_KANADE_PREFIX = "SHA-256="


@dataclass(frozen=True, slots=True)
class Digest:
    """A SHA-256, kept as the 64 lowercase hex digits that the deploy scripts compare."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError(f"not a sha256 of 64 lowercase hex digits: {self.hex!r}")

    def __str__(self) -> str:
        return self.hex

    @property
    def kanade(self) -> str:
        """The spelling of kanade and of NATS object stores: `SHA-256=<padded base64url>`."""
        encoded = base64.urlsafe_b64encode(bytes.fromhex(self.hex)).decode("ascii")
        return f"{_KANADE_PREFIX}{encoded}"

    @property
    def short(self) -> str:
        """Enough for a person to distinguish two."""
        return self.hex[:12]

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return the digest of *content*."""
        return cls(hashlib.sha256(content).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read either spelling; kanade's may lack its padding.

        Raises:
            ValueError: *text* is neither; a fault of its author.
        """
        if not text.startswith(_KANADE_PREFIX):
            return cls(text)
        encoded = text.removeprefix(_KANADE_PREFIX).rstrip("=")
        if not _BASE64URL.fullmatch(encoded):
            raise ValueError(f"not a sha256 in base64url after {_KANADE_PREFIX!r}: {encoded!r}")
        return cls(base64.urlsafe_b64decode(f"{encoded}=").hex())
