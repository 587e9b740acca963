"""The hosts of a live kanade, with their groups as labels; pure."""

import re
from collections.abc import Iterable

import yaml

from reconciler.cli.export.part import Part, as_comment
from reconciler.model.identity import GroupName, HostName, Json
from reconciler.model.observed import Observed

HOSTS_FILE = "hosts/fleet.yaml"
_HEAD = """\
Every host that kanade knows. The labels group.NAME are kanade's groups on the day of the export; a
release can select groups live as well, by targets.groups.
"""
_LONGEST = 128
_MOST_LABELS = 50
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){0,3}")
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")


def hosts_part(observed: Observed) -> Part:
    """Return the file of hosts, none where nobody is known."""
    entries: list[Json] = []
    fit = declarable(observed)
    notes = [
        f"host {host}: its name is no pc id: left out"
        for host in sorted(observed.hosts.keys() - set(fit))
    ]
    for host in fit:
        labels, lost = _labels(observed.hosts[host].groups)
        notes += [f"host {host}: group {name} cannot be a label: left out" for name in lost]
        entries.append({"name": host, **({"labels": labels} if labels else {})})
    document = {"apiVersion": "kanade-reconciler/v1", "kind": "Hosts", "hosts": entries}
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=1000)
    files = {HOSTS_FILE: as_comment(_HEAD) + text} if entries else {}
    return Part(files=files, notes=tuple(notes))


def declarable(observed: Observed) -> list[HostName]:
    """Return the hosts whose names a desired state can hold."""
    return sorted(host for host in observed.hosts if _fits(_HOST, host))


def _labels(groups: Iterable[GroupName]) -> tuple[dict[str, Json], list[GroupName]]:
    labels: dict[str, Json] = {}
    lost: list[GroupName] = []
    for name in sorted(groups):
        label = f"group.{name}"
        if _fits(_LABEL, label) and len(labels) < _MOST_LABELS:
            labels[label] = "true"
        else:
            lost.append(name)
    return labels, lost


def _fits(pattern: re.Pattern[str], name: str) -> bool:
    return len(name) <= _LONGEST and pattern.fullmatch(name) is not None
