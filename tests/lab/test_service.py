"""The program that embedded hosts run, by itself and without any fleet."""

import contextlib
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.lab.ports import free_port
from reconciler.lab.service import build_service

Start = Callable[[bytes], "Running"]


class Running:
    """A service that was started from a file of its own."""

    def __init__(self, process: subprocess.Popen[str], program: Path, port: int) -> None:
        self.process = process
        self.program = program
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> tuple[str, str]:
        """Return the content type and body of an answer, once there is one."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                    return answer.headers["Content-Type"], answer.read().decode()
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
            time.sleep(0.01)

    def images(self) -> list[bytes]:
        """Return the bytes of every open file that once was the program."""
        names = {str(self.program), f"{self.program} (deleted)"}
        found: list[bytes] = []
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a connection that has just ended
                if str(link.readlink()) in names:
                    found.append(link.read_bytes())
        return found


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder of the boot sentinel."""
    return tmp_path / "state"


@pytest.fixture
def start(tmp_path: Path, state: Path) -> Iterator[Start]:
    """Starts services and ends them."""
    started: list[Running] = []

    def start_one(service: bytes) -> Running:
        program = install(tmp_path / "a folder" / "kanade-backend", service)
        port = free_port()
        environment = {"KANADE_SERVICE_PORT": str(port), "KANADE_AGENT_DATA_DIR": str(state)}
        process = subprocess.Popen([program], env=environment, stderr=subprocess.PIPE, text=True)
        started.append(Running(process, program, port))
        return started[-1]

    yield start_one
    for running in started:
        running.process.kill()
        running.process.communicate()


def install(program: Path, service: bytes) -> Path:
    """Put *service* in place as a deploy does: in one rename."""
    program.parent.mkdir(exist_ok=True)
    fresh = program.with_suffix(".fresh")
    fresh.write_bytes(service)
    fresh.chmod(0o755)
    return fresh.replace(program)


def ask(program: Path, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the program's commands."""
    environment = {"KANADE_AGENT_DATA_DIR": str(state)}
    return subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_it_tells_its_version_as_the_real_one_does(tmp_path: Path, state: Path) -> None:
    program = install(tmp_path / "kanade-backend", build_service("0.101.0"))

    assert ask(program, "--version", state=state).stdout == "kanade-backend 0.101.0\n"


def test_a_word_it_does_not_know_is_refused_and_serves_nothing(tmp_path: Path, state: Path) -> None:
    program = install(tmp_path / "kanade-backend", build_service("1.0.0"))

    answer = ask(program, "nonsense", state=state)

    assert answer.returncode == 2
    assert answer.stderr == "error: unrecognized subcommand 'nonsense'\n"


def test_it_answers_as_the_real_one_was_captured(start: Start) -> None:
    running = start(build_service("0.101.0"))

    assert running.get("/health") == ("text/plain; charset=utf-8", "ok")
    assert running.get("/api/version") == ("application/json", '{"version":"0.101.0"}')


def test_a_client_that_says_nothing_keeps_the_others_waiting_only_for_a_while(start: Start) -> None:
    running = start(build_service("1.0.0"))
    running.get("/health")

    with socket.create_connection(("127.0.0.1", running.port)) as silent:
        assert running.get("/health")[1] == "ok"
        assert silent.recv(1) == b""


def test_it_holds_its_own_bytes_open_after_they_were_replaced(start: Start) -> None:
    service = build_service("1.0.0")
    running = start(service)
    running.get("/health")

    install(running.program, build_service("2.0.0"))

    assert running.images() == [service]


def test_no_two_versions_share_their_bytes_and_one_version_has_the_same() -> None:
    assert build_service("1.0.0") != build_service("1.0.1")
    assert build_service("1.0.0") == build_service("1.0.0")


def test_a_version_cannot_smuggle_code_into_the_program(tmp_path: Path, state: Path) -> None:
    version = "1\"; raise SystemExit(9)  # '\\\n"
    program = install(tmp_path / "kanade-backend", build_service(version))

    assert ask(program, "--version", state=state).stdout == f"kanade-backend {version}\n"


def test_a_broken_one_tells_its_version_and_does_not_start(start: Start, state: Path) -> None:
    running = start(build_service("2.0.0", broken=True))

    _, stderr = running.process.communicate(timeout=60)

    assert running.process.returncode == 1
    assert "kanade-backend 2.0.0: cannot start" in stderr
    assert ask(running.program, "-V", state=state).stdout == "kanade-backend 2.0.0\n"


def test_a_slow_one_answers_only_after_its_delay(start: Start) -> None:
    began = time.monotonic()
    start(build_service("1.0.0", delay=0.3)).get("/health")

    assert time.monotonic() - began > 0.3


def test_a_quarantined_version_is_refused_with_exit_code_three(tmp_path: Path, state: Path) -> None:
    program = install(tmp_path / "kanade-backend", build_service("2.0.0"))
    state.mkdir()
    (state / ".boot-quarantine-kanade-backend.json").write_text('{"versions":["2.0.0"]}')

    assert ask(program, "check-quarantine", "2.0.0", state=state).returncode == 3
    assert ask(program, "check-quarantine", "2.0.1", state=state).returncode == 0


def test_arming_snapshots_the_installed_program(tmp_path: Path, state: Path) -> None:
    installed = install(tmp_path / "kanade-backend", build_service("1.0.0"))
    staged = install(tmp_path / "staged" / "kanade-backend", build_service("2.0.0"))

    assert ask(staged, "arm-for-swap", "2.0.0", str(installed), state=state).returncode == 0

    last_good = tmp_path / "kanade-backend.last-good"
    assert last_good.read_bytes() == build_service("1.0.0")
    assert last_good.stat().st_mode & 0o111


def test_the_fourth_boot_of_a_broken_version_brings_the_last_good_back(
    tmp_path: Path, state: Path
) -> None:
    old, new = build_service("1.0.0"), build_service("2.0.0", broken=True)
    program = install(tmp_path / "kanade-backend", old)
    ask(program, "arm-for-swap", "2.0.0", str(program), state=state)
    install(program, new)

    boots = [ask(program, state=state).returncode for _ in range(4)]

    assert boots == [1, 1, 1, 1]
    assert program.read_bytes() == old
    quarantine = json.loads((state / ".boot-quarantine-kanade-backend.json").read_text())
    assert quarantine == {"versions": ["2.0.0"]}


def test_three_failed_boots_are_no_reason_to_go_back(tmp_path: Path, state: Path) -> None:
    program = install(tmp_path / "kanade-backend", build_service("1.0.0"))
    ask(program, "arm-for-swap", "2.0.0", str(program), state=state)
    broken = build_service("2.0.0", broken=True)
    install(program, broken)

    for _ in range(3):
        ask(program, state=state)

    assert program.read_bytes() == broken


def test_one_that_was_replaced_while_it_started_runs_what_took_its_place(start: Start) -> None:
    new = build_service("2.0.0")
    running = start(build_service("1.0.0", delay=0.1))
    install(running.program, new)

    version = running.get("/api/version")[1]

    assert running.images() == [new if "2.0.0" in version else build_service("1.0.0", delay=0.1)]
