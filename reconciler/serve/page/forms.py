"""What people send from the page: signing in and out, and requests on a release."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, TypeAlias

from aiohttp import web
from msgspec import Meta, ValidationError, convert, structs

from reconciler.serve import actions
from reconciler.serve.allowance import Allowance
from reconciler.serve.asked import Approve, Resume, Suspend
from reconciler.serve.authenticator import Authenticator, from_here
from reconciler.serve.controls import Controls
from reconciler.serve.page.render import segment
from reconciler.serve.refusal import Refusal

Hours: TypeAlias = Annotated[int, Meta(ge=1, le=168)]


class Forms:
    """Takes the page's forms; each ends in a redirect, so that a reload sends nothing again."""

    def __init__(self, controls: Controls, authenticator: Authenticator) -> None:
        self._controls = controls
        self._authenticator = authenticator
        self._allowance = Allowance(controls.clock)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Give a cookie to who knows a token."""
        if not from_here(request):
            raise Refusal(HTTPStatus.FORBIDDEN, "this was sent by another site")
        if not self._allowance.take():
            detail = "too many have tried to sign in; try again"
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": "1"})
        form = await _form(request)
        name = self._authenticator.known(form.get("token", "").strip())
        response = _see(_local(form.get("next", "/")))
        self._authenticator.let_in(response, name)
        return response

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """Take the cookie back."""
        if not from_here(request):
            raise Refusal(HTTPStatus.FORBIDDEN, "this was sent by another site")
        response = _see("/")
        self._authenticator.let_out(response)
        return response

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Write a person's request down."""
        form = await _form(request)
        visitor = self._authenticator.person(request, form.pop("csrf", ""))
        controls, name, by = self._controls, request.match_info["name"], visitor.name
        try:
            match request.match_info["action"]:
                case "approve":
                    done = await actions.approve(controls, name, by, convert(form, Approve))
                case "suspend":
                    done = await actions.suspend(controls, name, by, self._suspend(form))
                case "resume":
                    done = await actions.resume(controls, name, by, convert(form, Resume))
                case _:
                    raise Refusal(HTTPStatus.NOT_FOUND, "there is no such thing to do")
        except ValidationError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"the form does not fit: {error}") from error
        return _see(f"/releases/{segment(done.release)}?done={done.action}")

    def _suspend(self, form: dict[str, str]) -> Suspend:
        hours = form.pop("hours", "")
        request = convert(form, Suspend)
        if not hours:
            return request
        until = self._controls.clock.now() + timedelta(hours=convert(hours, Hours, strict=False))
        return structs.replace(request, until=until)


async def _form(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _see(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER.value, headers={"Location": path})


def _local(path: str) -> str:
    """Return *path* where it stays with us: a sign-in must not lead to another site."""
    stays = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if stays else "/"
