"""The demo's scenarios, as a person starts them: all that they claim holds, nothing is left."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.command_line import execute
from tests.support.processes import SECONDS, started

pytestmark = pytest.mark.slow


def play(scenario: str, folder: Path) -> dict[str, object]:
    """Play it with *folder* as the only place for temporary files, and return its figures."""
    done = execute(
        "demo", "--scenario", scenario, "-o", "json",
        environment={"TMPDIR": str(folder)}, patience=600,
    )  # fmt: skip
    assert done.code == 0, done
    assert list(folder.iterdir()) == []
    assert not processes_of(folder)
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


def assert_short(told: dict[str, object]) -> None:
    """It is promised to take less than a minute; starting the fleet is not counted in `seconds`."""
    assert isinstance(told["seconds"], float | int)
    assert told["seconds"] < 60


def processes_of(folder: Path) -> list[str]:
    """Return the command lines that still name *folder*."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and path.parent.name != str(os.getpid()):
            lines.append(line)
    return lines


def test_the_tour_ends_on_the_second_version(tmp_path: Path) -> None:
    told = play("tour", tmp_path)

    assert told["converged"] is True
    assert told["failures_explained"] == 1


@pytest.mark.parametrize("moment", [b"starting NATS", b"== A commit bumps"])
def test_told_to_end_it_leaves_nothing_behind(tmp_path: Path, moment: bytes) -> None:
    with started(["demo"], {"TMPDIR": str(tmp_path)}) as process:
        assert process.stdout is not None
        while moment not in (line := process.stdout.readline()):
            assert line, "it has ended by itself"
        process.send_signal(signal.SIGTERM)

        _, err = process.communicate(timeout=SECONDS)

    assert (process.returncode, err.splitlines()[-1]) == (130, b"interrupted")
    assert list(tmp_path.iterdir()) == []
    assert not processes_of(tmp_path)


def test_a_rollback_touches_half_of_the_hosts_at_most(tmp_path: Path) -> None:
    told = play("rollback", tmp_path)
    assert_short(told)

    touched, quarantined = told["hosts_touched"], told["quarantined"]
    assert isinstance(touched, list)
    assert isinstance(quarantined, list)
    assert touched[0] == "backend-01"
    assert len(touched) <= 3
    assert told["rolled_back"] == touched
    assert [item["version"] for item in quarantined] == ["0.43.0"]
    assert told["mended"] is True


def test_an_approval_needs_two_people_and_is_void_after_a_change(tmp_path: Path) -> None:
    told = play("approval", tmp_path)
    assert_short(told)

    assert told["approvers"] == ["mika@example.com", "aki@example.com"]
    assert (told["converged"], told["void_after_a_change"]) == (True, True)


def test_waves_keep_their_order_and_their_window(tmp_path: Path) -> None:
    told = play("waves", tmp_path)
    assert_short(told)

    order = told["order"]
    assert isinstance(order, list)
    assert order[0] == "backend-01"
    assert {*order[1:3]} == {"backend-02", "backend-03"}
    assert order[6] == "backend-07"
    assert told["most_in_flight"] in {1, 2}
    assert told["converged"] is True
