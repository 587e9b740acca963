"""What a release would change, against what was proved last: what an approver agrees to."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

from reconciler.model.desired import Knob, Release, Rollout, Script, SecretRef, Targets, Wave
from reconciler.model.difference import Difference
from reconciler.model.download_token import DownloadGrant
from reconciler.model.identity import Json
from reconciler.model.observed import Observed
from reconciler.model.record import ReleaseRecord

_SENSITIVE = re.compile(r"token|passw|secret|credential", re.IGNORECASE)
MASK = "***"
"""Stands for what is not shown."""

_MOST_LINES = 20
_LONGEST = 160
_DECIDED_ELSEWHERE = ("version", "execute.script_object")


class Basis(NamedTuple):
    """What a release is compared with, and why with that."""

    record: ReleaseRecord
    how: str
    """`approved` or `proved`."""


def basis_of(release: Release, observed: Observed) -> Basis | None:
    """Return what was approved or proved last; *release* itself, where this very one was proved.

    What was approved later than anything was proved comes first, though it never got any further:
    that is what people have seen last.
    """
    own = observed.records.get((release.name, release.fingerprint))
    if own is not None:
        return Basis(own, "proved")
    found = [
        Basis(record, "proved")
        for (name, _), record in observed.records.items()
        if name == release.name
    ]
    approved = observed.approved.get(release.name)
    if approved is not None:
        found.append(Basis(approved, "approved"))
    return max(found, key=lambda basis: basis.record.at, default=None)


def differences(record: ReleaseRecord, release: Release) -> tuple[Difference, ...]:
    """Return what is different in *release* from what *record* has kept."""
    return (
        *_pairs(
            ("package", record.package, release.package),
            ("version", record.version, release.version),
            ("sha256", record.digest.hex, release.artifact.digest.hex),
        ),
        *_script(record.script, release.script),
        *_mappings(
            "job", _flat(json.loads(record.job.manifest)), _flat(dict(release.job.manifest))
        ),
        *_pairs(("job id", record.job.id, release.job.id)),
        *_pairs(("last line", record.stdout_ends_with, release.verify.stdout_ends_with)),
        *_policies(record, release),
    )


def _script(before: Script, after: Script) -> Iterator[Difference]:
    yield from _pairs(("script", before.path, after.path))
    yield from _pairs(("script object", before.object_name, after.object_name))
    if before.template != after.template:
        yield _text(after.path, before.template, after.template)
    yield from _mappings("knob", _spelled(before.knobs), _spelled(after.knobs))


def _policies(record: ReleaseRecord, release: Release) -> Iterator[Difference]:
    if record.targets is not None:
        yield from _mappings("targets", _targets(record.targets), _targets(release.targets))
    if record.rollout is not None:
        yield from _mappings("rollout", _rollout(record.rollout), _rollout(release.rollout))


@lru_cache(maxsize=32)
def _text(path: str, before: bytes, after: bytes) -> Difference:
    old, new = (text.decode(errors="replace").splitlines() for text in (before, after))
    found = [
        line[:_LONGEST]
        for line in difflib.unified_diff(old, new, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    came = sum(line.startswith("+") for line in found)
    return Difference(
        what=f"text of {path}",
        before="",
        after=f"{came} lines came, {len(found) - came} went",
        lines=tuple(found[:_MOST_LINES]),
    )


def _spelled(knobs: Mapping[str, Knob]) -> dict[str, str]:
    return {name: _value(name, knob) for name, knob in knobs.items()}


def _value(name: str, knob: Knob) -> str:
    match knob:
        case str():
            return _masked(name, knob)
        case SecretRef():
            return f"{{secret: {knob.name}}}"
        case DownloadGrant():
            return "{gateway: token}"


def _flat(value: Json, path: str = "") -> dict[str, str]:
    """Spell a manifest as one line a value, by its dotted path."""
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, Json]", value)
        parts = (_flat(item, f"{path}.{key}".lstrip(".")) for key, item in inner.items())
        return {key: text for part in parts for key, text in part.items()}
    hidden = path in _DECIDED_ELSEWHERE or path.startswith("origin")
    return {} if hidden else {path: _masked(path, json.dumps(value, ensure_ascii=False))}


def _masked(name: str, text: str) -> str:
    return MASK if text and is_sensitive(name) else text


def is_sensitive(name: str) -> bool:
    """True when what *name* stands for is better not shown, whatever it is."""
    return _SENSITIVE.search(name) is not None


def _targets(targets: Targets) -> dict[str, str]:
    return {
        "hosts": _listed(targets.hosts),
        "labels": _listed(f"{key}={value}" for key, value in targets.labels.items()),
        "groups": _listed(targets.groups),
    }


def _rollout(rollout: Rollout) -> dict[str, str]:
    percent = rollout.max_failures_percent
    return {
        "waves": " then ".join(map(_wave, rollout.waves)),
        "max_in_flight": str(rollout.max_in_flight),
        "max_failures": f"{percent}%" if percent is not None else str(rollout.max_failures),
        "soak": str(rollout.soak),
        "on_failure": str(rollout.on_failure),
    }


def _wave(wave: Wave) -> str:
    size = f"{wave.percent}%" if wave.percent is not None else str(wave.count)
    chosen = _listed((*wave.hosts, *(f"{k}={v}" for k, v in wave.labels.items()), *wave.groups))
    return f"{wave.name} ({chosen or size})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _mappings(
    kind: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        yield from _pairs((f"{kind} {name}", before.get(name, ""), after.get(name, "")))


def _pairs(*pairs: tuple[str, str, str]) -> Iterator[Difference]:
    for what, before, after in pairs:
        if before != after:
            yield Difference(what=what, before=before[:_LONGEST], after=after[:_LONGEST])
