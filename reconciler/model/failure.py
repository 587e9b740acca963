"""What can go wrong with a run on a host, and what each kind means for the next step."""

from dataclasses import dataclass
from enum import StrEnum


class FailureClass(StrEnum):
    """The words that conditions, metrics and people share."""

    AGENT_TOO_OLD = "AgentTooOld"
    BACKEND_UNAUTHORIZED = "BackendUnauthorized"
    TRANSFER_FAILED = "TransferFailed"
    DIGEST_MISMATCH = "DigestMismatch"
    SERVICE_DID_NOT_START = "ServiceDidNotStart"
    SCRIPT_DIGEST_MISMATCH = "ScriptDigestMismatch"
    SCRIPT_MISSING = "ScriptMissing"
    SHELL_MISSING = "ShellMissing"
    TIMEOUT = "Timeout"
    KILLED = "Killed"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    UNSUPPORTED = "Unsupported"
    SIGNATURE_REFUSED = "SignatureRefused"
    VERSION_PIN = "VersionPin"
    DEADLINE_EXPIRED = "DeadlineExpired"
    REVOKED = "Revoked"
    STALE = "Stale"
    QUARANTINED = "Quarantined"
    ROLLED_BACK_BY_HOST = "RolledBackByHost"
    UNPROVED = "Unproved"
    """Exit 0, but not the line that the release asks for."""
    SCRIPT_FAILED = "ScriptFailed"


class Next(StrEnum):
    """What the controller does by itself after a failure of a class."""

    HOLD = "hold"
    """Nothing until a new fingerprint or `reconciler retry`."""
    RETRY = "retry"
    """Try again, with backoff: the cause passes by itself."""
    PROBE = "probe"
    """Nothing is known: look at the host before anything else."""
    RESEND = "resend"
    """It did not run, and that is nobody's fault: send again, no failure counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One diagnosis: the class, and what a person should know and do."""

    kind: FailureClass
    cause: str
    fix: str
    next: Next
    install_intact: bool
    """True where the class itself guarantees that the old install still runs."""
