"""releases/*.yaml, validated, to drafts; what a file leaves out is in the schema."""

from reconciler.desired.cron import parse_cron
from reconciler.desired.decode_rollout import decode_rollout
from reconciler.desired.draft import ReleaseDraft, ScriptDraft
from reconciler.desired.fields import Fields
from reconciler.desired.node import Document, to_json
from reconciler.desired.placeholders import fill
from reconciler.desired.schemas import Kind, schema_of, with_defaults
from reconciler.model.desired import (
    Artifact,
    BlobArtifact,
    BuildArtifact,
    DriftPolicy,
    FileArtifact,
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
from reconciler.model.identity import (
    GroupName,
    HostName,
    JobId,
    PackageName,
    ReleaseName,
    SecretName,
    Version,
)
from reconciler.model.policy import ApprovalPolicy, Cron, Window, WindowKind


def decode_release(document: Document) -> ReleaseDraft:
    """Return the release of *document*, its placeholders filled in."""
    schema = schema_of(Kind.RELEASE)
    fields = Fields(with_defaults(to_json(document.root), schema, schema))
    values = placeholder_values(fields)
    return ReleaseDraft(
        document=document,
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
        windows=tuple(_window(window) for window in fields.each("windows")),
        yanked=frozenset(map(Version, fields.texts("yanked"))),
    )


def placeholder_values(fields: Fields) -> dict[str, str]:
    """Return what the placeholders of a release stand for."""
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
        command = tuple(fill(word, values) for word in build.texts("command"))
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
    if isinstance(knobs.raw(name), dict):
        return SecretRef(SecretName(knobs.inner(name).text("secret")))
    return fill(knobs.text(name), values)


def _targets(fields: Fields) -> Targets:
    return Targets(
        hosts=frozenset(map(HostName, fields.texts("hosts"))),
        labels=fields.pairs("labels"),
        groups=frozenset(map(GroupName, fields.texts("groups"))),
    )


def _verify(fields: Fields, values: dict[str, str]) -> Verify:
    probe = fields.optional_inner("probe")
    return Verify(
        stdout_ends_with=fill(fields.text("stdout_ends_with"), values),
        probe=Probe(job=JobId(probe.text("job")), every=probe.duration("every")) if probe else None,
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


def _window(fields: Fields) -> Window:
    kind = WindowKind.ALLOW if "allow" in fields else WindowKind.DENY
    cron = parse_cron(fields.text(kind))
    if not isinstance(cron, Cron):
        raise TypeError(cron)
    return Window(
        kind=kind, cron=cron, duration=fields.duration("duration"), zone=fields.text("zone")
    )
