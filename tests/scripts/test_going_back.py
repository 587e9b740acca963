"""What becomes of a version that does not run well: the program before it is put back."""

from pathlib import Path

import pytest

from reconciler.lab.service import build_service
from tests.scripts.host import Host
from tests.scripts.package_server import PackageServer

pytestmark = pytest.mark.slow

OLD = build_service("1.0.0")
BROKEN = build_service("2.0.0", broken=True)
SILENT = build_service("2.0.0", delay=60)


def test_a_version_that_does_not_start_gives_way_to_the_one_before_and_its_last_words_are_told(
    watched_host: Host, packages: PackageServer
) -> None:
    watched_host.run("1.0.0")

    done = watched_host.deploy(packages.publish("2.0.0", BROKEN))

    assert (done.returncode, done.stdout) == (15, ""), done.stderr
    assert watched_host.running_image() == OLD
    assert watched_host.program.read_bytes() == OLD
    assert "| kanade-backend 2.0.0: cannot start: this version is broken" in done.stderr
    said = done.stderr.splitlines()[-1]
    assert said.startswith("service did not start: the second start failed: ")
    assert said.endswith("; kanade-backend 1.0.0 is back and runs")


def test_a_version_that_ends_again_and_again_gives_way(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    serving = b"        while True:\n"
    short = b"        import signal\n        signal.setitimer(signal.ITIMER_REAL, 0.2)\n"
    ending = build_service("2.0.0").replace(serving, short + serving, 1)

    done = host.deploy(packages.publish("2.0.0", ending), STABLE_SECONDS="3")

    assert done.returncode == 15, done.stderr
    assert "service did not start: it ended 2 times; " in done.stderr
    assert "\n| kanade-backend 2.0.0 serves port " in done.stderr
    assert host.running_image() == OLD


def test_a_package_that_starts_another_program_gives_way(
    host: Host, packages: PackageServer, tmp_path: Path
) -> None:
    host.run("1.0.0")
    another = tmp_path / "another"
    another.write_bytes(build_service("2.0.0"))
    another.chmod(0o755)
    starter = f'#!/bin/sh\nexec "{another}" "$@"\n'

    done = host.deploy(packages.publish("2.0.0", starter.encode()))

    assert done.returncode == 15, done.stderr
    assert "does not run the installed program; kanade-backend 1.0.0 is back" in done.stderr


def test_a_version_that_does_not_answer_in_time_gives_way(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")

    done = host.deploy(packages.publish("2.0.0", SILENT), START_SECONDS="3")

    assert done.returncode == 15, done.stderr
    assert "/health does not answer; kanade-backend 1.0.0 is back" in done.stderr
    assert host.running_image() == OLD


def test_somebody_elses_answer_at_the_url_is_no_proof(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    masked = build_service("2.0.0").replace(b'{"version": VERSION}', b'{"version": "1.0.0"}')

    done = host.deploy(packages.publish("2.0.0", masked))

    assert done.returncode == 15, done.stderr
    assert '/api/version answers {"version":"1.0.0"}' in done.stderr


def test_a_silent_url_that_nobody_named_and_that_was_silent_before_proves_nothing(
    host: Host, packages: PackageServer, tmp_path: Path
) -> None:
    host.run("1.0.0")
    host.supervisor.stop(host.service)
    nobody = tmp_path / "curl"
    nobody.write_text(
        '#!/bin/sh\ncase "$*" in *8080*) exit 7 ;; *) exec /usr/bin/curl "$@" ;; esac\n'
    )
    nobody.chmod(0o755)

    done = host.deploy(
        packages.publish("2.0.0", SILENT),
        KANADE_BACKEND_URL="",
        PATH=f"{tmp_path}:/usr/bin:/bin",
    )

    assert (done.returncode, host.running_image()) == (0, SILENT), done.stderr


def test_a_failed_deploy_may_be_tried_again_and_ends_the_same_way(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", SILENT)
    host.deploy(package, START_SECONDS="3")

    done = host.deploy(package, START_SECONDS="3")

    assert (done.returncode, host.running_image()) == (15, OLD), done.stderr
    assert host.swaps == ["2.0.0", "2.0.0"]


def test_the_next_version_can_be_deployed_after_a_failed_one(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    host.deploy(packages.publish("2.0.0", SILENT), START_SECONDS="3")
    mended = build_service("2.0.1")

    done = host.deploy(packages.publish("2.0.1", mended))

    assert (done.returncode, host.running_image()) == (0, mended), done.stderr
    assert host.beside("previous").read_bytes() == OLD


def test_when_nothing_runs_any_more_that_is_said(host: Host, packages: PackageServer) -> None:
    host.put(build_service("1.0.0", delay=60))

    done = host.deploy(packages.publish("2.0.0", SILENT), START_SECONDS="3")

    assert done.returncode == 16, done.stderr
    assert "the previous program is back, and does not run either" in done.stderr.splitlines()[-1]


def test_a_program_that_ran_well_once_is_not_replaced_because_it_cannot_start_now(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", build_service("2.0.0"))
    host.deploy(package)
    host.supervisor.stop(host.service)
    host.program.chmod(0o644)

    done = host.deploy(package, START_SECONDS="3")

    assert done.returncode == 16, done.stderr
    assert done.stderr.endswith("; it is the program that was asked for, and is left in place\n")
    assert host.program.read_bytes() == build_service("2.0.0")
