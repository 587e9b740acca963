"""A job's manifest as it should stand in kanade's catalogue."""

import json
from collections.abc import Mapping

from reconciler.model.desired import JobSpec
from reconciler.model.digest import Digest
from reconciler.model.identity import Json, ObjectRef, Version

_DEFAULTS: Mapping[str, Json] = {"staleness": {"mode": "cached"}}
"""What kanade's backend writes into every manifest that leaves it out."""


def job_version(job: JobSpec) -> Version:
    """Return the version that a job without a release states itself."""
    return Version(str(job.manifest.get("version", "")))


def complete(
    job: JobSpec, *, version: Version, script: ObjectRef | None, repo: str
) -> dict[str, Json]:
    """Return the manifest of *job* with what the reconciler fills in.

    `origin` marks it as managed from git: kanade's web page shows it read-only.
    """
    manifest: dict[str, Json] = {**job.manifest, "version": version}
    if script is not None:
        execute = manifest.get("execute")
        manifest["execute"] = {
            **(execute if isinstance(execute, dict) else {}),
            "script_object": str(script),
        }
    origin: dict[str, Json] = {"path": job.path}
    if repo:
        origin["repo"] = repo
    if job.script_file is not None:
        origin["script_file"] = job.script_file
    manifest["origin"] = origin
    return manifest


def manifest_digest(manifest: Mapping[str, Json]) -> Digest:
    """Return a digest that two manifests share when kanade would do the same with both."""
    return Digest.of(json.dumps(meaning(manifest), sort_keys=True).encode())


def meaning(manifest: Mapping[str, Json]) -> Json:
    """Return what is left of *manifest* when all is gone that means nothing to kanade."""
    return _meaning({**_DEFAULTS, **manifest})


def same_manifest(left: Mapping[str, Json], right: Mapping[str, Json]) -> bool:
    """True when kanade would do the same with both: its defaults do not count.

    Nor does what is null, false or empty: some of it kanade leaves out of what it stores, some
    of it kanade writes in.
    """
    return meaning(left) == meaning(right)


def _meaning(value: Json) -> Json:
    if isinstance(value, dict):
        members = {key: _meaning(item) for key, item in value.items()}
        return {key: item for key, item in members.items() if not _says_nothing(item)}
    if isinstance(value, list):
        return [_meaning(item) for item in value]
    return value


def _says_nothing(value: Json) -> bool:
    return value is None or value is False or value in ([], {})
