"""A job's manifest, read strictly and written as kanade keeps it.

What may stand where, what is added and in which order is written is data: the schema beside
this file, which is also what the backend hands out.
"""

from importlib.resources import files

import yaml

from reconciler.lab import wire
from reconciler.lab.backend.reader import Reader
from reconciler.lab.backend.source import Unreadable, parse_json, parse_yaml


def manifest_schema() -> wire.Document:
    """Return the JSON Schema of a manifest."""
    text = files("reconciler.lab.backend").joinpath("manifest.schema.json").read_text()
    return wire.document(text)


def read_manifest(body: bytes, *, as_yaml: bool) -> wire.Document:
    """Return the manifest in *body*, whole: every default is filled in.

    Raises:
        Unreadable: a key is unknown, missing or of the wrong kind; the message says where.
    """
    if not as_yaml:
        return Reader(manifest_schema()).read(parse_json(body))
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"YAML body must be UTF-8: {error}") from error
    return Reader(manifest_schema()).read(parse_yaml(text))


def dumped(manifest: wire.Document) -> str:
    """Return the manifest as YAML, for a job that came as JSON."""
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
