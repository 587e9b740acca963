"""A job's YAML as it is registered: the repository's text, with what a release fills in."""

from collections.abc import Mapping

from reconciler.desired.edit import set_values
from reconciler.model.identity import Json


def stamp_job(text: str, manifest: Mapping[str, Json]) -> str:
    """Return *text* saying what *manifest* says; its comments and its layout are kept.

    Raises:
        CannotEdit: its layout cannot be edited in place.
    """
    changes: dict[tuple[str, ...], str | Mapping[str, str]] = {
        ("version",): str(manifest["version"])
    }
    execute, origin = manifest.get("execute"), manifest.get("origin")
    if isinstance(execute, dict) and isinstance(execute.get("script_object"), str):
        changes["execute", "script_object"] = str(execute["script_object"])
    if isinstance(origin, dict):
        changes["origin",] = {key: str(value) for key, value in origin.items()}
    return set_values(text, changes)
