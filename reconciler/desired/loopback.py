"""Hosts and URLs that mean "this very machine", in all their spellings."""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit


def loopback_host(url: str) -> str | None:
    """Return the host of *url* when it is this machine; `None` for any other URL or text."""
    parts = split_url(url)
    if parts is None or not parts.hostname:
        return None
    return parts.hostname if _is_loopback(parts.hostname) else None


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


def _is_loopback(host: str) -> bool:
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
