"""Approvals and overrides that let a release through, and what their signatures cover."""

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


ApprovalOrOverride: TypeAlias = Approval | Override
Signed: TypeAlias = ApprovalOrOverride | PruneApproval

T_co = TypeVar("T_co", bound=Signed, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Generic[T_co]):
    """What a check has found about a signature."""

    signed: T_co
    key: str = ""
    """The fingerprint of the key that signed it; empty where no signature is needed."""
    refusal: str = ""
    """Why it does not count; empty when it counts."""
    pending: bool = False
    """It has not been checked yet: worth checking again soon."""


def signed_text(signed: Signed) -> bytes:
    """Return what the signature of *signed* is over: all of it, in its one spelling."""
    text: dict[str, Json] = {
        "approver": signed.approver,
        "at": signed.at.isoformat(),
        "reason": signed.reason,
    }
    match signed:
        case Approval():
            text |= {"word": "approval", **_subject(signed)}
        case Override():
            text |= {"word": "override", **_subject(signed)}
            text |= {"gate": str(signed.gate), "until": signed.until.isoformat()}
        case PruneApproval():
            text |= {"word": "prune", "items": [*signed.items]}
    return canonical(text)


def _subject(signed: ApprovalOrOverride) -> dict[str, Json]:
    return {"release": signed.release, "fingerprint": signed.fingerprint}
