"""The part of a plan case that is about people's words: approvals, overrides, suspensions."""

from collections.abc import Sequence
from typing import TypedDict

from reconciler.model.approval import ApprovalOrOverride, Checked
from reconciler.model.desired import Release
from reconciler.model.observed import Requests, Retry, Suspension
from tests.plan.case_memory import at_version
from tests.plan.case_time import span
from tests.support import builders
from tests.support.builders import NOON

WordCase = TypedDict(
    "WordCase",
    {"by": str, "ago": str, "key": str, "refused": str, "of": str, "for": str, "ahead": str},
    total=False,
)
"""`for` makes it an override of the release's window, for so long; `ahead`: said in the future."""


def requests_of(
    item: Release,
    *,
    words: Sequence[WordCase] = (),
    suspended: str | None = None,
    suspended_for: str | None = None,
    retried: str | None = None,
) -> Requests:
    """Return what people ask for: who suspended it did so a day ago."""
    suspensions, retries = {}, {}
    if suspended is not None:
        suspensions[item.name] = Suspension(
            release=item.name,
            by="mika",
            reason=suspended,
            since=NOON,
            until=NOON + span(suspended_for) if suspended_for is not None else None,
        )
    if retried is not None:
        retries[item.name] = Retry(
            release=item.name, id="retry-1", by="mika", at=NOON - span(retried)
        )
    said = tuple(_approval(item, word) for word in words)
    return Requests(approvals=said, suspensions=suspensions, retries=retries)


def _approval(item: Release, word: WordCase) -> Checked[ApprovalOrOverride]:
    release = at_version(item, word.get("of", item.version))
    ago = -span(word["ahead"]) if "ahead" in word else span(word.get("ago", "1m"))
    if "for" in word:
        return builders.override(release, span(word["for"]), ago=ago)
    return builders.approval(
        release,
        word.get("by", "mika"),
        ago=ago,
        key=word.get("key", ""),
        refusal=word.get("refused", ""),
    )
