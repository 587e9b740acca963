"""Whose word a release has: how many people must agree, who did, and what stays agreed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.model.approval import LONGEST_OVERRIDE, Approval, Checked, Override, Word
from reconciler.model.desired import Release
from reconciler.model.observed import Observed
from reconciler.model.plan import Assessment

_SAME_KEY = "this key has agreed already, under another name"
_AHEAD = timedelta(minutes=5)
"""How far the clock of a person's machine may be ahead of ours."""


def approvals_needed(release: Release) -> int:
    """Return how many people must agree: what the release says, or one for the job's word."""
    if release.approval is not None:
        return release.approval.required
    return 1 if release.job.require_approval else 0


def words_on(release: Release, observed: Observed, now: datetime) -> tuple[Checked[Word], ...]:
    """Return what people have said of this very fingerprint, the oldest first.

    One that goes beyond what a person may say counts for nothing, whoever has signed it: what
    asks for it checks that as well, but it can be written without.
    """
    found = [
        _within_limits(checked, now)
        for checked in observed.requests.words
        if (checked.word.release, checked.word.fingerprint) == (release.name, release.fingerprint)
    ]
    return tuple(sorted(found, key=lambda checked: (checked.word.at, checked.word.approver)))


def _within_limits(checked: Checked[Word], now: datetime) -> Checked[Word]:
    word, refusal = checked.word, ""
    if word.at > now + _AHEAD:
        refusal = f"it is dated {word.at:%Y-%m-%d %H:%M:%S} UTC, which is yet to come"
    elif isinstance(word, Override) and word.until - word.at > LONGEST_OVERRIDE:
        hours = LONGEST_OVERRIDE // timedelta(hours=1)
        refusal = f"an override lasts {hours}h at most"
    return replace(checked, refusal=refusal) if refusal and not checked.refusal else checked


def heard(release: Release, observed: Observed, now: datetime) -> tuple[Checked[Word], ...]:
    """Return the same, and refuse what a key has said again under another name."""
    given = approvers_of(release, observed, now)
    return tuple(
        replace(found, refusal=_SAME_KEY)
        if _holds(found, release, now) and found.word.approver not in given
        else found
        for found in words_on(release, observed, now)
    )


def approvers_of(release: Release, observed: Observed, now: datetime) -> tuple[str, ...]:
    """Return the people whose word still holds, each once."""
    found = words_on(release, observed, now)
    return _different(checked for checked in found if _holds(checked, release, now))


def holds_until(word: Word, release: Release) -> datetime | None:
    """Return when *word* is good for nothing any more; `None` when it lasts."""
    if isinstance(word, Override):
        return word.until
    expires = release.approval.expires if release.approval is not None else None
    return word.at + expires if expires is not None else None


def stays_approved(
    release: Release, observed: Observed, hosts: Iterable[Assessment], now: datetime
) -> bool:
    """True when no new word is needed, though none holds any more.

    The fingerprint was proved once, or its rollout has begun: nothing was sent before enough
    people had agreed, so an expiry stops no healing, no retry and no half of a fleet.
    """
    if (release.name, release.fingerprint) in observed.records:
        return True
    begun = any(
        view.install is not None and view.install.wish.fingerprint == release.fingerprint
        for view in hosts
    )
    given = _different(words_on(release, observed, now))
    return begun and len(given) >= approvals_needed(release)


def override_of(release: Release, observed: Observed, now: datetime) -> Override | None:
    """Return the word that lets *release* pass a shut window now, if there is one."""
    for checked in words_on(release, observed, now):
        word = checked.word
        if isinstance(word, Override) and not checked.refusal and now < word.until:
            return word
    return None


def _holds(found: Checked[Word], release: Release, now: datetime) -> bool:
    """True for an approval that counts, as far as it is looked at alone."""
    until = holds_until(found.word, release)
    return _counts(found) and (until is None or now < until)


def _counts(found: Checked[Word]) -> bool:
    return isinstance(found.word, Approval) and not found.refusal


def _different(words: Iterable[Checked[Word]]) -> tuple[str, ...]:
    """Count a person once, and so a key: one key may be known by several names."""
    people: dict[str, str] = {}
    for checked in words:
        name, key = checked.word.approver, checked.key
        if _counts(checked) and name not in people and (not key or key not in people.values()):
            people[name] = key
    return tuple(people)
