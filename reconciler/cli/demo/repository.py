"""The demo's git repository: our own sample of a desired state, made quick."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.cli.data import data_folder
from reconciler.cli.demo.claims import DemoFailed
from reconciler.desired.edit import set_values

RELEASE = "kanade-backend"
_AUTHOR = {
    "GIT_AUTHOR_NAME": "Mika",
    "GIT_AUTHOR_EMAIL": "mika@example.com",
    "GIT_COMMITTER_NAME": "Mika",
    "GIT_COMMITTER_EMAIL": "mika@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A clone with a work tree, as an operator has one."""

    def __init__(self, folder: Path, builds: Path) -> None:
        self.folder = folder
        self.state = folder / "desired-state"
        self.builds = builds
        self.digest = ""
        """The sha256 of the last binary that was committed."""
        self._release = self.state / "releases" / f"{RELEASE}.yaml"
        self._job = self.state / "jobs" / f"install-{RELEASE}.yaml"

    def create(self, hosts: Sequence[str], source_url: str) -> None:
        """Copy the sample, point it at the demo's fleet, and make it a repository."""
        shutil.copytree(data_folder("desired-state"), self.state)
        self.builds.mkdir(parents=True)
        lines = "".join(
            f"  - {{name: {host}, labels: {{role: backend, machine: demo}}}}\n" for host in hosts
        )
        head = "apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts:\n"
        (self.state / "hosts" / "fleet.yaml").write_text(head + lines, "utf-8")
        text = self._release.read_text("utf-8")
        text = text.replace("every: 24h", "every: 5s").replace("soak: 5m", "soak: 1s")
        text = text.replace("max_in_flight: 1", "max_in_flight: 3")
        text = set_values(text, {("script", "knobs", "AGENT_SOURCE_URL"): source_url})
        text = text.replace("  object: deploy", "  allow_loopback: true\n  object: deploy")
        self._release.write_text(text, "utf-8")
        self.require_approval(wanted=False)
        self._git("init", "--quiet", "--initial-branch=main")

    def require_approval(self, *, wanted: bool) -> None:
        """Shut or open the gate in the job, without committing it."""
        text = self._job.read_text("utf-8")
        old, new = ("false", "true") if wanted else ("true", "false")
        changed = text.replace(f"require_approval: {old}", f"require_approval: {new}")
        self._job.write_text(changed, "utf-8")

    def edit(self, old: str, new: str) -> None:
        """Write *new* for *old* in the release, without committing it.

        Raises:
            DemoFailed: the release does not say *old*.
        """
        text = self._release.read_text("utf-8")
        if old not in text:
            raise DemoFailed(f"{self._release.name} does not say {old!r}")
        self._release.write_text(text.replace(old, new), "utf-8")

    def bump(self, version: str, binary: bytes, message: str) -> str:
        """Build *version*, name it in the release, commit that, and return the revision."""
        (self.builds / RELEASE).write_bytes(binary)
        self.digest = hashlib.sha256(binary).hexdigest()
        text = self._release.read_text("utf-8")
        edited = set_values(text, {("version",): version, ("artifact", "sha256"): self.digest})
        self._release.write_text(edited, "utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self._git("rev-parse", "HEAD").strip()

    def committed(self) -> str:
        """Return what git says of the release."""
        return self._git("show", f"HEAD:{self._release.relative_to(self.folder).as_posix()}")

    def _git(self, *arguments: str) -> str:
        environment: Mapping[str, str] = {**os.environ, **_AUTHOR}
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(  # noqa: S603 (our own arguments)
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise DemoFailed(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout
