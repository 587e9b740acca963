"""Free loopback ports, below the range that the kernel gives to outgoing connections.

A port of that range could be taken by anybody's connection while its server restarts, and a
client that polls such a port can even be connected to itself.
"""

import random
import socket

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 20_000, 32_000
_given: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nobody listens on and that was not returned before."""
    while True:
        port = random.randrange(_LOWEST, _HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
