"""The smallest whole desired state: one tool, its probe, and a few hosts, as commits."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model.identity import Revision
from reconciler.model.snapshot import Snapshot
from tests.support.snapshots import COMMIT, snapshot_of

_RELEASE = """\
apiVersion: kanade-reconciler/v1
kind: Release
name: tool
version: "{version}"
artifact: {{path: artifacts/tool, sha256: "{sha256}"}}
script:
  path: scripts/deploy.sh
  object: deploy-tool
  knobs: {{VERSION: "{{version}}", TOKEN: {{secret: tool-token}}}}
job: install-tool
targets: {{labels: {{role: tool}}}}
verify: {{probe: {{job: probe-tool, every: 24h}}}}
rollout: {{max_in_flight: 10}}
"""

_DEPLOY = """\
#!/bin/sh
VERSION=''
TOKEN=''
set -eu
main() {
    echo "tool $VERSION"
}
main
"""

_INSTALL = "id: install-tool\nexecute: {shell: sh, timeout: 300s, run_as: system}\n"
_PROBE = """\
id: probe-tool
version: "1"
execute: {shell: sh, script: "echo tool absent", timeout: 30s, run_as: system}
"""


def binary_of(version: str) -> bytes:
    """Return the bytes of a version of the tool."""
    return f"the tool, version {version}\n".encode() * 100


def files(version: str, hosts: Sequence[str] = ("pc-01", "pc-02")) -> dict[str, str | bytes]:
    """Return the files of a commit that asks for *version* on *hosts*."""
    sha256 = hashlib.sha256(binary_of(version)).hexdigest()
    lines = "".join(f"  - {{name: {host}, labels: {{role: tool}}}}\n" for host in hosts)
    return {
        "releases/tool.yaml": _RELEASE.format(version=version, sha256=sha256),
        "artifacts/tool": binary_of(version),
        "scripts/deploy.sh": _DEPLOY,
        "jobs/install-tool.yaml": _INSTALL,
        "jobs/probe-tool.yaml": _PROBE,
        "hosts/fleet.yaml": f"apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts:\n{lines}",
    }


def commit(
    version: str,
    hosts: Sequence[str] = ("pc-01", "pc-02"),
    changes: Mapping[str, str | bytes] | None = None,
) -> Snapshot:
    """Return a commit that asks for *version* on *hosts*, with some files as in *changes*."""
    content = {**files(version, hosts), **(changes or {})}
    snapshot = snapshot_of(content)
    named = sorted(
        (path, hashlib.sha256(_bytes(text)).hexdigest()) for path, text in content.items()
    )
    revision = Revision(hashlib.sha1(repr(named).encode(), usedforsecurity=False).hexdigest())
    return replace(
        snapshot, commit=replace(COMMIT, revision=revision, subject=f"Ask for tool {version}")
    )


def broken_commit() -> Snapshot:
    """Return a commit with a fault that a person would make."""
    text = str(files("9.9.9")["releases/tool.yaml"]).replace('"9.9.9"', "1.10")
    return commit("9.9.9", changes={"releases/tool.yaml": text})


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
