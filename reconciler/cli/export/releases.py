"""Releases as they can be guessed from what is live, for a person to complete; pure.

kanade knows what is stored and what a job runs, but not who a version is for.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from reconciler.cli.export.hosts import HOSTS_FILE
from reconciler.cli.export.live import Live, script_of
from reconciler.cli.export.part import DRAFTS, Part, as_comment, spelled
from reconciler.desired.script import CannotRender, literals, render
from reconciler.model.identity import GroupName, Json, ObjectRef
from reconciler.model.mask import mask_written
from reconciler.model.observed import LiveJob, StoredObject
from reconciler.plan.differences import MASK, is_sensitive

_SUFFIXES = {"sh": ".sh", "powershell": ".ps1", "pwsh": ".ps1"}


class _Found(NamedTuple):
    """A job that installs a package, by a script that names the package's digest."""

    job: LiveJob
    script: ObjectRef
    package: StoredObject
    path: str
    """Where the script belongs."""


def releases_part(live: Live) -> Part:
    """Return a draft of a release, and its script, for each job that installs a package."""
    files: dict[str, str] = {}
    notes: list[str] = []
    drafted: set[ObjectRef] = set()
    for found in _installs(live):
        name = found.package.ref.name
        path = f"{DRAFTS}/releases/{name}.yaml"
        if path in files:
            name = found.job.id
            path = f"{DRAFTS}/releases/{name}.yaml"
        try:
            knobs = dict(_knobs(literals(live.scripts[found.script], found.path), found.package))
            script = live.scripts[found.script]
            template = render(script, found.path, dict.fromkeys(knobs, "")).decode()
        except CannotRender as error:
            notes.append(f"script {found.script}: no draft of a release for it: {error}")
            continue
        drafted.add(found.package.ref)
        files[path] = _release(name, found, knobs, live)
        files[f"{DRAFTS}/{found.path}"] = mask_written(template)
        notes += _told(found, knobs, hidden=mask_written(template) != template)
    known = {ref.name for ref in drafted}
    others = sorted({ref.name for ref in live.observed.packages} - known)
    notes += [f"package {name}: no job was found that installs it" for name in others]
    return Part(files=files, notes=tuple(notes))


def _installs(live: Live) -> Iterator[_Found]:
    for _, job in sorted(live.observed.jobs.items()):
        execute, script = job.manifest.get("execute"), script_of(job)
        shell = execute.get("shell") if isinstance(execute, dict) else None
        suffix, text = _SUFFIXES.get(str(shell)), live.scripts.get(script) if script else None
        if script is None or suffix is None or text is None:
            continue
        stored = live.observed.packages.values()
        named = [it for it in stored if it.digest and it.digest.hex.encode() in text]
        if len(named) == 1:
            yield _Found(job, script, named[0], f"scripts/{script.name}{suffix}")


def _knobs(found: Mapping[str, str], package: StoredObject) -> Iterator[tuple[str, Json]]:
    """Yield what differs from release to release, and what must not stand in git."""
    for name, value in found.items():
        if value and is_sensitive(name):
            yield name, {"secret": name.lower().replace("_", "-")}
        elif value == package.ref.version:
            yield name, "{version}"
        elif package.digest is not None and value == package.digest.hex:
            yield name, "{sha256}"
        elif value.startswith(("http://", "https://")):
            yield name, mask_written(value)


def _told(found: _Found, knobs: Mapping[str, Json], *, hidden: bool) -> Iterator[str]:
    for knob, value in knobs.items():
        if isinstance(value, dict):
            where = f"script {found.script}: what {knob} holds is left out"
            yield f"{where}; its place is the secret {value['secret']} of the settings"
        elif MASK in str(value):
            yield f"script {found.script}: what looks like a secret in {knob} is left out"
    if hidden:
        yield f"script {found.script}: more secrets seem to stand in it: masked in its draft"


def _release(name: str, found: _Found, knobs: Mapping[str, Json], live: Live) -> str:
    package, job = found.package, found.job
    slots = live.observed.slots.items()
    hosts: list[Json] = [host for host, slot in sorted(slots) if slot.job == job.id]
    head: dict[str, Json] = {
        "apiVersion": "kanade-reconciler/v1",
        "kind": "Release",
        "name": name,
        **({"package": package.ref.name} if package.ref.name != name else {}),
        "version": package.ref.version,
    }
    digest = package.digest.hex if package.digest is not None else ""
    script: Json = {"path": found.path, "object": found.script.name, "knobs": dict(knobs)}
    parts: tuple[tuple[str, dict[str, Json]], ...] = (
        (_HEAD.format(job=job.id, script=found.path), head),
        (_ARTIFACT, {"artifact": {"sha256": digest}}),
        ("", {"script": script}),
        (_JOB.format(job=job.id), {"job": job.id, "adopt": True}),
        (_targets(bool(hosts), live), {"targets": {"hosts": hosts}}),
        (_REST, {}),
    )
    return "".join(as_comment(text) + (spelled(value) if value else "") for text, value in parts)


_HEAD = """\
A draft, guessed from what is live in kanade. Look through {script} for anything that should not be
in git, complete what is asked for below, and move both files up, out of drafts/.
Then: reconciler validate, reconciler adopt, reconciler plan.
"""
_ARTIFACT = """\
It is in kanade's store already. The next version has to come from somewhere: add one of
  path: artifacts/NAME      a file of this repository
  file: builds/NAME         a file below one of the settings' controller.artifact_roots
  url: https://.../{version}
"""
_JOB = """\
Its version and execute.script_object are set from here: take them out of jobs/{job}.yaml.
"""
_REST = """\
Who proves what really runs? A job that prints the version and sha256 of the running image:
verify:
  probe: {job: NAME, every: 24h}
How fast, and what happens when it fails:
rollout:
  waves: [{name: canary, hosts: 1}, {name: rest, percent: 100}]
  soak: 5m
  on_failure: rollback
"""


def _targets(guessed: bool, live: Live) -> str:
    """Say who could be meant."""
    text = (
        "Those hosts' last command was this job; are they all that it is for?"
        if guessed
        else "Who is it for? At least one of hosts, labels and groups has to be named."
    )
    groups: set[GroupName] = set()
    for state in live.observed.hosts.values():
        groups |= state.groups
    there = f"\nkanade's groups: groups: [{', '.join(sorted(groups))}]" if groups else ""
    return f"{text}\nAll that are known are in {HOSTS_FILE}.{there}"
