"""Whether a release may go from what its file says to another version: what a bump refuses."""

from pathlib import Path

from reconciler.desired.node import Node, find
from reconciler.desired.yaml_source import read_yaml
from reconciler.errors import UsageError
from reconciler.model.identity import Version
from reconciler.model.version import is_older

_NO_DIGEST = "0" * 64
"""What `init` writes where it has no file yet."""


def require_forward(text: str, file: Path, version: Version, sha256: str) -> None:
    """See that the controller would not refuse *version* for what *text* asks for now.

    Raises:
        UsageError: it is an older one, or the same with other bytes.
    """
    document = read_yaml(text.encode(), str(file)).document
    if document is None:
        return
    old, digest = (_said(document.root, *way) for way in (("version",), ("artifact", "sha256")))
    if is_older(version, Version(old)) and _said(document.root, "allow_downgrade") != "true":
        raise UsageError(
            f"{file}: {version} is older than {old}, and the controller would refuse it: say "
            "`allow_downgrade: true` in the file, or go back by: reconciler rollback"
        )
    if version == old and digest not in ("", _NO_DIGEST, sha256):
        raise UsageError(
            f"{file}: it asks for {version} with another sha256 already, and a version's bytes "
            "never change: call these bytes another version"
        )


def _said(root: Node, *way: str) -> str:
    found = find(root, way)
    return found.text if found is not None and isinstance(found.text, str) else ""
