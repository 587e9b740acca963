"""Hosts and URLs that mean "this very machine", in all their spellings."""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", re.ASCII)
_NO_SCHEME = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]*[A-Za-z.][A-Za-z0-9._-]*):[0-9]{1,5}(?:/.*)?"
)
_HIGHEST_PORT = 65535


def loopback_host(url: str) -> str | None:
    """Return the host of *url* when it is this machine; `None` for any other URL or text.

    A scheme may be missing where a port shows that it is an address: curl adds one.
    """
    parts = split_url(f"http://{url}" if _NO_SCHEME.fullmatch(url) else url)
    if parts is None or not parts.hostname:
        return None
    return parts.hostname if is_this_machine(parts.hostname) else None


def split_url(url: str) -> SplitResult | None:
    """Return the parts of *url*, or `None` for a text that is none."""
    if "://" not in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def parse_listen(text: str) -> tuple[str, int] | None:
    """Return host and port of `host:port`, the brackets of IPv6 taken off; `None` for others."""
    match = _LISTEN.fullmatch(text)
    if match is None or int(match[3]) > _HIGHEST_PORT:
        return None
    host = match[1] or match[2]
    if match[1] and not isinstance(_address(host), ipaddress.IPv6Address):
        return None
    return host, int(match[3])


def only_reachable_from_here(host: str) -> bool:
    """True for an address that other machines cannot connect to."""
    address = _address(host)
    return address.is_loopback if address is not None else host.lower() == "localhost"


def is_this_machine(host: str) -> bool:
    """True for a host that everybody takes for himself; `0.0.0.0` is one, to a client."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name.partition("%")[0])
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_loopback or address.is_unspecified


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Also reads what the C library takes for IPv4: `127.1`, `0x7f000001`, `2130706433`."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):
        return None
