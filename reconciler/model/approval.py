"""People's words that let a release through, and what a signature on them covers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from reconciler.model.fingerprint import canonical
from reconciler.model.identity import Fingerprint, Json, ReleaseName
from reconciler.model.pruning import PruneApproval

LONGEST_OVERRIDE = timedelta(days=1)


class Gate(StrEnum):
    """What a person may override; neither approval, nor quarantine, nor kanade's freeze."""

    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who let a release's fingerprint through."""

    release: ReleaseName
    fingerprint: Fingerprint
    approver: str
    at: datetime
    reason: str = ""
    signature: str = field(default="", repr=False)
    """By the approver's SSH key over `signed_text`; empty where nobody asks for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Who lets a release's fingerprint pass a shut gate, why, and until when."""

    release: ReleaseName
    fingerprint: Fingerprint
    gate: Gate
    approver: str
    at: datetime
    until: datetime
    reason: str
    signature: str = field(default="", repr=False)


Word: TypeAlias = Approval | Override
Signed: TypeAlias = Word | PruneApproval

W_co = TypeVar("W_co", bound=Signed, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Generic[W_co]):
    """What a check has found of a word's signature."""

    word: W_co
    key: str = ""
    """The fingerprint of the key that signed it; empty where words count unsigned."""
    refusal: str = ""
    """Why it counts for nothing; empty when it counts."""
    pending: bool = False
    """It has not been checked yet: worth looking again soon."""


def signed_text(word: Signed) -> bytes:
    """Return what the signature of *word* is over: all of it, in its one spelling."""
    said: dict[str, Json] = {
        "approver": word.approver,
        "at": word.at.isoformat(),
        "reason": word.reason,
    }
    match word:
        case Approval():
            said |= {"word": "approval", **_subject(word)}
        case Override():
            said |= {"word": "override", **_subject(word)}
            said |= {"gate": str(word.gate), "until": word.until.isoformat()}
        case PruneApproval():
            said |= {"word": "prune", "items": [*word.items]}
    return canonical(said)


def _subject(word: Word) -> dict[str, Json]:
    return {"release": word.release, "fingerprint": word.fingerprint}
