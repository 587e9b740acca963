"""Which parts of a release make it the same wish, and which do not."""

from collections.abc import Iterable, Mapping

from reconciler.desired.draft import Drafts, ReleaseDraft
from reconciler.desired.durations import spell_duration
from reconciler.desired.schemas import Kind, schema_of, without_defaults
from reconciler.model.desired import JobSpec, SecretRef, Wave
from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant
from reconciler.model.fingerprint import fingerprint
from reconciler.model.identity import Fingerprint, Json
from reconciler.model.policy import Offline


def release_fingerprint(
    release: ReleaseDraft, job: JobSpec, template: bytes, drafts: Drafts
) -> Fingerprint:
    """Return the fingerprint of *release*.

    What a later version adds goes in only where a file uses it: the fingerprints of files that
    do not are as they were, so an upgrade of the reconciler touches no host.
    """
    parts: dict[str, Json] = {
        "package": release.package,
        "version": release.version,
        "sha256": release.artifact.digest.hex,
        "script": _script(release, template),
        "job": _job(job),
        "targets": _targets(release),
        "verify": _verify(release),
        "rollout": _rollout(release),
    }
    if release.approval is not None and release.approval.pin_hosts:
        parts["hosts"] = _sorted(drafts.selected(release.targets))
    return fingerprint(parts)


def _script(release: ReleaseDraft, template: bytes) -> Json:
    plain = {k: v for k, v in release.script.knobs.items() if isinstance(v, str)}
    secrets = {k: v.name for k, v in release.script.knobs.items() if isinstance(v, SecretRef)}
    granted = [k for k, v in release.script.knobs.items() if isinstance(v, DownloadGrant)]
    parts: dict[str, Json] = {
        "object": release.script.object_name,
        "template": Digest.of(template).hex,
        "knobs": dict(plain),
        "secrets": {knob: str(name) for knob, name in secrets.items()},
    }
    if granted:
        parts["tokens"] = _sorted(granted)
    return parts


def _job(job: JobSpec) -> Json:
    manifest = {k: v for k, v in job.manifest.items() if k not in {"origin", "version"}}
    execute = manifest.get("execute")
    if isinstance(execute, dict):
        manifest["execute"] = {k: v for k, v in execute.items() if k != "script_object"}
    schema = schema_of(Kind.JOB)
    return without_defaults(manifest, schema, schema)


def _targets(release: ReleaseDraft) -> Json:
    return {
        "hosts": _sorted(release.targets.hosts),
        "labels": _pairs(release.targets.labels),
        "groups": _sorted(release.targets.groups),
    }


def _verify(release: ReleaseDraft) -> Json:
    probe, http = release.verify.probe, release.verify.http
    parts: dict[str, Json] = {
        "stdout_ends_with": release.verify.stdout_ends_with,
        "probe": {"job": probe.job, "every": spell_duration(probe.every)} if probe else None,
    }
    if http is not None:
        every = spell_duration(http.every)
        asked: dict[str, Json] = {"url": http.url, "every": every, "failures": http.failures}
        if http.version_url is not None:
            asked["version_url"] = http.version_url
        parts["http"] = asked
    return parts


def _rollout(release: ReleaseDraft) -> Json:
    rollout = release.rollout
    parts: dict[str, Json] = {
        "waves": [_wave(wave) for wave in rollout.waves],
        "max_in_flight": rollout.max_in_flight,
        "max_failures": rollout.max_failures,
        "soak": spell_duration(rollout.soak),
        "on_failure": str(rollout.on_failure),
    }
    if rollout.max_failures_percent is not None:
        parts["max_failures_percent"] = rollout.max_failures_percent
    if rollout.rollback_max_in_flight is not None:
        parts["rollback_max_in_flight"] = rollout.rollback_max_in_flight
    if rollout.progress_deadline is not None:
        parts["progress_deadline"] = spell_duration(rollout.progress_deadline)
    return parts


def _wave(wave: Wave) -> Json:
    parts: dict[str, Json] = {
        "name": wave.name,
        "count": wave.count,
        "percent": wave.percent,
        "hosts": _sorted(wave.hosts),
        "labels": _pairs(wave.labels),
        "groups": _sorted(wave.groups),
    }
    if wave.offline is not None:
        parts["offline"] = _offline(wave.offline)
    return parts


def _offline(offline: Offline) -> Json:
    return {
        "rule": str(offline.rule),
        "max_hosts": offline.max_hosts,
        "max_percent": offline.max_percent,
    }


def _sorted(names: Iterable[str]) -> list[Json]:
    return [*sorted(names)]


def _pairs(labels: Mapping[str, str]) -> dict[str, Json]:
    return {**labels}
