"""A manifest as text that people can compare, without what may be a secret; pure."""

import difflib
from collections.abc import Mapping

import yaml

from reconciler.model.identity import Json
from reconciler.plan.differences import MASK, is_sensitive
from reconciler.plan.manifest import meaning

_CONTEXT = 3


def spelled(manifest: Mapping[str, Json]) -> str:
    """Return *manifest* as YAML, in one order and without kanade's own defaults."""
    return yaml.dump(
        _masked(meaning(manifest)), Dumper=BlockDumper, allow_unicode=True, width=10_000
    )


def compared(old: str, new: str, names: tuple[str, str]) -> tuple[str, ...]:
    """Return a unified diff of two texts that go by *names*."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), *names, lineterm="", n=_CONTEXT
    )
    return tuple(lines)


class BlockDumper(yaml.SafeDumper):
    """Writes a text of several lines, such as a script, line by line."""


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


BlockDumper.add_representer(str, _as_block)


def _masked(value: Json, name: str = "") -> Json:
    if isinstance(value, dict):
        return {key: _masked(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name) for item in value]
    return MASK if value and is_sensitive(name) else value
