"""The way from the manual procedure: its files are loaded and planned as they stand there."""

import re
from pathlib import Path

import yaml

from reconciler.desired.load import load
from reconciler.model.action import ExecJob
from reconciler.model.observed import Observed, Rendered
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON
from tests.support.snapshots import snapshot_of

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"```yaml[^\n]*\n(.*?)```", re.DOTALL)
_NAMES = (
    "jobs/install-kanade-backend.yaml",
    "releases/kanade-backend.yaml",
    "hosts/hosts.yaml",
    "jobs/version-kanade-backend.yaml",
)


def blocks() -> list[str]:
    return _BLOCK.findall((ROOT / "examples/migration/README.md").read_text())


def test_the_files_of_the_new_way_are_valid_and_planned() -> None:
    _, *after = blocks()
    scripts = {
        f"scripts/{name}.ps1": (ROOT / f"desired-state/scripts/{name}.ps1").read_bytes()
        for name in ("deploy-backend", "probe-backend")
    }

    desired = load(snapshot_of({**dict(zip(_NAMES, after, strict=True)), **scripts}))

    assert desired.notes == ()
    rendered = {
        (item.name, item.fingerprint): Rendered(digest=builders.digest_of("script"), size_bytes=1)
        for item in desired.releases
    }
    observed = Observed(hosts=builders.online(*desired.hosts), rendered=rendered)
    found = plan(desired, observed, NOON, Terms())
    assert [step.action.key for step in found.steps]
    assert not [step for step in found.steps if isinstance(step.action, ExecJob)]


def test_the_job_is_the_old_one_without_what_a_bump_changes() -> None:
    before, after, *_ = map(yaml.safe_load, blocks())

    del before["version"], before["execute"]["script_object"]
    assert after == before
