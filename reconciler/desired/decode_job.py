"""jobs/*.yaml, validated, to job drafts: kanade's defaults written out, script files inlined."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from reconciler.desired.draft import JobDraft
from reconciler.desired.durations import parse_kanade_duration
from reconciler.desired.edit import CannotEdit, set_values
from reconciler.desired.fields import Fields
from reconciler.desired.files import shown_path
from reconciler.desired.node import Document, Node, place, to_json
from reconciler.desired.schemas import Kind, schema_of, with_defaults
from reconciler.desired.script_file import read_script_file
from reconciler.errors import Fault
from reconciler.model.desired import JobSpec
from reconciler.model.identity import JobId, Json
from reconciler.model.snapshot import Snapshot


def without_nulls(node: Node) -> Node:
    """Return *node* without its null members: kanade takes them for left out."""
    match node.value:
        case dict() as members:
            kept = {
                name: without_nulls(member)
                for name, member in members.items()
                if member.value is not None or member.doubtful
            }
            return replace(node, value=kept)
        case list() as items:
            return replace(node, value=[without_nulls(item) for item in items])
        case _:
            return node


def decode_job(document: Document, path: str, snapshot: Snapshot) -> JobDraft | Fault:
    """Return the job of *document*, which is the snapshot's file *path*."""
    schema = schema_of(Kind.JOB)
    manifest = _shaped(with_defaults(to_json(document.root), schema, schema))
    execute = Fields(manifest["execute"])
    yaml, script_file = document.text, execute.optional_text("script_file")
    if script_file is not None:
        found = read_script_file(script_file, path, snapshot)
        where = place(document.root, ("execute", "script_file"))
        if isinstance(found, str):
            return Fault(where, f"execute.script_file: {found}")
        script_file, body = found
        try:
            yaml = set_values(yaml, {("execute", "script_file"): None, ("execute", "script"): body})
        except CannotEdit as error:
            return Fault(where, f"execute.script_file cannot be put into this file: {error}")
        manifest["execute"] = _with_script(manifest["execute"], body)
    return JobDraft(
        JobSpec(
            id=JobId(str(manifest["id"])),
            path=shown_path(snapshot, path),
            manifest=manifest,
            yaml=yaml,
            script_file=shown_path(snapshot, script_file) if script_file is not None else None,
            timeout=parse_kanade_duration(execute.text("timeout")) or timedelta(0),
        ),
        document,
    )


def _with_script(execute: Json, body: str) -> Json:
    members = dict(execute) if isinstance(execute, dict) else {}
    del members["script_file"]
    return {**members, "script": body}


def _shaped(value: Json) -> dict[str, Json]:
    """Return a manifest in the shape in which kanade stores it; `origin` is always ours to say."""
    members = value if isinstance(value, dict) else {}
    manifest = {name: item for name, item in members.items() if name != "origin"}
    execute = manifest.get("execute")
    if isinstance(execute, dict):
        manifest["execute"] = {name: item for name, item in execute.items() if name != "kind"}
    client = manifest.get("client")
    if isinstance(client, dict):
        manifest["client"] = _shaped_client(client)
    return manifest


def _shaped_client(client: Mapping[str, Json]) -> dict[str, Json]:
    shaped = dict(client)
    confirm, show_when = shaped.get("confirm"), shaped.get("show_when")
    if isinstance(confirm, bool):
        shaped["confirm"] = {"enabled": confirm}
    if isinstance(show_when, dict) and isinstance(show_when.get("is"), str):
        shaped["show_when"] = {**show_when, "is": [show_when["is"]]}
    return shaped
