"""The hosts that the repository names: what time is it there, and how old are their agents?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from reconciler.cli.checks.survey import NotReady, Survey
from reconciler.cli.clock import SystemClock
from reconciler.cli.links import open_connection
from reconciler.cli.render import counted
from reconciler.desired.durations import spell_duration
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.kanade.agents import NatsAgents
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.names import EXEC
from reconciler.kanade.roll_call import roll_call
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.observed import Observed
from reconciler.model.version import is_older
from reconciler.plan.targets import targets_of
from reconciler.plan.terms import Terms

_MOST_NAMES = 5
_NOBODY = (
    "see that kanade's agents run, use this NATS server and account, and have these names: "
    "kanade agent ping"
)


async def hosts(survey: Survey) -> str:
    """Ping all hosts that the repository names; some may well be offline.

    Raises:
        NotReady: not one of them answers, so that it is no host's fault.
    """
    async with open_connection(survey.settings) as connection:
        survey.targets = await _targets(connection, survey.desired)
        wanted = {host for names in survey.targets.values() for host in names}
        survey.answers = await roll_call(connection, wanted, SystemClock())
    silent = sorted(wanted - survey.answers.keys())
    found = f"{len(survey.answers)} of {counted(len(wanted), 'host')} answered"
    if wanted and not survey.answers:
        raise NotReady(f"{found}: {_names(silent)}\n{_NOBODY}")
    return found + (f"; not {_names(silent)}" if silent else "")


async def clocks(survey: Survey) -> str:
    """Compare our clock with that of NATS, and with those of all hosts that are online."""
    clock, allowed = SystemClock(), Terms().clock_skew
    async with open_connection(survey.settings) as connection:
        began = clock.now()
        stamp = (await api.stream_info(connection, EXEC)).ts
        doubt = (clock.now() - began) / 2
    seen = [("NATS", stamp - began - doubt, doubt)]
    seen += [(host, answer.ahead, answer.doubt) for host, answer in survey.answers.items()]
    wrong = [_wrong(who, ahead) for who, ahead, doubt in seen if abs(ahead) - doubt > allowed]
    if wrong:
        limit = spell_duration(allowed)
        raise NotReady("\n".join([*_first(wrong), f"up to {limit} do no harm: set up NTP there"]))
    if not survey.answers:
        return "the clock of NATS agrees with ours"
    return f"the clocks of NATS and {counted(len(survey.answers), 'host')} agree with ours"


async def agents(survey: Survey) -> str:
    """Compare the agents' versions with what each release requires."""
    async with open_connection(survey.settings) as connection:
        store = NatsAgents(connection)
        await store.start()
        try:
            published = store.releases()
        finally:
            await store.stop()
    releases = survey.desired.releases if survey.desired is not None else ()
    old = [
        f"{release.name}: below agent {release.requires_agent}: {_names(hosts)}; {fix}"
        for release in releases
        if (hosts := list(_too_old(release, survey)))
        and (fix := _fix(release, is_published=release.upgrade_agent in published))
    ]
    if old:
        raise NotReady("\n".join(old))
    versions = Counter(answer.agent for answer in survey.answers.values())
    found = ", ".join(f"{version} on {count}" for version, count in sorted(versions.items()))
    return found or "there is no host"


async def _targets(
    connection: Connection, desired: Desired | None
) -> dict[ReleaseName, tuple[HostName, ...]]:
    if desired is None:
        return {}
    fleet = NatsFleet(connection, SystemClock())
    await fleet.start()
    try:
        observed = Observed(hosts=fleet.hosts())
    finally:
        await fleet.stop()
    return {release.name: targets_of(release, desired, observed) for release in desired.releases}


def _too_old(release: Release, survey: Survey) -> Iterator[HostName]:
    lowest = release.requires_agent
    for host in survey.targets[release.name]:
        answer = survey.answers.get(host)
        if answer is not None and lowest is not None and is_older(answer.agent, lowest):
            yield host


def _fix(release: Release, *, is_published: bool) -> str:
    """Say how the agents become newer; nothing where the controller sees to it."""
    if release.upgrade_agent is None:
        return "name an `upgrade_agent` in the release, or: kanade agent rollout"
    if is_published:
        return ""
    return f"publish agent {release.upgrade_agent}: kanade agent publish"


def _wrong(who: str, ahead: timedelta) -> str:
    away = spell_duration(timedelta(seconds=round(abs(ahead).total_seconds())))
    return f"the clock of {who} is {away} {'ahead of' if ahead > timedelta(0) else 'behind'} ours"


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_NAMES]
    if len(lines) > _MOST_NAMES:
        yield f"and so are {len(lines) - _MOST_NAMES} more"


def _names(hosts: Sequence[HostName]) -> str:
    more = len(hosts) - _MOST_NAMES
    return ", ".join(hosts[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
