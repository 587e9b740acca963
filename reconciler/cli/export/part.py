"""A part of what is exported; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from reconciler.model.identity import Json
from reconciler.status.manifest_text import BlockDumper

DRAFTS = "drafts"
"""A folder that nobody reads a desired state from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Files by their path in the folder, and what a person should know of them."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


def spelled(value: Json) -> str:
    """Return *value* as YAML that people like to read."""
    return yaml.dump(value, Dumper=BlockDumper, sort_keys=False, allow_unicode=True, width=100)


def as_comment(text: str) -> str:
    """Return *text* as lines that YAML passes over."""
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())
