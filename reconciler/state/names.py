"""Our buckets, keys and streams: the only place that spells them."""

from reconciler.jetstream.kv import encode_key
from reconciler.model.attempt import Purpose, Wish
from reconciler.model.identity import HostName, JobId, ObjectRef, PackageName, ReleaseName

STATE_BUCKET = "reconciler_state"
"""Only the leader writes here, and each write is fenced by its term."""

REQUESTS_BUCKET = "reconciler_requests"
"""What people ask for: approvals, suspensions, retries."""

EVENTS_STREAM = "RECONCILER_EVENTS"
EVENTS_SUBJECT = "reconciler.events"

TERM = "lease.term"
"""Written when leadership changes hands, and never else: every other write is fenced by it."""

BEAT = "lease.beat"
"""Written at every renewal."""

JOURNAL = "journal"
PROOFS = "proofs"
PACKAGES = "inventory.packages"
SCRIPTS = "inventory.scripts"
STATUS_CONTROLLER = "status.controller"
STATUS_RELEASES = "status.releases"
STATUS_HOSTS = "status.hosts"
STATUS_JOBS = "status.jobs"

APPROVALS = "approvals"
SUSPENSIONS = "suspensions"
RETRIES = "retries"


def journal_key(wish: Wish) -> str:
    """Return where the latest attempt of a release and purpose on a host is kept."""
    return _join(JOURNAL, wish.release, wish.host, str(Purpose(wish.purpose)))


def proof_key(package: PackageName, host: HostName) -> str:
    """Return where the proof of a package on a host is kept."""
    return _join(PROOFS, package, host)


def inventory_key(prefix: str, ref: ObjectRef) -> str:
    """Return where our ownership of an object is written down."""
    return _join(prefix, ref.name, ref.version)


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
