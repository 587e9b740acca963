"""Every subject, stream and bucket that the embedded fleet uses."""

COMMANDS_ALL = "commands.all"

EXEC = "EXEC"
RESULTS = "RESULTS"
EVENTS = "EVENTS"
AUDIT = "AUDIT"

APP_PACKAGES = "app_packages"
SCRIPTS = "scripts"
RESULT_OUTPUT = "result_output"

JOBS = "jobs"
JOBS_YAML = "jobs_yaml"
SCHEDULES = "schedules"
SCRIPT_CURRENT = "script_current"
SCRIPT_STATUS = "script_status"
AGENT_GROUPS = "agent_groups"
AGENT_GROUPS_DERIVED = "agent_groups_derived"
AGENT_CONFIG = "agent_config"
AGENT_RELEASES = "agent_releases"
FLEET_CONFIG = "fleet_config"
FREEZE = "freeze"

ACTIVE = "ACTIVE"
REVOKED = "REVOKED"


def commands_group(group: str) -> str:
    """Return the subject of a group's commands."""
    return f"commands.group.{group}"


def config_of(host: str) -> str:
    """Return the key of what is set for one host alone."""
    return f"pcs.{host}"


def release_keys(version: str) -> list[str]:
    """Return every key that a release of the agent may have: one for each platform."""
    platforms = ("", "-linux-x86_64", "-linux-aarch64", "-macos-aarch64")
    return [version + platform for platform in platforms]


def commands_pc(host: str) -> str:
    """Return the subject of one host's commands."""
    return f"commands.pc.{host}"


def results(request_id: str) -> str:
    """Return the subject of a request's results."""
    return f"results.{request_id}"


def events_started(exec_id: str, host: str) -> str:
    """Return the subject of the event that a run has begun."""
    return f"events.started.{exec_id}.{host}"


def heartbeat(host: str) -> str:
    """Return the subject of a host's heartbeats."""
    return f"heartbeat.{host}"


def ping(host: str) -> str:
    """Return the subject that asks a host for a heartbeat at once."""
    return f"agents.{host}.ping"


def logs_fetch(host: str) -> str:
    """Return the subject that asks a host for the end of its agent's log."""
    return f"logs.fetch.{host}"


def kill(exec_id: str) -> str:
    """Return the subject that ends every run of an exec."""
    return f"kill.{exec_id}"
