"""Words are checked once each, and a slow check holds up nobody."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from reconciler.errors import SignatureRefused
from reconciler.model.approval import ApprovalOrOverride, Checked, Signed
from reconciler.model.observed import Requests
from reconciler.model.pruning import PruneApproval
from reconciler.observe import signature_check
from reconciler.observe.signature_check import SignatureCheck
from tests.support import builders
from tests.support.builders import NOON

ITEM = builders.release()
DESIRED = builders.desired(ITEM)
MIKA, AKI = (builders.approval(ITEM, name).signed for name in ("mika", "aki"))


@dataclass
class FakeSeals:
    """Knows mika alone; whoever is stuck never comes to an end."""

    edition_now: str = "1"
    stuck: bool = False
    asked: list[str] = field(default_factory=list)

    def edition(self) -> str:
        return self.edition_now

    async def signer(self, word: Signed) -> str:
        self.asked.append(word.approver)
        if self.stuck:
            await asyncio.Event().wait()
        if word.approver != "mika":
            raise SignatureRefused("no key of this person")
        return "SHA256:mika"


def said(*words: ApprovalOrOverride) -> Requests:
    """As the bucket is read: nothing has been checked."""
    return Requests(
        approvals=tuple(Checked(signed=word, refusal="not yet", pending=True) for word in words)
    )


async def test_without_a_list_of_signers_names_are_taken_as_they_are_given() -> None:
    found = await SignatureCheck().checked(said(MIKA, AKI), DESIRED)

    assert found.approvals == (Checked(signed=MIKA), Checked(signed=AKI))


async def test_a_word_counts_when_the_right_key_has_signed_it() -> None:
    found = await SignatureCheck(seals=FakeSeals()).checked(said(MIKA, AKI), DESIRED)

    assert found.approvals == (
        Checked(signed=MIKA, key="SHA256:mika"),
        Checked(signed=AKI, refusal="no key of this person"),
    )


async def test_a_word_is_checked_once_until_the_signers_change() -> None:
    seals = FakeSeals()
    check = SignatureCheck(seals=seals)
    for _ in range(3):
        await check.checked(said(MIKA), DESIRED)
    assert seals.asked == ["mika"]

    await check.checked(said(replace(MIKA, reason="again")), DESIRED)
    seals.edition_now = "2"
    await check.checked(said(replace(MIKA, reason="again")), DESIRED)

    assert seals.asked == ["mika"] * 3


async def test_a_word_on_what_nobody_asks_for_any_more_is_not_checked() -> None:
    seals = FakeSeals()
    old = builders.approval(builders.release("1.0.0")).signed

    found = await SignatureCheck(seals=seals).checked(said(old), DESIRED)

    assert (found.approvals, seals.asked) == ((), [])


async def test_a_slow_check_does_not_count_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seals = FakeSeals(stuck=True)
    check = SignatureCheck(seals=seals)

    with monkeypatch.context() as hasty:
        hasty.setattr(signature_check, "_DEADLINE", timedelta(milliseconds=30))
        (first,) = (await check.checked(said(MIKA), DESIRED)).approvals
    seals.stuck = False
    (second,) = (await check.checked(said(MIKA), DESIRED)).approvals

    assert (first.refusal, first.pending) == ("its signature has not been checked yet", True)
    assert second == Checked(signed=MIKA, key="SHA256:mika")


async def test_a_word_on_a_prune_counts_when_it_is_signed_and_is_checked_once() -> None:
    seals = FakeSeals()
    check = SignatureCheck(seals=seals)
    good, bad = (PruneApproval(items=("x",), approver=name, at=NOON) for name in ("mika", "aki"))

    async def found(word: PruneApproval, by: SignatureCheck) -> Checked[PruneApproval] | None:
        unread = Checked(signed=word, refusal="not yet", pending=True)
        return (await by.checked(Requests(prune=unread), DESIRED)).prune

    assert await found(bad, check) == Checked(signed=bad, refusal="no key of this person")
    for _ in range(2):
        assert await found(good, check) == Checked(signed=good, key="SHA256:mika")
    assert seals.asked == ["aki", "mika"]
    assert await found(bad, SignatureCheck()) == Checked(signed=bad)
