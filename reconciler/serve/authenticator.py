"""Who may come in, and as whom: by bearer token, by session, or vouched for by a proxy."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web

from reconciler.desired.loopback import is_this_machine
from reconciler.serve.credential import bearer_token, same
from reconciler.serve.refusal import Refusal
from reconciler.serve.sessions import LASTS, Sessions
from reconciler.serve.visitor import Visitor

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_ASK = {"WWW-Authenticate": 'Bearer realm="kanade-reconciler"'}
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A reverse proxy that has asked people who they are."""

    networks: tuple[Network, ...]
    """Only from here is it believed."""
    header: str
    """In which it says who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What lets people in; where there is neither token nor proxy, everybody may read."""

    token: str | None = field(default=None, repr=False)
    """Who knows it may read."""
    people: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name a token of their own: with it they may act, too."""
    proxy: Proxy | None = None
    secure: bool = False
    """TLS is on the way to the browser, so that a cookie may insist on it."""


class Authenticator:
    """Lets people in, and gives them cookies."""

    def __init__(self, keys: Keys, sessions: Sessions) -> None:
        self._keys = keys
        self._sessions = sessions
        self._cookie = "__Host-reconciler" if keys.secure else "reconciler"

    @property
    def knows_people(self) -> bool:
        """True when somebody can sign in here."""
        return bool(self._keys.people or self._keys.token)

    def visitor(self, request: web.Request) -> Visitor:
        """Return who makes *request*.

        Raises:
            Refusal: the visitor may not read.
        """
        token = bearer_token(request)
        if token is not None:
            return Visitor(name=self.known(token))
        cookie = request.cookies.get(self._cookie, "")
        name = self._sessions.name_of(cookie) if cookie else None
        if name is not None:
            return Visitor(name=name, csrf=self._sessions.csrf(cookie))
        name = self._told_by_proxy(request)
        if name is not None:
            return Visitor(name=name, csrf=self._sessions.csrf(f"proxy {name}"))
        if self._keys.token is not None or self._keys.proxy is not None:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "sign in first, or bring a bearer token", _ASK)
        if not is_this_machine(request.url.host or ""):
            detail = "this address is for this machine alone: ask for localhost or 127.0.0.1"
            raise Refusal(HTTPStatus.FORBIDDEN, detail)
        return Visitor()

    def known(self, token: str) -> str:
        """Return whose *token* it is, nobody's name for the one that only lets read.

        Raises:
            Refusal: it is nobody's.
        """
        names = [name for name, own in self._keys.people.items() if same(token, own)]
        if names:
            return names[0]
        if self._keys.token is None or not same(token, self._keys.token):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "this token is nobody's", _ASK)
        return ""

    def person(self, request: web.Request, given: str) -> Visitor:
        """Return who acts by *request*, which brings *given* to show that it is no other site's.

        Raises:
            Refusal: it is nobody by name, or they have not meant it.
        """
        visitor = self.visitor(request)
        if not visitor.name:
            raise Refusal(HTTPStatus.FORBIDDEN, "to act you need a name: sign in as a person")
        if not from_here(request):
            raise Refusal(HTTPStatus.FORBIDDEN, "this was sent by another site")
        if visitor.csrf and not same(given, visitor.csrf):
            detail = "this form is not of your session any more: load the page again"
            raise Refusal(HTTPStatus.FORBIDDEN, detail)
        return visitor

    def let_in(self, response: web.StreamResponse, name: str) -> None:
        """Give the session's cookie to who has signed in as *name*."""
        response.set_cookie(
            self._cookie,
            self._sessions.begin(name),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            secure=self._keys.secure,
            samesite="Strict",
        )

    def let_out(self, response: web.StreamResponse) -> None:
        """Take the cookie back."""
        response.del_cookie(
            self._cookie, secure=self._keys.secure, httponly=True, samesite="Strict"
        )

    def _told_by_proxy(self, request: web.Request) -> str | None:
        proxy = self._keys.proxy
        if proxy is None or not _is_in(request.remote, proxy.networks):
            return None
        names = request.headers.getall(proxy.header, [])
        if len(names) != 1 or not names[0].strip() or len(names[0]) > _LONGEST_NAME:
            return None
        return names[0].strip()


def from_here(request: web.Request) -> bool:
    """False when a browser says that another site has sent *request*."""
    site = request.headers.get("Sec-Fetch-Site")
    return site in (None, "same-origin", "none")


def _is_in(address: str | None, networks: tuple[Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    return any(found in network for network in networks)
