"""What can go wrong with a run on a host, and what each kind means for the next step."""

from dataclasses import dataclass
from enum import StrEnum


class FailureClass(StrEnum):
    """The reasons that conditions, metrics and messages share."""

    AGENT_TOO_OLD = "AgentTooOld"
    BACKEND_UNAUTHORIZED = "BackendUnauthorized"
    TRANSFER_FAILED = "TransferFailed"
    DIGEST_MISMATCH = "DigestMismatch"
    SERVICE_DID_NOT_START = "ServiceDidNotStart"
    SCRIPT_DIGEST_MISMATCH = "ScriptDigestMismatch"
    SCRIPT_MISSING = "ScriptMissing"
    SCRIPT_UNAVAILABLE = "ScriptUnavailable"
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
    UNHEALTHY = "Unhealthy"
    """It runs, and its health address says that it is not healthy."""
    UNPROVED = "Unproved"
    """Exit 0, but not the line that the release asks for."""
    SCRIPT_FAILED = "ScriptFailed"


class Next(StrEnum):
    """What the controller does by itself after a failure of a class."""

    RETRY = "retry"
    """Try again a few times, with backoff: the cause passes by itself."""
    WAIT = "wait"
    """It did not run, and that is nobody's fault: wait and send again, no failure counted."""
    REPUBLISH = "republish"
    """The same, and what the host could not fetch is published again before."""
    UPGRADE_AGENT = "upgrade the agent"
    """Roll out the release's `upgrade_agent` to the host, then send again; without one, stop."""
    PROBE = "probe"
    """Nothing is known: probe the host before anything else, then try again."""
    ROLL_BACK = "roll back"
    """The version is at fault: stop, and go back where the release says `on_failure: rollback`."""
    STOP = "stop"
    """Nothing until a new fingerprint or `reconciler retry`; the version is not at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One diagnosis: the class, and what a person should know and do."""

    kind: FailureClass
    cause: str
    fix: str
    next: Next
    install_intact: bool
    """True where the class itself guarantees that the old install still runs."""

    @property
    def blames_version(self) -> bool:
        """True when it counts against the version, so that it may end in a quarantine.

        A run of which nothing is known counts when it may have changed the host: each probe in
        between has found something else running.
        """
        match self.next:
            case Next.ROLL_BACK:
                return True
            case Next.PROBE:
                return not self.install_intact
            case Next.RETRY | Next.WAIT | Next.REPUBLISH | Next.UPGRADE_AGENT | Next.STOP:
                return False
