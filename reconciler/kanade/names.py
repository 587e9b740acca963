"""Every bucket, stream, key and subject of kanade, and nothing else.

kanade: `crates/kanade-shared/src/kv.rs` for buckets and streams, `subject.rs` for subjects.
"""

import re

from reconciler.errors import KanadeRefused
from reconciler.model.identity import ExecId, HostName, RequestId

APP_PACKAGES = "app_packages"
SCRIPTS = "scripts"
RESULT_OUTPUT = "result_output"

JOBS = "jobs"
JOBS_YAML = "jobs_yaml"
SCRIPT_CURRENT = "script_current"
SCRIPT_STATUS = "script_status"
SCHEDULES = "schedules"
AGENT_RELEASES = "agent_releases"
AGENT_CONFIG = "agent_config"
AGENT_GROUPS = "agent_groups"
AGENT_GROUPS_DERIVED = "agent_groups_derived"
FLEET_CONFIG = "fleet_config"

FREEZE_KEY = "freeze"
REVOKED = "REVOKED"
ACTIVE = "ACTIVE"

EXEC = "EXEC"
RESULTS = "RESULTS"
EVENTS = "EVENTS"

COMMANDS_OF_HOSTS = "commands.pc."
LOGS_OF_HOSTS = "logs.fetch."
ALL_RESULTS = "results.>"
ALL_STARTED = "events.started.>"
ALL_HEARTBEATS = "heartbeat.>"
"""A host's name may have dots, so that `heartbeat.*` would miss it."""

_MAX_HOST_BYTES = 128
_MAX_HOST_LABELS = 4
_HOST = re.compile(r"[!-)+-=?-~]+", re.ASCII)
"""Printable ASCII without the wildcards of NATS subjects."""


def commands_of(host: HostName) -> str:
    """Return the subject of *host*'s own slot; raises what `checked_host` raises."""
    return COMMANDS_OF_HOSTS + checked_host(host)


def heartbeats_of(host: HostName) -> str:
    """Return where *host* publishes its heartbeats."""
    return f"heartbeat.{host}"


def ping_of(host: HostName) -> str:
    """Return where *host* answers with a fresh heartbeat; raises what `checked_host` raises."""
    return f"agents.{checked_host(host)}.ping"


def logs_of(host: HostName) -> str:
    """Return where *host* answers with the end of its log; raises what `checked_host` raises."""
    return f"{LOGS_OF_HOSTS}{checked_host(host)}"


def kill_of(exec_id: ExecId) -> str:
    """Return where agents listen for the end of *exec_id*."""
    return f"kill.{exec_id}"


def results_of(request_id: RequestId) -> str:
    """Return where the results of a command are published."""
    return f"results.{request_id}"


def stdout_key(request_id: RequestId, host: HostName) -> str:
    """Return the object of `result_output` that holds an output too long for its result."""
    return f"{request_id}/{host}/stdout"


def checked_host(host: HostName) -> HostName:
    """Return *host*, if it can be part of a subject.

    Raises:
        KanadeRefused: it cannot; kanade takes up to four labels with dots between them.
    """
    labels = host.split(".")
    if (
        len(host.encode()) > _MAX_HOST_BYTES
        or not _HOST.fullmatch(host)
        or not all(labels)
        or len(labels) > _MAX_HOST_LABELS
    ):
        raise KanadeRefused(
            f"host {host[:80]!r} cannot be addressed: at most {_MAX_HOST_BYTES} printable ASCII "
            f"characters are allowed, in at most {_MAX_HOST_LABELS} labels between dots"
        )
    return host
