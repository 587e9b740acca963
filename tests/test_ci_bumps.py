"""The pipelines that bump, run step by step: only the build and the forge are stood in for."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.source.repository import ENVIRONMENT, git

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "ci"
TAG, BRANCHES = (
    "v0.43.0",
    {"github": "bump-kanade-backend-v0.43.0", "gitlab": "bump-kanade-backend-0.43.0"},
)
RELEASE = """\
apiVersion: kanade-reconciler/v1
kind: Release
name: kanade-backend
version: "0.42.0"
artifact: {url: "https://downloads.example/{version}/kanade-backend", sha256: "%s"}
script: {path: scripts/deploy.sh, object: deploy, knobs: {VERSION: "{version}"}}
job: install
targets: {hosts: [pc-01]}
"""
OTHERS = {
    "scripts/deploy.sh": "#!/bin/sh\nVERSION=''\nset -eu\necho done\n",
    "jobs/install.yaml": "id: install\nexecute: {shell: sh, timeout: 5m}\n",
    "hosts/hosts.yaml": "apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts: [{name: pc-01}]\n",
}
STANDING_IN = {
    "cargo": """\
mkdir -p target/release
date +%N >> ../built
cp ../built target/release/kanade-backend""",
    "pip": ":",
    "reconciler": f'exec "{sys.executable}" -m reconciler "$@"',
    "gh": """\
case "$1 $2" in
  "release view") test -e "$STORE/kanade-backend" ;;
  "release create") for file in "$@"; do :; done; cp "$file" "$STORE/kanade-backend" ;;
  "release download") mkdir published && cp "$STORE/kanade-backend" published/ ;;
  "pr create") git branch --show-current > "$STORE/asked" ;;
esac""",
    "curl": """\
for url in "$@"; do :; done
test "$url" = "https://forge.example/projects/7/packages/generic/kanade-backend/0.43.0/kanade-backend"
case "$*" in
  *--upload-file*) cp target/release/kanade-backend "$STORE/kanade-backend" ;;
  *) cp "$STORE/kanade-backend" published/kanade-backend 2>/dev/null ;;
esac""",
}
"""Programs that a runner has, and this machine need not have."""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """A folder with the fleet's repository and what was published."""

    folder: Path

    @property
    def fleet(self) -> Path:
        return self.folder / "fleet.git"

    @property
    def published(self) -> bytes:
        return (self.folder / "store" / "kanade-backend").read_bytes()

    def run(self, steps: list[str], workspace: Path) -> None:
        """Run *steps* in one shell, as a runner does: it stops at the first that fails."""
        programs = self.folder / "bin"
        address = f"url.{self.fleet}.insteadOf"
        environment = {
            "PATH": f"{programs}:{ENVIRONMENT['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "STORE": str(self.folder / "store"),
            "TAG": TAG,
            "CI_COMMIT_TAG": TAG,
            "CI_API_V4_URL": "https://forge.example",
            "CI_PROJECT_ID": "7",
            "CI_SERVER_HOST": "forge.example",
            "CI_JOB_TOKEN": "job-token",
            "FLEET_TOKEN": "fleet-token",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": address,
            "GIT_CONFIG_VALUE_0": "https://bump:fleet-token@forge.example/example/fleet.git",
        }
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(steps)],
            cwd=workspace,
            env=environment,
            check=True,
        )


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    (tmp_path / "bin").mkdir()
    for name, text in STANDING_IN.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\nset -e\n{text}\n")
        program.chmod(0o755)
    (tmp_path / "store").mkdir()
    seed = tmp_path / "seed"
    files = {"releases/kanade-backend.yaml": RELEASE % ("1" * 64), **OTHERS}
    for name, content in files.items():
        path = seed / "desired-state" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git("init", "--quiet", "--initial-branch=main", str(seed))
    git("add", "--all", folder=seed)
    git("commit", "--quiet", "--message", "Begin", folder=seed)
    git("clone", "--quiet", "--bare", str(seed), str(tmp_path / "fleet.git"))
    git("config", "receive.advertisePushOptions", "true", folder=tmp_path / "fleet.git")
    return Forge(folder=tmp_path)


def github_steps(forge: Forge) -> list[str]:
    """Return the steps of the job; a checkout is a clone, as the action makes one."""
    [job] = yaml.safe_load((EXAMPLES / "github-bump.yml").read_text())["jobs"].values()
    steps = []
    for step in job["steps"]:
        if "path" in step.get("with", {}):
            steps.append(f"git clone --quiet {forge.fleet} {step['with']['path']}")
        elif "run" in step:
            steps.append(f"(cd {step.get('working-directory', '.')}\n{step['run']})")
    return steps


def gitlab_steps(_: Forge) -> list[str]:
    jobs = yaml.safe_load((EXAMPLES / "gitlab-bump.yml").read_text())
    return [line for job in jobs.values() for line in job["script"]]


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_tag_becomes_a_branch_that_asks_for_what_was_published(forge: Forge, kind: str) -> None:
    steps = github_steps(forge) if kind == "github" else gitlab_steps(forge)
    workspace = forge.folder / "workspace"
    workspace.mkdir()

    forge.run(steps, workspace)

    bumped = f"{BRANCHES[kind]}:desired-state/releases/kanade-backend.yaml"
    digest = hashlib.sha256(forge.published).hexdigest()
    assert git("show", bumped, folder=forge.fleet) == (RELEASE % digest).strip().replace(
        '"0.42.0"', '"0.43.0"'
    )
    assert git("log", "-1", "--format=%an %s", BRANCHES[kind], folder=forge.fleet) == (
        "release bot Bump kanade-backend to 0.43.0"
    )
    if kind == "github":
        assert (forge.folder / "store" / "asked").read_text().strip() == BRANCHES[kind]


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_second_build_does_not_change_what_was_published(forge: Forge, kind: str) -> None:
    steps = github_steps(forge) if kind == "github" else gitlab_steps(forge)
    seen: list[bytes] = []
    for name in ("first", "second"):
        workspace = forge.folder / name
        workspace.mkdir()
        forge.run(steps, workspace)
        seen.append(forge.published)
        git("branch", "--delete", "--force", BRANCHES[kind], folder=forge.fleet)

    assert (forge.folder / "built").read_bytes().startswith(seen[0])
    assert len((forge.folder / "built").read_bytes()) > len(seen[0])
    assert seen[0] == seen[1]
