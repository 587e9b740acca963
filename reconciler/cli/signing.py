"""Who approves, and with which SSH key they sign."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from reconciler.cli.invocation import Invocation
from reconciler.cli.settings import Settings
from reconciler.errors import SignatureRefused, UsageError
from reconciler.model.approval import Approval, Override, Signed
from reconciler.model.pruning import PruneApproval
from reconciler.source.ssh_keygen import sign, verify

W = TypeVar("W", Approval, Override, PruneApproval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person, and the key that proves it; no key where nobody asks for proof."""

    name: str
    key: str | None
    signers: Path | None = None
    """Who may sign, where that is known here."""

    def signed(self, request: W) -> W:
        """Return *request* with this person's signature, if there is a key.

        Raises:
            UsageError: the key cannot be used.
        """
        if self.key is None:
            return request
        return replace(request, signature=sign(request, self.key))

    def refusal(self, request: Signed) -> str | None:
        """Return why *request* does not count as far as is known here; `None` where it may."""
        try:
            if self.signers is not None:
                verify(request, self.signers)
        except SignatureRefused as error:
            return str(error)
        return None


def signer_of(
    invocation: Invocation, settings: Settings, name: str | None, key: str | None
) -> Signer:
    """Return who signs: as the options say, else as git and the SSH agent know this person.

    Raises:
        UsageError: the settings ask for signatures, and there is no key.
    """
    signers = settings.approval.allowed_signers
    if key is None and signers is None:
        return Signer(name=name or invocation.user(), key=None)
    key = key or _git("user.signingkey") or _agents_only_key()
    if key is None:
        raise UsageError(
            "approvals are signed here, and there is no key to sign with: name one by --key, "
            "or by git config user.signingkey"
        )
    return Signer(name=name or _git("user.email") or invocation.user(), key=key, signers=signers)


def _git(setting: str) -> str | None:
    return _first_line(("git", "config", "--get", setting), lambda lines: len(lines) == 1)


def _agents_only_key() -> str | None:
    return _first_line(("ssh-add", "-L"), lambda lines: len(lines) == 1)


def _first_line(command: tuple[str, ...], fits: Callable[[list[str]], bool]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603 (our own arguments)
    except OSError:
        return None
    lines = done.stdout.splitlines()
    return lines[0] if done.returncode == 0 and fits(lines) else None
