"""What a NATS user must be permitted of kanade's, by its role; no I/O."""

from reconciler.jetstream.grants import (
    Grants,
    downloaded,
    fed,
    hearing,
    known,
    measured,
    mirrored,
    sending,
    together,
    uploaded,
    withdrawn,
    written,
)
from reconciler.jetstream.object_info import metadata_filter, stream_of
from reconciler.kanade.audit import ACTOR
from reconciler.kanade.names import (
    AGENT_CONFIG,
    AGENT_GROUPS,
    AGENT_GROUPS_DERIVED,
    AGENT_RELEASES,
    ALL_HEARTBEATS,
    ALL_RESULTS,
    ALL_STARTED,
    APP_PACKAGES,
    COMMANDS_OF_HOSTS,
    EVENTS,
    EXEC,
    FLEET_CONFIG,
    JOBS,
    JOBS_YAML,
    LOGS_OF_HOSTS,
    RESULT_OUTPUT,
    RESULTS,
    SCHEDULES,
    SCRIPT_CURRENT,
    SCRIPT_STATUS,
    SCRIPTS,
)
from reconciler.kanade.reports import DURABLE

_BUCKETS = (
    JOBS,
    SCRIPT_CURRENT,
    SCRIPT_STATUS,
    SCHEDULES,
    AGENT_CONFIG,
    AGENT_GROUPS,
    AGENT_GROUPS_DERIVED,
    FLEET_CONFIG,
)
_STORES = (APP_PACKAGES, SCRIPTS, AGENT_RELEASES)
_CHECKED = (RESULTS, EVENTS, f"KV_{JOBS_YAML}", stream_of(RESULT_OUTPUT))
"""A viewer does not read them; `check` sees that they exist."""
_MOST_LABELS = 4


def reading() -> Grants:
    """See the catalogue, the stores' contents, hosts and their slots; ask hosts whether they live.

    It is enough to read every script that is stored, and the secrets in it.
    """
    names = (".".join("*" * labels) for labels in range(1, _MOST_LABELS + 1))
    return together(
        [
            *(mirrored(f"KV_{bucket}", f"$KV.{bucket}.>") for bucket in _BUCKETS),
            *(mirrored(stream_of(store), metadata_filter(store)) for store in _STORES),
            *(measured(store) for store in (APP_PACKAGES, SCRIPTS)),
            *(known(stream) for stream in _CHECKED),
            mirrored(EXEC, f"{COMMANDS_OF_HOSTS}>"),
            hearing(ALL_HEARTBEATS),
            sending(*(f"agents.{name}.ping" for name in names)),
        ]
    )


def taking_reports() -> Grants:
    """Take in what agents say of their runs, long outputs included."""
    return (
        fed(RESULTS, ALL_RESULTS, DURABLE)
        | fed(EVENTS, ALL_STARTED, DURABLE)
        | downloaded(RESULT_OUTPUT)
    )


def checking_content() -> Grants:
    """Read back what is stored, to hash it, and to serve packages on."""
    return downloaded(APP_PACKAGES) | comparing_scripts()


def comparing_scripts() -> Grants:
    """Read the scripts that are stored."""
    return downloaded(SCRIPTS)


def changing() -> Grants:
    """Publish, register and send without a backend."""
    return together(
        [
            uploaded(APP_PACKAGES),
            uploaded(SCRIPTS),
            *(written(bucket) for bucket in (JOBS, JOBS_YAML, SCRIPT_CURRENT, SCRIPT_STATUS)),
            written(AGENT_CONFIG, "pcs.>"),  # it is read before: see `reading`
            commanding(),
        ]
    )


def commanding() -> Grants:
    """Send commands to single hosts without a backend: installs, and probes as well."""
    return sending(f"{COMMANDS_OF_HOSTS}>", f"audit.{ACTOR}.>")


def stopping() -> Grants:
    """Take commands back, and kill what runs."""
    return withdrawn(EXEC) | sending("kill.>")


def exporting() -> Grants:
    """Read jobs as people have written them, comments and all."""
    return mirrored(f"KV_{JOBS_YAML}", f"$KV.{JOBS_YAML}.>")


def fetching_logs() -> Grants:
    """Ask hosts for their agents' logs."""
    return sending(f"{LOGS_OF_HOSTS}>")
