"""releases/*.yaml, validated, to drafts; what a file leaves out is in the schema."""

from reconciler.desired.decode_rollout import decode_rollout
from reconciler.desired.decode_window import decode_window
from reconciler.desired.draft import ReleaseDraft, ScriptDraft
from reconciler.desired.fields import Fields
from reconciler.desired.node import Document, Path, to_json
from reconciler.desired.placeholders import fill
from reconciler.desired.salvage import salvage
from reconciler.desired.schemas import Kind, schema_of, with_defaults
from reconciler.model.desired import (
    Artifact,
    BlobArtifact,
    BuildArtifact,
    DriftPolicy,
    FileArtifact,
    HealthCheck,
    Knob,
    Origin,
    Probe,
    PublishedArtifact,
    SecretRef,
    Targets,
    UrlArtifact,
    Verify,
)
from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant
from reconciler.model.identity import (
    GroupName,
    HostName,
    JobId,
    PackageName,
    ReleaseName,
    SecretName,
    Version,
)
from reconciler.model.policy import ApprovalPolicy


def decode_release(document: Document, broken: frozenset[Path] = frozenset()) -> ReleaseDraft:
    """Return the release of *document*, its placeholders filled in.

    *broken* is where the document has faults: what it says there is left out of the draft.
    """
    schema = schema_of(Kind.RELEASE)
    value = to_json(document.root)
    if broken:
        value, broken = salvage(document, broken)
    fields = Fields(with_defaults(value, schema, schema))
    values = _placeholder_values(fields)
    return ReleaseDraft(
        document=document,
        broken=broken,
        name=ReleaseName(values["name"]),
        package=PackageName(values["package"]),
        version=Version(values["version"]),
        artifact=_artifact(fields.inner("artifact"), values),
        script=_script(fields.inner("script"), values),
        job=JobId(fields.text("job")),
        targets=_targets(fields.inner("targets")),
        verify=_verify(fields.inner("verify"), values),
        rollout=decode_rollout(fields.inner("rollout")),
        depends_on=frozenset(map(ReleaseName, fields.texts("depends_on"))),
        suspend=fields.flag("suspend"),
        allow_downgrade=fields.flag("allow_downgrade"),
        adopt=fields.flag("adopt"),
        drift=DriftPolicy(fields.text("drift")),
        keep_versions=fields.inner("prune").integer("keep_versions"),
        approval=_approval(fields.optional_inner("approval")),
        requires_agent=_lower_bound(fields.optional_inner("requires")),
        upgrade_agent=_version(fields.optional_text("upgrade_agent")),
        windows=tuple(decode_window(window) for window in fields.each("windows")),
        yanked=frozenset(map(Version, fields.texts("yanked"))),
    )


def _placeholder_values(fields: Fields) -> dict[str, str]:
    name = fields.text("name")
    return {
        "name": name,
        "package": fields.optional_text("package") or name,
        "version": fields.text("version"),
        "sha256": Digest.parse(fields.inner("artifact").text("sha256")).hex,
    }


def _artifact(fields: Fields, values: dict[str, str]) -> Artifact:
    return Artifact(
        origin=_origin(fields, values), digest=Digest.parse(fields.text("sha256")), size_bytes=None
    )


def _origin(fields: Fields, values: dict[str, str]) -> Origin:
    if "path" in fields:
        return BlobArtifact(path=fill(fields.text("path"), values))
    if "file" in fields:
        return FileArtifact(path=fill(fields.text("file"), values))
    if "url" in fields:
        return UrlArtifact(url=fill(fields.text("url"), values))
    if "build" in fields:
        build = fields.inner("build")
        command = tuple(fill(text, values) for text in build.texts("command"))
        return BuildArtifact(command=command, output=fill(build.text("output"), values))
    return PublishedArtifact()


def _script(fields: Fields, values: dict[str, str]) -> ScriptDraft:
    knobs = fields.optional_inner("knobs")
    return ScriptDraft(
        path=fields.text("path"),
        object_name=fields.text("object"),
        knobs={name: _knob(knobs, name, values) for name in knobs} if knobs is not None else {},
        allow_loopback=fields.flag("allow_loopback"),
    )


def _knob(knobs: Fields, name: str, values: dict[str, str]) -> Knob:
    if not isinstance(knobs.raw(name), dict):
        return fill(knobs.text(name), values)
    reference = knobs.inner(name)
    if "secret" in reference:
        return SecretRef(SecretName(reference.text("secret")))
    return DownloadGrant(
        release=ReleaseName(values["name"]),
        package=PackageName(values["package"]),
        version=Version(values["version"]),
        digest=Digest(values["sha256"]),
    )


def _targets(fields: Fields) -> Targets:
    return Targets(
        hosts=frozenset(map(HostName, fields.texts("hosts"))),
        labels=fields.pairs("labels"),
        groups=frozenset(map(GroupName, fields.texts("groups"))),
    )


def _verify(fields: Fields, values: dict[str, str]) -> Verify:
    probe, http = fields.optional_inner("probe"), fields.optional_inner("http")
    return Verify(
        stdout_ends_with=fill(fields.text("stdout_ends_with"), values),
        probe=Probe(job=JobId(probe.text("job")), every=probe.duration("every")) if probe else None,
        http=_health_check(http, values) if http else None,
    )


def _health_check(fields: Fields, values: dict[str, str]) -> HealthCheck:
    version = fields.optional_text("version_url")
    return HealthCheck(
        url=fill(fields.text("url"), values),
        every=fields.duration("every"),
        failures=fields.integer("failures"),
        version_url=fill(version, values) if version is not None else None,
    )


def _approval(fields: Fields | None) -> ApprovalPolicy | None:
    if fields is None:
        return None
    return ApprovalPolicy(
        required=fields.integer("required"),
        pin_hosts=fields.text("hosts") == "pinned",
        expires=fields.optional_duration("expires"),
    )


def _lower_bound(fields: Fields | None) -> Version | None:
    return Version(fields.text("agent").removeprefix(">=").strip()) if fields else None


def _version(text: str | None) -> Version | None:
    return Version(text) if text is not None else None
