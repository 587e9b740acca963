"""The dead-man switch: a deploy that nobody has confirmed in time is undone, by nobody's hand."""

import os
import signal
import time
from dataclasses import replace

import pytest

from reconciler.lab.service import build_service
from tests.scripts.dead_man import KILL_AT, NEW, OLD, assert_back, leftovers, until, watchdogs
from tests.scripts.host import Host, Package, finish
from tests.scripts.package_server import PackageServer

pytestmark = pytest.mark.slow

BROKEN = build_service("2.0.0", broken=True)
SILENT = build_service("2.0.0", delay=60)
"""It runs, so that kanade's boot sentinel has nothing against it, and does not answer."""


@pytest.mark.parametrize("step", ["swapped", "restarted", "settled"])
def test_a_deploy_whose_whole_group_is_killed_is_undone_within_its_time(
    host: Host, packages: PackageServer, step: str
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    seconds = 2
    while True:
        begun = time.monotonic()
        hurried = replace(package, dead_man=str(seconds))
        killed = host.deploy(hurried, KANADE_DEPLOY_HOOK=KILL_AT, STEP=step)
        left = host.program.read_bytes()
        until(lambda: host.program.read_bytes() == OLD, "the old program")
        took = time.monotonic() - begun
        assert_back(host)
        if left == NEW or seconds > 30:
            break
        seconds *= 5  # a busy machine has taken longer than that for the step

    assert (killed.returncode, left) == (-signal.SIGKILL, NEW)
    assert took >= seconds


def test_a_version_that_does_not_start_is_undone_without_the_script(
    watched_host: Host, packages: PackageServer
) -> None:
    watched_host.run("1.0.0")
    package = replace(packages.publish("2.0.0", BROKEN), dead_man="2")
    script = watched_host.begin(package)
    until(lambda: watched_host.running_image() != OLD, "the restart")

    os.killpg(script.pid, signal.SIGKILL)

    finish(script)
    assert_back(watched_host)


@pytest.mark.slow
def test_a_deploy_that_hangs_is_ended_and_undone(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    package = replace(packages.publish("2.0.0", NEW), dead_man="1")
    script = host.begin(package, STABLE_SECONDS="60", START_SECONDS="60")
    host.await_version("2.0.0")

    script.send_signal(signal.SIGSTOP)

    assert finish(script).returncode == -signal.SIGKILL
    assert_back(host)


def test_a_deploy_that_only_takes_too_long_undoes_itself_and_says_so(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    seconds = 1
    while True:
        hurried = replace(package, dead_man=str(seconds))
        ended = host.deploy(hurried, STABLE_SECONDS="120", START_SECONDS="120")
        until(lambda: not watchdogs(host), "the switch to be over")
        host.await_version("1.0.0")
        if host.swaps or seconds > 30:
            break
        seconds *= 5  # a busy machine has not come to the swap

    assert ended.returncode == 128 + signal.SIGTERM
    assert "interrupted: the previous program is back" in ended.stderr


def test_a_confirmed_deploy_stays_and_leaves_nothing_behind(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")

    done = host.deploy(replace(packages.publish("2.0.0", NEW), dead_man="600"))

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    assert_back(host, NEW)


def test_a_failed_deploy_leaves_no_switch_either(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    package = replace(packages.publish("2.0.0", SILENT), dead_man="600")

    done = host.deploy(package, START_SECONDS="3")

    assert done.returncode == 15, done.stderr
    assert_back(host)


def test_a_deploy_killed_before_the_swap_changes_nothing(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    pid = host.pid
    package = replace(packages.publish("2.0.0", NEW), dead_man="1")

    host.deploy(package, KANADE_DEPLOY_HOOK=KILL_AT, STEP="armed")

    until(lambda: not watchdogs(host), "the switch to be over")
    assert (host.pid, host.program.read_bytes()) == (pid, OLD)
    assert leftovers(host) == {"kanade-backend"}


@pytest.mark.parametrize("dead_man", ["600", ""])
def test_the_next_deploy_takes_over_from_the_switch(
    host: Host, packages: PackageServer, dead_man: str
) -> None:
    host.run("1.0.0")
    package = replace(packages.publish("2.0.0", NEW), dead_man="600")
    host.deploy(package, KANADE_DEPLOY_HOOK=KILL_AT, STEP="restarted")
    host.await_version("2.0.0")
    assert watchdogs(host)

    done = host.deploy(replace(package, dead_man=dead_man))

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    assert_back(host, NEW)


@pytest.mark.slow
def test_a_later_deploy_that_is_at_it_is_waited_for(host: Host, packages: PackageServer) -> None:
    """It begins before the switch fires, and is not done by then."""
    host.run("1.0.0")
    package = replace(packages.publish("2.0.0", NEW), dead_man="8")
    host.deploy(package, KANADE_DEPLOY_HOOK=KILL_AT, STEP="restarted")
    host.await_version("2.0.0")

    later = host.deploy(replace(package, dead_man=""), STABLE_SECONDS="10", START_SECONDS="60")

    assert (later.returncode, later.stdout) == (0, "kanade-backend 2.0.0\n"), later.stderr
    assert_back(host, NEW)


def reboot_amid_a_deploy(host: Host, packages: PackageServer) -> Package:
    """Leave what a reboot leaves: a new program that does not answer, and nobody to undo it."""
    host.run("1.0.0")
    package = replace(packages.publish("2.0.0", SILENT), dead_man="600")
    host.deploy(package, KANADE_DEPLOY_HOOK=KILL_AT, STEP="restarted")
    for process in watchdogs(host):
        os.kill(int(process), signal.SIGKILL)
    until(lambda: not watchdogs(host), "the switch to be gone")
    return package


def test_after_a_reboot_the_next_deploy_puts_the_previous_program_back(
    host: Host, packages: PackageServer
) -> None:
    package = reboot_amid_a_deploy(host, packages)

    done = host.deploy(package, START_SECONDS="3")

    assert done.returncode == 15, done.stderr
    assert_back(host)


def test_after_a_reboot_a_person_can_put_the_previous_program_back(
    host: Host, packages: PackageServer
) -> None:
    """As docs/how-to/gateway.md says it; a later deploy takes no notice of what was left."""
    reboot_amid_a_deploy(host, packages)

    host.beside("previous").replace(host.program)
    host.supervisor.stop(host.service)
    host.start_and_wait()

    assert host.running_image() == OLD
    assert host.deploy(packages.publish("2.0.1", build_service("2.0.1"))).returncode == 0


def test_without_the_knob_there_is_no_switch(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)

    host.deploy(package, KANADE_DEPLOY_HOOK=KILL_AT, STEP="restarted")

    assert watchdogs(host) == []
    assert leftovers(host) == {"unproved"}


@pytest.mark.parametrize("seconds", ["x", "0", "-1", "1m", "010", "'1 2'"])
def test_what_is_no_number_of_seconds_is_refused(
    host: Host, packages: PackageServer, seconds: str
) -> None:
    host.run("1.0.0")

    done = host.deploy(replace(packages.publish("2.0.0", NEW), dead_man=seconds))

    assert (done.returncode, host.swaps) == (2, [])
    assert done.stderr == f"DEAD_MAN_SECONDS: {seconds.strip(chr(39))} is no number of seconds\n"
