"""A host as the deploy scripts find it: a folder, a supervised service, an environment."""

import contextlib
import hashlib
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.lab.service import build_service
from tests.scripts.supervisor import BIN, Service, Supervisor

SCRIPTS = Path(__file__).parents[2] / "desired-state" / "scripts"
COUNT_SWAPS = 'if [ "$1" = swapped ]; then echo "$2" >>"$SWAPS"; fi'


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a deploy is told to bring."""

    version: str
    sha256: str
    url: str
    token: str = ""
    dead_man: str = ""
    """Seconds until the dead-man switch; without them there is none."""

    def render(self, script: str) -> str:
        """Return *script* with its knobs set, as the publisher does it."""
        knobs = {"URL": self.url, "VERSION": self.version, "SHA256": self.sha256}
        for name, value in {**knobs, "AUTH_TOKEN": self.token}.items():
            blank = f"AGENT_SOURCE_{name}=''\n"
            assert script.count(blank) == 1, f"knob {name}"
            script = script.replace(blank, f"AGENT_SOURCE_{name}={shlex.quote(value)}\n")
        return script.replace("DEAD_MAN_SECONDS=''\n", f"DEAD_MAN_SECONDS={self.dead_man}\n", 1)


@dataclass(frozen=True, kw_only=True)
class Host:
    """One host; its service is not installed at first."""

    service: Service
    supervisor: Supervisor
    swaps_file: Path
    shell: str = "dash"

    @property
    def program(self) -> Path:
        """The installed program."""
        return self.service.program

    @property
    def staging(self) -> Path:
        """Where the deploy script keeps what is not yet, or no longer, installed."""
        return self.program.parent / ".kanade-backend.deploy"

    def beside(self, suffix: str) -> Path:
        """Return the file that is kept beside the installed program."""
        return Path(f"{self.program}.{suffix}")

    @property
    def swaps(self) -> list[str]:
        """The versions that were swapped in, in order."""
        return self.swaps_file.read_text().split() if self.swaps_file.exists() else []

    @property
    def pid(self) -> int:
        """The service's process, 0 when it does not run."""
        return self.supervisor.pid(self.service)

    def running_version(self) -> str | None:
        """Return the version that the process in charge was started from."""
        image = self.running_image()
        return None if image is None else image.split(b"VERSION = '")[1].split(b"'")[0].decode()

    def running_image(self) -> bytes | None:
        """Return the bytes that the service runs; `None` when it does not."""
        with contextlib.suppress(OSError):  # it ends while it is being looked at
            for link in Path(f"/proc/{self.pid}/fd").iterdir():
                if str(link.readlink()).startswith(str(self.program)):
                    return link.read_bytes()
        return None

    def put(self, content: bytes) -> None:
        """Install a program in one rename, without touching the service."""
        self.program.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.program.with_suffix(".fresh")
        fresh.write_bytes(content)
        fresh.chmod(0o755)
        fresh.replace(self.program)

    def run(self, version: str) -> None:
        """Install a good service, start it, and wait until it answers."""
        self.put(build_service(version))
        self.start_and_wait()

    def start_and_wait(self) -> None:
        """Start what is installed, and wait until it answers."""
        self.supervisor.start(self.service)
        _await(self._answers, f"{self.service.name} answering")

    def start_compiled(self) -> None:
        """Start what is installed, and wait until the kernel has loaded it."""
        self.supervisor.start(self.service)
        _await(lambda: Path(f"/proc/{self.pid}/exe").readlink() == self.program, "a running image")

    def await_file(self, file: Path) -> None:
        """Wait until a hook has made *file*."""
        _await(file.exists, str(file))

    def await_state(self, state: str) -> None:
        """Wait until supervisord calls the service's state *state*."""
        _await(lambda: self.supervisor.state(self.service) == state, state)

    def await_version(self, *versions: str) -> None:
        """Wait until the service runs one of *versions*."""
        _await(lambda: self.running_version() in versions, f"running {versions}")

    def _answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.service.port)) == 0

    def environment(self, **more: str) -> dict[str, str]:
        """Return what an agent hands to its jobs: its own data folder is the wrong one."""
        return {
            "PATH": os.environ["PATH"],
            "KANADE_AGENT_DATA_DIR": str(self.program.parents[1] / "agent"),
            "KANADE_BACKEND_HOME": str(self.program.parents[1]),
            "KANADE_BACKEND_PROGRAM": self.service.name,
            "KANADE_BACKEND_URL": f"http://127.0.0.1:{self.service.port}",
            "SUPERVISOR_CONFIG": str(self.supervisor.configuration),
            "SUPERVISORCTL": str(BIN / "supervisorctl"),
            "KANADE_DEPLOY_HOOK": COUNT_SWAPS,
            "SWAPS": str(self.swaps_file),
            "START_SECONDS": "60",
            "STABLE_SECONDS": "0",
            "POLL_SECONDS": "0.05",
            **more,
        }

    def begin(self, package: Package, **more: str) -> "subprocess.Popen[str]":
        """Start the deploy script as an agent does: in a session of its own, by `sh -c`."""
        script = package.render((SCRIPTS / "deploy-backend.sh").read_text())
        return self._begin([self.shell, "-c", script], more)

    def deploy(self, package: Package, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run the deploy script to its end."""
        return finish(self.begin(package, **more))

    def probe(self, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run the probe script."""
        script = (SCRIPTS / "probe-backend.sh").read_text()
        return finish(self._begin([self.shell, "-c", script], more))

    def _begin(self, argv: list[str], more: Mapping[str, str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            argv,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def finish(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    """Wait for a script's end."""
    stdout, stderr = process.communicate(timeout=180)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _await(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def sha256(content: bytes) -> str:
    """Return the digest as the knobs spell it."""
    return hashlib.sha256(content).hexdigest()
