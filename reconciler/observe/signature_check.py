"""Which approvals and overrides count: those signed by the right key, where one is asked for."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from reconciler.errors import SignatureRefused
from reconciler.model.approval import Checked, Signed
from reconciler.model.desired import Desired
from reconciler.model.observed import Requests
from reconciler.ports import Seals

_DEADLINE = timedelta(seconds=3)
_AT_A_TIME = 4

S = TypeVar("S", bound=Signed)


@dataclass(kw_only=True)
class SignatureCheck:
    """Checks each signature once, for as long as the list of signers stays as it is."""

    seals: Seals | None = None
    """`None` where names are taken as they are given."""
    found: dict[Signed, Checked[Signed]] = field(default_factory=dict)
    edition: str = ""

    async def checked(self, requests: Requests, desired: Desired) -> Requests:
        """Return *requests* with what is known of each approval of what *desired* asks for.

        A check that takes long is left to a later pass: until then the approval does not count.
        """
        wanted = {(item.name, item.fingerprint) for item in desired.releases}
        approvals = [
            item.signed
            for item in requests.approvals
            if (item.signed.release, item.signed.fingerprint) in wanted
        ]
        prune = requests.prune.signed if requests.prune is not None else None
        if self.seals is not None:
            await self._check([*approvals, *([prune] if prune is not None else [])], self.seals)
        return replace(
            requests,
            approvals=tuple(map(self._known, approvals)),
            prune=self._known(prune) if prune is not None else None,
        )

    def _known(self, signed: S) -> Checked[S]:
        if self.seals is None:
            return Checked(signed=signed)
        found = self.found.get(signed)
        if found is None:
            return Checked(
                signed=signed, refusal="its signature has not been checked yet", pending=True
            )
        return Checked(signed=signed, key=found.key, refusal=found.refusal)

    async def _check(self, requests: Iterable[Signed], seals: Seals) -> None:
        """Check those of *requests* that are not known yet, and forget all others."""
        edition = seals.edition()
        known = self.found if edition == self.edition else {}
        self.found = {signed: known[signed] for signed in requests if signed in known}
        self.edition = edition
        turns = asyncio.Semaphore(_AT_A_TIME)

        async def check(signed: Signed) -> None:
            async with turns:
                try:
                    found = Checked(signed=signed, key=await seals.signer(signed))
                except SignatureRefused as error:
                    found = Checked(signed=signed, refusal=str(error))
            self.found[signed] = found

        try:
            async with asyncio.timeout(_DEADLINE.total_seconds()), asyncio.TaskGroup() as group:
                for signed in requests:
                    if signed not in self.found:
                        group.create_task(check(signed))
        except TimeoutError:
            return
