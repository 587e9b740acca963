"""NATS: is it there, with JetStream, and do we find and may we do what we need?"""

from reconciler.cli.checks.survey import Survey
from reconciler.cli.links import open_connection
from reconciler.cli.roles import grants_of
from reconciler.errors import Unauthorized
from reconciler.jetstream import api
from reconciler.jetstream.permissions import whoami
from reconciler.kanade.names import (
    APP_PACKAGES,
    EVENTS,
    EXEC,
    FLEET_CONFIG,
    JOBS,
    JOBS_YAML,
    RESULT_OUTPUT,
    RESULTS,
    SCRIPT_CURRENT,
    SCRIPT_STATUS,
    SCRIPTS,
)

_STREAMS = (
    EXEC,
    RESULTS,
    EVENTS,
    *(f"KV_{bucket}" for bucket in (JOBS, JOBS_YAML, SCRIPT_CURRENT, SCRIPT_STATUS, FLEET_CONFIG)),
    *(f"OBJ_{store}" for store in (APP_PACKAGES, SCRIPTS, RESULT_OUTPUT)),
)


async def nats(survey: Survey) -> str:
    """See that the server answers, and takes our credential."""
    async with open_connection(survey.settings) as connection:
        trip = await connection.rtt()
        return f"{connection.server} answers in {trip.total_seconds() * 1000:.1f} ms"


async def jetstream(survey: Survey) -> str:
    """Check that this account has JetStream; for a user who may not ask `rights` reports that."""
    async with open_connection(survey.settings) as connection:
        try:
            await api.account_info(connection)
        except Unauthorized:
            return "this user may not ask for it"
    return "it is on, for this account"


async def rights(survey: Survey) -> str:
    """Compare what the user may do with what is needed; every missing subject is reported."""
    settings, role = survey.settings, survey.role
    async with open_connection(settings) as connection:
        permissions = (await whoami(connection)).permissions
    if permissions is None:
        return f"everything is permitted; less would do: reconciler permissions {role}"
    needed = grants_of(role, settings, settings.nats.inbox_prefix)
    lacking = [f"not permitted: {what}" for what in permissions.lacking(needed)]
    if lacking:
        hint = f"all that is needed: reconciler permissions {role}"
        raise Unauthorized("\n".join([*lacking, hint]))
    return f"all that the role {role} needs is permitted"


async def kanade(survey: Survey) -> str:
    """See that kanade's backend has made what it makes at its first start."""
    async with open_connection(survey.settings) as connection:
        for stream in _STREAMS:
            await api.stream_info(connection, stream)
    return f"all {len(_STREAMS)} of kanade's streams and buckets that we use exist"
