"""Which addresses an artifact may be fetched from: nobody's inside is reached from a commit."""

import ipaddress
import socket
from dataclasses import dataclass

import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from reconciler.errors import ArtifactRefused
from reconciler.source.location import is_loopback

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRules:
    """What the settings allow."""

    hosts: frozenset[str] = frozenset()
    """When there are any, only these, and these may have a private address; lower case."""
    allow_loopback: bool = False
    """For tests and the embedded fleet: http and https to this machine."""

    def checked(self, text: str, *, came_from: yarl.URL | None = None) -> yarl.URL:
        """Read an address that a commit, or the redirect *came_from* elsewhere, names.

        Raises:
            ArtifactRefused: it is not one to be fetched from.
        """
        try:
            url = yarl.URL(text) if came_from is None else came_from.join(yarl.URL(text))
        except ValueError as error:
            raise ArtifactRefused(f"artifact url: not an address: {error}") from error
        if complaint := self._objection(url, came_from):
            where = presentable(url)
            if came_from is not None:
                where = f"{presentable(came_from)}: redirect to {where} refused"
            raise ArtifactRefused(f"{where}: {complaint}")
        return url

    def check_host(self, host: str, addresses: list[str]) -> None:
        """See that what *host* resolved to may be connected to; one that may not spoils all.

        Raises:
            ArtifactRefused: it may not.
        """
        for text in addresses:
            if complaint := self._objection_to(ipaddress.ip_address(text.partition("%")[0]), host):
                raise ArtifactRefused(f"{host}: {complaint}")

    def _objection(self, url: yarl.URL, came_from: yarl.URL | None) -> str | None:
        host = (url.raw_host or "").lower()
        if url.user is not None or url.password is not None:
            return "a credential does not belong into git: use an address without one"
        local = self.allow_loopback and is_loopback(host)
        if url.scheme != "https" and not (url.scheme == "http" and local):
            return "https only"
        if came_from is not None and came_from.scheme == "https" and url.scheme != "https":
            return "https only, also where it leads to"
        if self.hosts and host not in self.hosts and not local:
            return f"host {host} is not one of the settings' artifact hosts"
        return self._objection_to_host(host)

    def _objection_to_host(self, host: str) -> str | None:
        if not host:
            return "names no host"
        try:
            return self._objection_to(ipaddress.ip_address(host), host)
        except ValueError:
            return None

    def _objection_to(self, address: Address, host: str) -> str | None:
        inner = _embedded(address)
        if inner.is_loopback:
            return None if self.allow_loopback else f"{address} is this machine itself"
        if inner.is_link_local or inner.is_multicast or inner.is_unspecified:
            return f"{address} is not an address to fetch from"
        if not inner.is_global and host.lower() not in self.hosts:
            return f"{address} is a private address: name its host in the settings' artifact hosts"
        return None


class CheckedResolver(AbstractResolver):
    """Resolves a name once, for a connection to exactly what was checked."""

    def __init__(self, rules: AddressRules, resolver: AbstractResolver) -> None:
        self._rules = rules
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        Raises:
            ArtifactRefused: one of them may not be connected to.
        """
        found = await self._resolver.resolve(host, port, family)
        self._rules.check_host(host, [result["host"] for result in found])
        return found

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()


def presentable(url: yarl.URL) -> str:
    """Return *url* without what may be secret in it: user, password, query."""
    return str(url.with_user(None).with_query(None).with_fragment(None)) if url.host else str(url)


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
