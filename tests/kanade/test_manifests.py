"""What the real backend makes of a manifest must not look like drift."""

import json
from pathlib import Path

import pytest

from reconciler.desired.load import load
from reconciler.model.identity import Json
from reconciler.plan.manifest import same_manifest
from tests.support.snapshots import snapshot_of

RECORDED = Path(__file__).parents[1] / "contract" / "data" / "manifests.json"
REFUSED_BY_US = {
    "minimal",
    "version true",
    "version tilde",
    "timeout without unit",
    "timeout in words",
    "empty version",
    "alias",
}
TAKEN = {
    case["name"]: case
    for case in json.loads(RECORDED.read_text())
    if case["status"] == 200 and case["type"] == "application/yaml"
}


def wanted(body: str) -> dict[str, Json]:
    """Return the manifest as our own loader reads it; kanade takes `1` for a text."""
    text = body.replace("version: 1\n", 'version: "1"\n')
    jobs = load(snapshot_of({"jobs/x.yaml": text})).jobs
    return dict(next(iter(jobs.values())).manifest)


def stored(name: str) -> dict[str, Json]:
    return {key: value for key, value in TAKEN[name]["stored"].items() if key != "origin"}


@pytest.mark.parametrize("name", sorted(TAKEN.keys() - REFUSED_BY_US))
def test_what_the_backend_has_stored_is_what_was_wanted(name: str) -> None:
    assert same_manifest(wanted(TAKEN[name]["body"]), stored(name))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("maximal", {"check": {**TAKEN["maximal"]["stored"]["check"], "fleet": False}}),
        ("maximal", {"tags": ["a"]}),
        ("maximal", {"require_approval": False}),
        ("maximal", {"version": "2"}),
        ("strict", {"staleness": {"mode": "cached"}}),
        ("emit", {"emit": None}),
        ("emit", {"execute": {**TAKEN["emit"]["stored"]["execute"], "run_as": "user"}}),
    ],
)
def test_what_somebody_has_changed_is_a_difference(name: str, change: dict[str, Json]) -> None:
    changed = {**stored(name), **change}

    assert not same_manifest(wanted(TAKEN[name]["body"]), changed)
