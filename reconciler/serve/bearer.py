"""Who may read: a client with the settings' token; anybody, where there is none."""

from aiohttp import web

from reconciler.serve.credential import bearer_token, same

_REALM = {"WWW-Authenticate": 'Bearer realm="kanade-reconciler"'}


def may_look(request: web.Request, token: str | None) -> bool:
    """True when *request* bears *token*, or none is asked for; the comparison takes as long."""
    if token is None:
        return True
    given = bearer_token(request)
    return given is not None and same(given, token)


def refusal() -> web.Response:
    """Return the answer to who may not."""
    return web.Response(status=401, text="a bearer token is needed\n", headers=_REALM)
