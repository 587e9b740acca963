"""Free loopback ports, below the range that the kernel gives to outgoing connections.

A port of that range could be taken by anybody's connection while its server restarts, and a
client that polls such a port can even be connected to itself.
"""

import random
import socket

from reconciler.lab.failure import LabFailed

LOOPBACK = "127.0.0.1"
_BLOCKS = range(20_000, 32_000, 100)
_ours: list[int] = []


def free_port() -> int:
    """Return a loopback port that nobody listens on and that was not returned before.

    No other process is given it either, not even while its server is away.
    """
    while True:
        if not _ours:
            _ours.extend(_claimed())
        port = _ours.pop()
        if _is_free(port):
            return port


def _claimed() -> range:
    """Claim some ports until this process ends, by the UDP port of the first one's number."""
    for first in random.sample(_BLOCKS, len(_BLOCKS)):
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind((LOOPBACK, first))
        except OSError:
            claim.close()
        else:
            claim.detach()
            return range(first, first + _BLOCKS.step)
    raise LabFailed(f"no port of {_BLOCKS.start} to {_BLOCKS.stop} is left: end other fleets")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
