"""OpenSSH's signatures: the one place that runs `ssh-keygen`.

The namespace keeps a signature from meaning anything elsewhere, such as on a git commit.
"""

import asyncio
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import SignatureRefused, UsageError
from reconciler.model.approval import Signed, signed_text

NAMESPACE = "kanade-reconciler"
_DEADLINE_SECONDS = 10.0
_MAX_SIGNATURE_CHARACTERS = 16 * 1024
_NO_SIGNATURE = "its signature is no signature"
_KEY = re.compile(r" key (SHA256:\S+)")


@dataclass(frozen=True, slots=True)
class SshSeals:
    """Implements `ports.Seals` on a file of `allowed_signers`."""

    allowed_signers: Path

    def edition(self) -> str:
        """See `ports.Seals`."""
        try:
            return hashlib.sha256(self.allowed_signers.read_bytes()).hexdigest()
        except OSError as error:
            return f"unreadable: {error.strerror}"

    async def signer(self, signed: Signed) -> str:
        """See `ports.Seals`; the check runs beside the loop, not in it."""
        return await asyncio.to_thread(verify, signed, self.allowed_signers)


def allowed(signers: Path) -> tuple[str, ...]:
    """Return the lines of *signers* that name somebody.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        lines = signers.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise UsageError(f"{signers}: cannot be read: {error.strerror}") from error
    return tuple(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def verify(signed: Signed, allowed_signers: Path) -> str:
    """Return the fingerprint of the key that signed *signed*; see `ports.Seals`."""
    if not signed.signature:
        raise SignatureRefused("it is not signed: approve with --key FILE")
    if len(signed.signature) > _MAX_SIGNATURE_CHARACTERS or "\0" in signed.approver:
        raise SignatureRefused(_NO_SIGNATURE)
    with tempfile.NamedTemporaryFile("w", prefix="seal-", suffix=".sig") as file:
        file.write(signed.signature)
        file.flush()
        who = ("-I", signed.approver, "-f", str(allowed_signers), "-s", file.name)
        done = _run(("-Y", "verify", "-n", NAMESPACE, *who), signed_text(signed))
    found = _KEY.search(done.stdout.decode(errors="replace"))
    if done.returncode != 0 or found is None:
        raise SignatureRefused(_why(done.stderr.decode(errors="replace"), allowed_signers))
    return found[1]


def sign(request: Signed, key: str) -> str:
    """Return the signature over *request* by *key*: a file, or a public key that the agent holds.

    A passphrase is asked for on the terminal.

    Raises:
        UsageError: the key cannot be used.
    """
    with tempfile.NamedTemporaryFile("w", prefix="key-", suffix=".pub") as file:
        literal = key.removeprefix("key::")
        if literal.startswith(("ssh-", "ecdsa-", "sk-")):
            file.write(f"{literal}\n")
            file.flush()
            path = file.name
        else:
            path = str(Path(key).expanduser())
        arguments = ("-Y", "sign", "-n", NAMESPACE, "-f", path)
        done = _run(arguments, signed_text(request), seconds=None)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["without a message"]
        raise UsageError(f"{key}: cannot sign with this key: {lines[-1]}; name another by --key")
    return done.stdout.decode()


def _run(
    arguments: Sequence[str], text: bytes, *, seconds: float | None = _DEADLINE_SECONDS
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 (no shell, and each argument is one)
            ("ssh-keygen", *arguments),  # noqa: S607 (wherever this machine has it)
            input=text,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except OSError as error:
        raise SignatureRefused(f"ssh-keygen cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise SignatureRefused(f"ssh-keygen did not end within {seconds:g} s") from error


def _why(errors: str, allowed_signers: Path) -> str:
    if "No such file" in errors or "Permission denied" in errors:
        return f"{allowed_signers} cannot be read: mend approval.allowed_signers in the settings"
    if "parse signature" in errors:
        return _NO_SIGNATURE
    if "incorrect signature" in errors:
        return "its signature is over something else"
    return f"no key of this person in {allowed_signers.name} has signed it"
