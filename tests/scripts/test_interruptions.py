"""A deploy that is killed at any instant, and what the next one makes of it."""

import os
import random
import signal
import subprocess

import pytest

from reconciler.lab.service import build_service
from tests.scripts.host import COUNT_SWAPS, Host, finish
from tests.scripts.package_server import PackageServer

pytestmark = pytest.mark.slow

OLD, NEW = build_service("1.0.0"), build_service("2.0.0")
SILENT = build_service("2.0.0", delay=60)
STEPS = ["downloaded", "checked", "kept", "swapped", "restarted", "settled"]
HOLD = 'if [ "$1" = "$STEP" ]; then touch "$SWAPS.$STEP"; sleep 100; fi'


def kill(script: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Signal a script and all of its children, as an agent does."""
    os.killpg(script.pid, number)


@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_after_a_step_is_completed_by_the_next(
    host: Host, packages: PackageServer, step: str
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    suicide = f'{COUNT_SWAPS}; if [ "$1" = {step} ]; then kill -KILL 0; fi'
    assert host.deploy(package, KANADE_DEPLOY_HOOK=suicide).returncode == -signal.SIGKILL

    done = host.deploy(package)

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    assert host.running_image() == NEW
    assert host.beside("previous").read_bytes() == OLD
    assert host.swaps == ["2.0.0"]
    assert len(packages.requests) == 1
    assert not (host.staging / "unproved").exists()


def test_runs_killed_at_any_time_never_leave_the_service_down_and_end_well(
    host: Host, packages: PackageServer
) -> None:
    chance = random.Random(20261123)
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    for _ in range(12):
        script = host.begin(package)
        try:
            script.wait(chance.uniform(0, 0.9))
        except subprocess.TimeoutExpired:
            kill(script, signal.SIGKILL)
        finish(script)
        host.await_version("1.0.0", "2.0.0")

    done = host.deploy(package)

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert len(host.swaps) <= 1


def test_a_run_killed_in_the_middle_of_a_restart_leaves_a_service_that_comes_up(
    host: Host, packages: PackageServer
) -> None:
    host.put(slow_to_stop("1.0.0"))
    host.start_and_wait()
    script = host.begin(packages.publish("2.0.0", NEW))
    host.await_state("STOPPING")

    kill(script, signal.SIGKILL)

    finish(script)
    host.await_version("2.0.0")


def slow_to_stop(version: str) -> bytes:
    """Return a service that takes a second to end."""
    patience = b"import signal\nsignal.signal(15, lambda *_: (time.sleep(1), os._exit(0)))\n\n"
    return build_service(version).replace(b"def main(", patience + b"def main(")


@pytest.mark.parametrize("step", ["swapped", "restarted"])
def test_a_run_that_is_told_to_end_puts_the_previous_program_back(
    host: Host, packages: PackageServer, step: str
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    script = host.begin(package, KANADE_DEPLOY_HOOK=HOLD, STEP=step)
    host.await_file(host.swaps_file.with_name(f"swaps.{step}"))

    kill(script, signal.SIGTERM)

    done = finish(script)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "")
    assert "interrupted: the previous program is back" in done.stderr
    host.await_version("1.0.0")
    assert host.program.read_bytes() == OLD
    again = host.deploy(package)
    assert (again.returncode, host.running_image()) == (0, NEW), again.stderr


def test_a_run_that_is_told_to_end_before_the_swap_touches_nothing(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    pid = host.pid
    script = host.begin(packages.publish("2.0.0", NEW), KANADE_DEPLOY_HOOK=HOLD, STEP="kept")
    host.await_file(host.swaps_file.with_name("swaps.kept"))

    kill(script, signal.SIGTERM)

    assert finish(script).returncode == 128 + signal.SIGTERM
    assert (host.pid, host.program.read_bytes()) == (pid, OLD)


@pytest.mark.parametrize("step", ["swapped", "restarted"])
def test_a_bad_version_that_nobody_proved_is_recognised_by_the_next_run(
    host: Host, packages: PackageServer, step: str
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", SILENT)
    suicide = f'if [ "$1" = {step} ]; then kill -KILL 0; fi'
    host.deploy(package, KANADE_DEPLOY_HOOK=suicide)

    done = host.deploy(package, START_SECONDS="3")

    assert done.returncode == 15, done.stderr
    assert host.running_image() == OLD


def test_a_version_that_nobody_proved_never_becomes_the_one_to_go_back_to(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    suicide = 'if [ "$1" = restarted ]; then kill -KILL 0; fi'
    host.deploy(packages.publish("2.0.0", NEW), KANADE_DEPLOY_HOOK=suicide)
    host.await_version("2.0.0")
    silent = build_service("3.0.0", delay=60)

    done = host.deploy(packages.publish("3.0.0", silent), START_SECONDS="3")

    assert done.returncode == 15, done.stderr
    assert host.running_image() == OLD
    assert host.beside("last-good").read_bytes() == OLD


def test_a_version_taken_back_on_disk_alone_is_started_when_it_is_asked_for(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    suicide = 'if [ "$1" = restarted ]; then kill -KILL 0; fi'
    host.deploy(packages.publish("2.0.0", NEW), KANADE_DEPLOY_HOOK=suicide)

    done = host.deploy(packages.publish("1.0.0", OLD))

    assert (done.returncode, done.stdout) == (0, "kanade-backend 1.0.0\n"), done.stderr
    assert host.running_image() == OLD


def test_two_runs_at_once_swap_once_and_both_tell_the_truth(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)

    scripts = [host.begin(package) for _ in range(2)]
    ends = [finish(script) for script in scripts]

    assert [end.stdout for end in ends] == ["kanade-backend 2.0.0\n"] * 2, ends
    assert host.swaps == ["2.0.0"]
    assert host.running_image() == NEW
