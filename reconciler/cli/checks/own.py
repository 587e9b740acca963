"""Our own side: the repository, whose approval counts, and the gateway."""

from reconciler.cli.checks.survey import Survey
from reconciler.cli.endpoints import server_context
from reconciler.cli.links import NO_SETTINGS, gateway_key_of, open_source
from reconciler.cli.render import counted
from reconciler.cli.roles import Role
from reconciler.desired.durations import spell_duration
from reconciler.desired.load import load
from reconciler.errors import UsageError
from reconciler.source.ssh_keygen import allowed


async def settings(survey: Survey) -> str:
    """Say which file they are from; without one, enough must be said otherwise."""
    found = survey.settings
    if found.path is not None:
        return str(found.path)
    if found.source.url is None and survey.role is not Role.VIEWER:
        raise UsageError(NO_SETTINGS)
    return "there is no ./reconciler.toml: they are from the environment and --set alone"


async def git(survey: Survey) -> str:
    """See that the repository can be read, and that its newest revision has no fault."""
    with open_source(survey.settings) as source:
        snapshot = await source.fetch()
        survey.desired = load(snapshot)
    releases = counted(len(survey.desired.releases), "release")
    return f"{snapshot.origin}\nat {snapshot.commit.revision[:12]}: valid, {releases}"


async def approval(survey: Survey) -> str:
    """Return whose approval counts; raises UsageError where nobody's could."""
    signers = survey.settings.approval.allowed_signers
    if signers is None:
        return "names are taken as they are given; approval.allowed_signers asks for signatures"
    count = len(allowed(signers))
    if not count:
        raise UsageError(f"{signers}: nobody may sign: a line each, `name ssh-ed25519 AAAA...`")
    return f"approvals count when signed by one of {counted(count, 'line')} of {signers.name}"


async def gateway(survey: Survey) -> str:
    """Say who serves downloads; raises what an unfit key or certificate raises."""
    settings, served = survey.settings, survey.settings.serve
    if served is None or served.gateway is None:
        return "not configured: scripts download from the backend"
    if served.tls is not None:
        server_context(served.tls)
    epoch = spell_duration(gateway_key_of(settings)().epoch)
    return f"it listens on {served.host}:{served.port}; its tokens change every {epoch}"
