"""Packages and scripts that are not in their store yet, or not with the right bytes.

A version's bytes never change: what somebody else has put under the same name is refused, what
we have put there ourselves and is found changed is drift, and put right.
"""

from reconciler.model.action import PublishPackage, PublishScript, ReadBack, Stored
from reconciler.model.desired import PublishedArtifact, Release
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.model.observed import Observed, Owned, StoredObject
from reconciler.model.plan import DRIFTED, Deferred, Step


def package_of(release: Release) -> ObjectRef:
    """Return the key of the release's binary in `app_packages`."""
    return ObjectRef(release.package, release.version)


def plan_package(release: Release, observed: Observed) -> Step | Deferred | None:
    """Return the step that stores the binary, what forbids it, or `None` when it is there."""
    ref, wanted = package_of(release), release.artifact.digest
    stored = observed.packages.get(ref)
    owned = observed.owned_packages.get(ref)
    if stored is not None and stored.digest == wanted:
        return _unchecked(release, Stored.PACKAGE, ref, owned)
    if stored is not None and (owned is None or owned.digest != wanted or not owned.checked):
        return _immutable(release, ref, stored, ours=owned is not None and owned.checked)
    if isinstance(release.artifact.origin, PublishedArtifact):
        return Deferred(
            release=release.name,
            reason="PackageMissing",
            message=f"{ref} is not published, and the release names no artifact to publish; "
            f"kanade app publish {release.package} <file> --version {release.version}",
            needs_person=True,
        )
    action = PublishPackage(
        release=release.name,
        ref=ref,
        artifact=release.artifact,
        replaces=stored.sequence if stored is not None else 0,
        is_ours=owned is not None and owned.checked and owned.digest == wanted,
    )
    if stored is not None:
        return _step(release, action, DRIFTED, f"somebody has changed the bytes of {ref}")
    if owned is not None and owned.checked:
        return _step(release, action, DRIFTED, f"somebody has deleted {ref}")
    return _step(release, action, "PackageMissing", f"{ref} is not in app_packages")


def _immutable(release: Release, ref: ObjectRef, stored: StoredObject, *, ours: bool) -> Deferred:
    digest = stored.digest.hex if stored.digest is not None else "unknown"
    whose = "by an earlier commit" if ours else "by somebody else"
    return Deferred(
        release=release.name,
        reason="VersionImmutable",
        message=f"version {ref.version} of {ref.name!r} was published {whose} with sha256 "
        f"{digest}; a version's bytes never change: correct the sha256, or use a new version",
        needs_person=True,
    )


def plan_script(release: Release, observed: Observed) -> tuple[ObjectRef, Step | None] | None:
    """Return the key of the rendered script, with the step that stores it if it is not there.

    `None` when the script cannot be rendered today; `observed.unrendered` has the reason.
    """
    rendered = observed.rendered.get((release.name, release.fingerprint))
    if rendered is None:
        return None
    ref = script_ref(release, rendered.digest, observed)
    stored = observed.scripts.get(ref)
    owned = observed.owned_scripts.get(ref)
    if stored is not None and stored.digest == rendered.digest:
        return ref, _unchecked(release, Stored.SCRIPT, ref, owned)
    action = PublishScript(
        release=release.name,
        ref=ref,
        script=release.script,
        digest=rendered.digest,
        replaces=stored.sequence if stored is not None else 0,
        is_ours=owned is not None and owned.checked and owned.digest == rendered.digest,
    )
    if stored is not None:
        return ref, _step(release, action, DRIFTED, f"somebody has changed {ref}")
    if owned is not None and owned.checked:
        return ref, _step(release, action, DRIFTED, f"somebody has deleted {ref}")
    return ref, _step(release, action, "ScriptMissing", f"{ref} is not in scripts")


def to_publish(release: Release, observed: Observed) -> bool:
    """True when the package or the script of *release* is not there."""
    rendered = observed.rendered.get((release.name, release.fingerprint))
    return package_of(release) not in observed.packages or (
        rendered is not None
        and script_ref(release, rendered.digest, observed) not in observed.scripts
    )


def script_ref(release: Release, digest: Digest, observed: Observed) -> ObjectRef:
    """Return where a script of *digest* belongs: script objects are immutable.

    `<name>/<version>`, unless that key holds, or held by our own hand, other bytes: then
    `<name>/<version>.r<first 8 hex digits>`.
    """
    plain = ObjectRef(release.script.object_name, release.version)
    owned, stored = observed.owned_scripts.get(plain), observed.scripts.get(plain)
    if owned is not None:
        is_free = owned.digest == digest
    else:
        is_free = stored is None or stored.digest == digest
    if is_free:
        return plain
    return ObjectRef(plain.name, f"{plain.version}.r{digest.hex[:8]}")


def _unchecked(release: Release, kind: Stored, ref: ObjectRef, owned: Owned | None) -> Step | None:
    """Return the step that reads an object back which nobody has, since its publication."""
    if owned is None or owned.checked:
        return None
    action = ReadBack(release=release.name, kind=kind, ref=ref, digest=owned.digest)
    return _step(release, action, "NotReadBack", f"the publication of {ref} was broken off")


def _step(
    release: Release, action: PublishPackage | PublishScript | ReadBack, reason: str, message: str
) -> Step:
    return Step(action=action, release=release.name, reason=reason, message=message)
