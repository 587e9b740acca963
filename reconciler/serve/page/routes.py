"""What the page shows: the API's views in HTML, behind the same authentication."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TypeAlias, TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from reconciler import __version__
from reconciler.desired.wording import printable
from reconciler.model.identity import ReleaseName
from reconciler.model.plan import State
from reconciler.model.status import HostStatus
from reconciler.serve import actions, views
from reconciler.serve.asked import EventsAsked, HostsAsked
from reconciler.serve.authenticator import Authenticator
from reconciler.serve.controls import Controls
from reconciler.serve.page.forms import Forms
from reconciler.serve.page.picture import Picture, picture
from reconciler.serve.page.render import STATIC, page
from reconciler.serve.refusal import Refusal
from reconciler.serve.visitor import Visitor

Asked = TypeVar("Asked", bound=msgspec.Struct)
Content: TypeAlias = Mapping[str, object]

_OF_HOST = 20
"""So many events are shown with a host."""


class Pages:
    """Shows what *controls* give to whom *authenticator* lets in."""

    def __init__(self, controls: Controls, authenticator: Authenticator) -> None:
        self._controls = controls
        self._authenticator = authenticator
        self._forms = Forms(controls, authenticator)

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return what is shown, and what is taken."""
        return [
            web.get("/", self._shows("releases.html", self._releases)),
            web.get("/releases/{name:[^/]+}", self._shows("release.html", self._release)),
            web.get("/hosts", self._shows("hosts.html", self._hosts)),
            web.get("/hosts/{name:[^/]+}", self._shows("host.html", self._host)),
            web.get("/jobs", self._shows("jobs.html", self._jobs)),
            web.get("/events", self._shows("events.html", self._events)),
            web.get("/sign-in", self._sign_in),
            web.post("/sign-in", self._takes(self._forms.sign_in)),
            web.post("/sign-out", self._takes(self._forms.sign_out)),
            web.post("/releases/{name:[^/]+}/{action:[a-z]+}", self._takes(self._forms.act)),
            web.static("/static", STATIC),
        ]

    @property
    def middleware(self) -> Middleware:
        """Shows people what the router refuses, with a way on; programs get its own answer."""

        @web.middleware
        async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                return await handler(request)
            except web.HTTPException as error:
                if error.status < HTTPStatus.BAD_REQUEST or not _is_for_people(request):
                    raise
                status = HTTPStatus(error.status)
                missing = f"there is no page {printable(request.path)}"
                detail = missing if status is HTTPStatus.NOT_FOUND else error.reason
                return self._refused(request, Refusal(status, detail))

        return errors

    def _shows(self, template: str, content: Callable[[web.Request], Content]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                visitor = self._authenticator.visitor(request)
                return page(template, {**self._common(request, visitor), **content(request)})
            except Refusal as refusal:
                if refusal.status is HTTPStatus.UNAUTHORIZED:
                    there = urlencode({"next": request.path_qs})
                    raise web.HTTPSeeOther(f"/sign-in?{there}") from refusal
                return self._refused(request, refusal)

        return handle

    def _takes(self, take: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await take(request)
            except Refusal as refusal:
                return self._refused(request, refusal)

        return handle

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        content = {
            "next": request.query.get("next", "/"),
            "knows": self._authenticator.knows_people,
        }
        return page("sign_in.html", {**self._common(request, Visitor()), **content})

    def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        content = {**self._common(request, self._who(request)), "refusal": refusal}
        return page("refused.html", content, refusal.status)

    def _who(self, request: web.Request) -> Visitor:
        """Return who is refused something, as far as they may be named."""
        try:
            return self._authenticator.visitor(request)
        except Refusal:
            return Visitor()

    def _common(self, request: web.Request, visitor: Visitor) -> Content:
        return {
            "visitor": visitor,
            "path": request.path,
            "version": __version__,
            "now": self._controls.clock.now(),
            "knows": self._authenticator.knows_people,
        }

    def _releases(self, _: web.Request) -> Content:
        status = self._controls.status()
        found = views.releases(status).items
        return {
            "controller": views.controller(status),
            "releases": [(item, _waves(self._controls, item.name)) for item in found],
        }

    def _release(self, request: web.Request) -> Content:
        release = actions.release_of(self._controls, request.match_info["name"])
        story = views.story(release, self._controls.events.entries())
        return {
            "release": release,
            "waves": _waves(self._controls, release.name),
            "story": story,
            "controller": views.controller(self._controls.status()),
            "needs_signature": self._controls.needs_signature,
            "waits_for_approval": views.waits_for_approval(release),
            "done": request.query.get("done", ""),
        }

    def _hosts(self, request: web.Request) -> Content:
        asked = _asked(request, HostsAsked)
        status = self._controls.status()
        return {
            "asked": asked,
            "hosts": views.hosts(status, asked),
            "releases": sorted(status.releases),
            "states": list(State),
            "link": _Link(request),
        }

    def _host(self, request: web.Request) -> Content:
        name = request.match_info["name"]
        asked = EventsAsked(host=name, limit=_OF_HOST)
        return {
            "why": views.why(self._controls.status(), name),
            "events": views.events(self._controls.events.entries(), asked),
        }

    def _jobs(self, _: web.Request) -> Content:
        return {"jobs": views.jobs(self._controls.status()).items}

    def _events(self, request: web.Request) -> Content:
        asked = _asked(request, EventsAsked)
        return {
            "asked": asked,
            "paged": "before" in request.query,
            "events": views.events(self._controls.events.entries(), asked),
            "releases": sorted(self._controls.status().releases),
            "link": _Link(request),
        }


def _is_for_people(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


class _Link:
    """Makes an address of the same page with something else asked; an empty value asks nothing."""

    def __init__(self, request: web.Request) -> None:
        self._path = request.path
        self._query = {name: value for name, value in request.query.items() if value}

    def __call__(self, **changes: object) -> str:
        query = self._query | {name: str(value) for name, value in changes.items()}
        return f"{self._path}?{urlencode({name: value for name, value in query.items() if value})}"


def _asked(request: web.Request, kind: type[Asked]) -> Asked:
    """Return what a form asks; its empty fields ask nothing."""
    given = {name: value for name, value in request.query.items() if value}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the query does not fit: {error}") from error


def _waves(controls: Controls, name: ReleaseName) -> Sequence[tuple[views.WaveView, Picture]]:
    status = controls.status()
    members: defaultdict[str, list[HostStatus]] = defaultdict(list)
    for host in status.hosts.values():
        if host.release == name:
            members[host.wave].append(host)
    found = views.waves(status, status.releases[name]).items
    return [(wave, picture(members[wave.name])) for wave in found]
