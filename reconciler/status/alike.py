"""The same failure on many hosts, recognised as one: by what it is and what stderr shows."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from reconciler.model.plan import ENDED_BADLY, Assessment
from reconciler.model.status import HostStatus

_VARYING = re.compile(
    r"""\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b  # ids
    | \b(?:0x)?[0-9a-f]{7,}\b                          # digests and addresses
    | \d+                                              # times, ports, process ids
    | (?:[A-Za-z]:)?[/\\][^\s'":]+                      # paths""",
    re.VERBOSE | re.IGNORECASE,
)
_LENGTH = 12


def likeness(view: Assessment) -> str:
    """Return what hosts share that failed in the same way; empty for one that did not fail.

    What differs from host to host, such as its name, numbers and paths, does not count.
    """
    if view.state not in ENDED_BADLY:
        return ""
    outcome = view.install.outcome if view.install is not None else None
    stderr = outcome.stderr_tail if outcome is not None else ""
    shape = _VARYING.sub("#", stderr.replace(view.host, "#"))
    return hashlib.sha256(f"{view.reason}\n{shape}".encode()).hexdigest()[:_LENGTH]


def groups_of(hosts: Iterable[HostStatus]) -> Sequence[Sequence[HostStatus]]:
    """Return the hosts that failed, those alike together, the largest group first."""
    found: defaultdict[tuple[str, str], list[HostStatus]] = defaultdict(list)
    for host in hosts:
        if host.alike:
            found[host.release, host.alike].append(host)
    return sorted(found.values(), key=lambda group: (-len(group), group[0].host))
