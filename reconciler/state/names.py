"""Our buckets, keys and streams: the only place that spells them."""

from reconciler.jetstream.kv import encode_key
from reconciler.model.attempt import Purpose, Wish
from reconciler.model.identity import (
    Fingerprint,
    HostName,
    JobId,
    ObjectRef,
    PackageName,
    ReleaseName,
)

STATE_BUCKET = "reconciler_state"
"""Only the leader writes here, and each write is fenced by its term."""

REQUESTS_BUCKET = "reconciler_requests"
"""What people ask for: approvals, overrides, suspensions, retries."""

EVENTS_STREAM = "RECONCILER_EVENTS"
EVENTS_SUBJECT = "reconciler.events"
"""Followed by release and kind, and of a host by its name."""
EVENTS_OF_RELEASES = f"{EVENTS_SUBJECT}.*.*"
ALL_EVENTS = f"{EVENTS_SUBJECT}.>"

TERM = "lease.term"
"""Written when leadership changes hands, and never else: every other write is fenced by it."""

BEAT = "lease.beat"
"""Written at every renewal."""

JOURNAL = "journal"
PROOFS = "proofs"
RUNS = "runs"
PACKAGES = "inventory.packages"
SCRIPTS = "inventory.scripts"
JOBS = "inventory.jobs"
RETIRED = "inventory.retired"
RECORDS = "records"
APPROVED = "approved"
QUARANTINE = "quarantine"
OFFERS = "offers"
LOGS = "logs"
STATUS_CONTROLLER = "status.controller"
STATUS_RELEASES = "status.releases"
STATUS_HOSTS = "status.hosts"
STATUS_JOBS = "status.jobs"

APPROVALS = "approvals"
OVERRIDES = "overrides"
SUSPENSIONS = "suspensions"
RETRIES = "retries"
RETURNS = "returns"
PRUNE = "prune"
LOOKS = "looks"


def journal_key(wish: Wish) -> str:
    """Return where the latest attempt of a release and purpose on a host is kept."""
    return _join(JOURNAL, wish.release, wish.host, str(Purpose(wish.purpose)))


def proof_key(package: PackageName, host: HostName) -> str:
    """Return where the proof of a package on a host is kept."""
    return _join(PROOFS, package, host)


def run_key(job: JobId, host: HostName) -> str:
    """Return where a run is kept that somebody else has started."""
    return _join(RUNS, job, host)


def inventory_key(prefix: str, ref: ObjectRef) -> str:
    """Return where our ownership of an object is written down."""
    return _join(prefix, ref.name, ref.version)


def log_key(release: ReleaseName, host: HostName) -> str:
    """Return where it is kept what a host had written down when a release failed there."""
    return _join(LOGS, release, host)


def retired_key(job: JobId) -> str:
    """Return where it is written down that we have deleted a job."""
    return _join(RETIRED, job)


def owned_job_key(job: JobId) -> str:
    """Return where our ownership of a job is written down."""
    return _join(JOBS, job)


def fingerprint_key(prefix: str, release: ReleaseName, fingerprint: Fingerprint) -> str:
    """Return where something about one fingerprint of a release is kept."""
    return _join(prefix, release, fingerprint)


def approved_key(name: ReleaseName) -> str:
    """Return where it is kept what people have let through last of a release."""
    return _join(APPROVED, name)


def release_key(name: ReleaseName) -> str:
    """Return where a release's status is kept."""
    return _join(STATUS_RELEASES, name)


def host_key(release: ReleaseName, host: HostName) -> str:
    """Return where a host's status for a release is kept."""
    return _join(STATUS_HOSTS, release, host)


def job_key(job: JobId) -> str:
    """Return where a job's status is kept."""
    return _join(STATUS_JOBS, job)


def request_key(prefix: str, release: ReleaseName, *more: str) -> str:
    """Return where a person's request about a release is kept."""
    return _join(prefix, release, *more)


def _join(prefix: str, *parts: str) -> str:
    return ".".join((prefix, *(encode_key(part) for part in parts)))
