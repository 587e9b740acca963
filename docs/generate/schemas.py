"""What files may say, off the JSON Schemas that check them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from docs.generate.markdown import code, table
from reconciler.model.identity import Json

_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
_HEADERS = ("key", "what it is", "default", "example")
_Schema: TypeAlias = Mapping[str, Json]


def desired_state() -> str:
    """Return the page on the files of the repository."""
    head = (
        "# Desired state\n\nA folder of a git repository with `releases/`, `jobs/`, `hosts/` and "
        "`scripts/`; other folders are left alone. `reconciler validate` checks it, and so does an "
        "editor with yaml-language-server: see the first line of each file of our sample.\n\n"
    )
    return head + "\n".join(_page(name) for name in ("release", "job", "hosts"))


def settings() -> str:
    """Return the page on `reconciler.toml`."""
    head = (
        "# Settings\n\n`reconciler.toml`, or the file that `--config` names. Any of them may be "
        "given by the environment, `RECONCILER_SOURCE__URL=...`, and by `--set source.url=...`, "
        "which is stronger.\n\n"
    )
    return head + _page("settings", level=0)


def _page(name: str, level: int = 2) -> str:
    schema = cast("_Schema", json.loads((_SCHEMAS / f"{name}.schema.json").read_text("utf-8")))
    title = f"{'#' * level} {schema['title']}\n\n" if level else ""
    rows = _rows(schema, schema, "")
    return f"{title}{schema.get('description', '')}\n\n{table(_HEADERS, rows)}"


def _rows(node: _Schema, root: _Schema, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    required = cast("list[str]", node.get("required", []))
    properties = cast("Mapping[str, _Schema]", node.get("properties", {}))
    for name, plain in properties.items():
        found = _resolved(plain, root)
        key = f"{prefix}{name}"
        default = _shown(found["default"]) if "default" in found else ""
        needed = "*required*" if name in required else code(default)
        example = _example(plain) or _example(found)
        yield code(key), str(found.get("description", "")), needed, code(example)
        yield from _inner(found, root, key)


def _inner(found: _Schema, root: _Schema, key: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows of what is inside: of a table, of a list's items, of a map's values."""
    yield from _rows(found, root, f"{key}.")
    for name, suffix in (("items", "[]."), ("additionalProperties", ".*.")):
        inside = found.get(name)
        if isinstance(inside, dict):
            yield from _rows(_resolved(inside, root), root, f"{key}{suffix}")


def _resolved(node: _Schema, root: _Schema) -> _Schema:
    reference = node.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/$defs/"):
        return node
    definitions = cast("Mapping[str, _Schema]", root["$defs"])
    return {**_resolved(definitions[reference.removeprefix("#/$defs/")], root), **node}


def _example(node: _Schema) -> str:
    examples = node.get("examples")
    return _shown(examples[0]) if isinstance(examples, list) and examples else ""


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
