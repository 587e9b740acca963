"""The repository, and what is beside it: secrets, and who may sign."""

from typing import Protocol

from reconciler.model.approval import Signed
from reconciler.model.download_token import DownloadGrant
from reconciler.model.identity import Revision, SecretName
from reconciler.model.revert import Proposal
from reconciler.model.snapshot import Snapshot


class Source(Protocol):
    """The repository."""

    async def fetch(self) -> Snapshot:
        """Return the newest revision of the branch.

        Raises:
            SourceUnavailable: no answer in time; the last good revision stays in force.
            SourceRefused: the ref or its history is not to be used.
        """

    async def applied(self, revision: Revision) -> None:
        """Remember *revision* as the last good one, over restarts."""

    async def last_applied(self) -> Snapshot | None:
        """Return the last good revision, read again; `None` when there has been none."""


class Reverts(Protocol):
    """Where people are offered a way back: branches of the repository, beside its own."""

    async def push(self, proposal: Proposal) -> Revision:
        """Return where the branch is: at the proposal's commit, or where it was already.

        A branch that exists is left alone, so asking twice is asking once. It may go on beside
        the caller, who asks again for what came of it.

        Raises:
            SourceUnavailable: no answer yet; worth asking again.
            PushRefused: the repository does not take it, and will not by itself.
        """


class Secrets(Protocol):
    """Where secret values are; they are read when they are needed and kept nowhere."""

    def resolve(self, name: SecretName) -> str:
        """Return the value.

        Raises:
            SecretUnavailable: nobody has configured it, or it cannot be read.
        """

    def token(self, grant: DownloadGrant) -> str:
        """Return a token with which *grant* can be downloaded from us, for now.

        Raises:
            SecretUnavailable: we serve no downloads, or the key cannot be read.
        """


class Seals(Protocol):
    """Who may sign, and whether somebody did."""

    def edition(self) -> str:
        """Name the list of signers as it is now: another name, and all is checked again."""

    async def signer(self, signed: Signed) -> str:
        """Return the fingerprint of the key that signed *signed*, in its person's name.

        Raises:
            SignatureRefused: it is not signed, or by no key of that person.
        """
