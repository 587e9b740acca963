"""Which of people's words count: those that the right key has signed, where one is asked for."""

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
class WordCheck:
    """Checks each word once, for as long as the list of signers stays as it is."""

    seals: Seals | None = None
    """`None` where names are taken as they are given."""
    found: dict[Signed, Checked[Signed]] = field(default_factory=dict)
    edition: str = ""

    async def checked(self, requests: Requests, desired: Desired) -> Requests:
        """Return *requests* with what is known of every word on what *desired* asks for.

        A check that takes long is waited for by a later pass: until then the word does not count.
        """
        wanted = {(item.name, item.fingerprint) for item in desired.releases}
        words = [
            item.word
            for item in requests.words
            if (item.word.release, item.word.fingerprint) in wanted
        ]
        prune = requests.prune.word if requests.prune is not None else None
        if self.seals is not None:
            await self._check_anew([*words, *([prune] if prune is not None else [])], self.seals)
        return replace(
            requests,
            words=tuple(map(self._known, words)),
            prune=self._known(prune) if prune is not None else None,
        )

    def _known(self, word: S) -> Checked[S]:
        if self.seals is None:
            return Checked(word=word)
        found = self.found.get(word)
        if found is None:
            return Checked(
                word=word, refusal="its signature has not been checked yet", pending=True
            )
        return Checked(word=word, key=found.key, refusal=found.refusal)

    async def _check_anew(self, words: Iterable[Signed], seals: Seals) -> None:
        """Check whatever of *words* is not known yet, and forget all others."""
        edition = seals.edition()
        known = self.found if edition == self.edition else {}
        self.found, self.edition = {word: known[word] for word in words if word in known}, edition
        turns = asyncio.Semaphore(_AT_A_TIME)

        async def check(word: Signed) -> None:
            async with turns:
                try:
                    found = Checked(word=word, key=await seals.signer(word))
                except SignatureRefused as error:
                    found = Checked(word=word, refusal=str(error))
            self.found[word] = found

        try:
            async with asyncio.timeout(_DEADLINE.total_seconds()), asyncio.TaskGroup() as group:
                for word in words:
                    if word not in self.found:
                        group.create_task(check(word))
        except TimeoutError:
            return
