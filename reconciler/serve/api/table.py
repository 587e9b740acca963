"""All that the API can be asked: the routes and the OpenAPI document are made from this."""

from reconciler.model.status import ReleaseStatus
from reconciler.serve import actions, views
from reconciler.serve.api.operation import Call, Operation, reading, writing
from reconciler.serve.asked import Approve, EventsAsked, HostsAsked, Nothing, Resume, Suspend
from reconciler.serve.visitor import Visitor


def _controller(call: Call, _: Nothing) -> views.Controller:
    return views.controller(call.controls.status())


def _releases(call: Call, _: Nothing) -> views.Releases:
    return views.releases(call.controls.status())


def _release(call: Call, _: Nothing) -> ReleaseStatus:
    return actions.release_of(call.controls, call.name)


def _waves(call: Call, _: Nothing) -> views.Waves:
    return views.waves(call.controls.status(), actions.release_of(call.controls, call.name))


def _timeline(call: Call, _: Nothing) -> views.Timeline:
    return views.story(actions.release_of(call.controls, call.name), call.controls.events.entries())


def _hosts(call: Call, asked: HostsAsked) -> views.Hosts:
    return views.hosts(call.controls.status(), asked)


def _host(call: Call, _: Nothing) -> views.Why:
    return views.why(call.controls.status(), call.name)


def _jobs(call: Call, _: Nothing) -> views.Jobs:
    return views.jobs(call.controls.status())


def _events(call: Call, asked: EventsAsked) -> views.Events:
    return views.events(call.controls.events.entries(), asked)


def _session(call: Call, _: Nothing) -> Visitor:
    return call.visitor


async def _approve(call: Call, request: Approve) -> actions.Done:
    return await actions.approve(call.controls, call.name, call.visitor.name, request)


async def _suspend(call: Call, request: Suspend) -> actions.Done:
    return await actions.suspend(call.controls, call.name, call.visitor.name, request)


async def _resume(call: Call, request: Resume) -> actions.Done:
    return await actions.resume(call.controls, call.name, call.visitor.name, request)


EVENTS = "/events"
"""A client that accepts server-sent events gets those here."""

OPERATIONS: tuple[Operation, ...] = (
    reading("/controller", "The revision in force", _controller, Nothing, views.Controller),
    reading("/releases", "All releases", _releases, Nothing, views.Releases),
    reading("/releases/{name}", "One release", _release, Nothing, ReleaseStatus),
    reading("/releases/{name}/waves", "How far its waves are", _waves, Nothing, views.Waves),
    reading(
        "/releases/{name}/timeline",
        "From its commit to its proof",
        _timeline,
        Nothing,
        views.Timeline,
    ),
    reading("/hosts", "Hosts, by page", _hosts, HostsAsked, views.Hosts),
    reading("/hosts/{name}", "Why a host is as it is", _host, Nothing, views.Why),
    reading("/jobs", "The jobs of the repository", _jobs, Nothing, views.Jobs),
    reading(EVENTS, "What has happened, or happens", _events, EventsAsked, views.Events),
    reading("/session", "Who is asking", _session, Nothing, Visitor),
    writing("/releases/{name}/approve", "Let it through", _approve, Approve, actions.Done),
    writing("/releases/{name}/suspend", "Stop it where it stands", _suspend, Suspend, actions.Done),
    writing("/releases/{name}/resume", "Let it go on", _resume, Resume, actions.Done),
)
