"""What a deploy does to a host when all goes well."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reconciler.lab.service import build_service
from tests.scripts.host import SCRIPTS, Host, finish, sha256
from tests.scripts.hosts import Hosts
from tests.scripts.package_server import TOKEN, PackageServer, serving

OLD, NEW = build_service("1.0.0"), build_service("2.0.0")


@dataclass(frozen=True)
class Upgraded:
    """A host after a deploy from 1.0.0 to 2.0.0, and what the script said."""

    host: Host
    done: "subprocess.CompletedProcess[str]"


@pytest.fixture(scope="module", params=["dash", "bash"])
def upgraded(hosts: Hosts, request: pytest.FixtureRequest) -> Iterator[Upgraded]:
    """One upgrade for all who only look at what has become of it."""
    host = replace(hosts.take(start_seconds=0), shell=request.param)
    host.run("1.0.0")
    host.program.chmod(0o751)
    with serving() as packages:
        done = host.deploy(packages.publish("2.0.0", NEW))
    yield Upgraded(host, done)
    host.supervisor.stop(host.service)


def test_the_new_version_runs_and_is_said_last(upgraded: Upgraded) -> None:
    host, done = upgraded.host, upgraded.done

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    assert host.running_image() == NEW
    assert host.program.read_bytes() == NEW
    assert host.swaps == ["2.0.0"]


def test_the_program_that_ran_before_is_kept(upgraded: Upgraded) -> None:
    assert upgraded.host.beside("previous").read_bytes() == OLD


def test_the_boot_sentinel_is_armed_for_the_service_and_not_for_the_agent(
    upgraded: Upgraded,
) -> None:
    host = upgraded.host

    sentinel = json.loads((host.service.state / ".boot-sentinel-kanade-backend.json").read_text())
    assert sentinel["version"] == "2.0.0"
    assert host.beside("last-good").read_bytes() == OLD
    assert not Path(host.environment()["KANADE_AGENT_DATA_DIR"]).exists()


def test_the_mode_of_the_program_is_kept_and_the_staging_folder_is_private(
    upgraded: Upgraded,
) -> None:
    assert stat.S_IMODE(upgraded.host.program.stat().st_mode) == 0o751
    assert stat.S_IMODE(upgraded.host.staging.stat().st_mode) == 0o700


def test_what_runs_already_is_not_touched(host: Host, packages: PackageServer) -> None:
    host.run("2.0.0")
    package = packages.publish("2.0.0", NEW)
    before = (host.pid, host.program.stat(), sorted(host.program.parent.iterdir()))

    done = host.deploy(package)

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    after = (host.pid, host.program.stat(), sorted(host.program.parent.iterdir()))
    assert [*map(_lasting, before)] == [*map(_lasting, after)]
    assert packages.requests == []
    assert host.swaps == []


def _lasting(fact: object) -> object:
    # Reading a file moves its access time, and nothing else.
    if isinstance(fact, os.stat_result):
        return (fact.st_ino, fact.st_mtime_ns, fact.st_ctime_ns, fact.st_mode)
    return fact


def test_a_second_run_of_the_same_deploy_has_no_effect(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    host.deploy(package)
    pid = host.pid

    again = host.deploy(package)

    assert (again.returncode, again.stdout) == (0, "kanade-backend 2.0.0\n")
    assert host.pid == pid
    assert host.swaps == ["2.0.0"]


def test_a_stopped_service_of_the_right_bytes_is_only_started(
    host: Host, packages: PackageServer
) -> None:
    host.run("2.0.0")
    host.supervisor.stop(host.service)

    done = host.deploy(packages.publish("2.0.0", NEW))

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert (packages.requests, host.swaps) == ([], [])


def test_a_stopped_service_is_upgraded_and_the_folder_of_the_agent_is_left_alone(
    host: Host, packages: PackageServer
) -> None:
    host.put(OLD)

    done = host.deploy(packages.publish("2.0.0", NEW))

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert not Path(host.environment()["KANADE_AGENT_DATA_DIR"]).exists()


def test_a_file_that_was_replaced_by_hand_is_started_and_what_ran_is_kept(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    host.put(NEW)

    done = host.deploy(packages.publish("2.0.0", NEW))

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert host.beside("previous").read_bytes() == OLD
    assert packages.requests == []


def test_a_program_behind_a_symbolic_link_is_replaced_and_not_the_link(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    linked = host.program.parents[1] / "linked"
    (linked / "bin").mkdir(parents=True)
    (linked / "bin" / "kanade-backend").symlink_to(host.program)

    done = host.deploy(packages.publish("2.0.0", NEW), KANADE_BACKEND_HOME=str(linked))

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert (linked / "bin" / "kanade-backend").is_symlink()


def test_a_slow_service_is_waited_for(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    slow = build_service("2.0.0", delay=0.7)

    done = host.deploy(packages.publish("2.0.0", slow))

    assert (done.returncode, host.running_image()) == (0, slow), done.stderr


def test_a_service_must_be_stable_for_as_long_as_asked(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    hook = 'case $1 in restarted | settled) cut -d " " -f 1 /proc/uptime >>"$SWAPS" ;; esac'

    host.deploy(package, STABLE_SECONDS="1", KANADE_DEPLOY_HOOK=hook)

    restarted, settled = map(float, host.swaps)
    assert settled - restarted >= 1


def test_the_token_is_in_no_argument_of_any_program(
    host: Host, packages: PackageServer, tmp_path: Path
) -> None:
    host.run("1.0.0")
    curl = tmp_path / "curl"
    curl.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>"{tmp_path}/said"\nexec /usr/bin/curl "$@"\n'
    )
    curl.chmod(0o755)

    done = host.deploy(packages.publish("2.0.0", NEW), PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert done.returncode == 0, done.stderr
    said = (tmp_path / "said").read_text()
    assert "--output" in said
    assert TOKEN not in said
    assert "token" not in said


def test_a_host_gets_its_first_program_by_hand(host: Host, tmp_path: Path) -> None:
    _folder_of(tmp_path, NEW)

    done = _by_hand(host, tmp_path)

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    assert host.running_image() == NEW


def test_a_host_is_upgraded_by_hand_too(host: Host, tmp_path: Path) -> None:
    host.run("1.0.0")
    _folder_of(tmp_path, NEW)

    done = _by_hand(host, tmp_path)

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert sha256(host.beside("previous").read_bytes()) == sha256(OLD)


def _folder_of(folder: Path, service: bytes) -> None:
    (folder / "kanade-backend").write_bytes(service)
    (folder / "kanade-backend").chmod(0o755)
    (folder / "deploy-backend.sh").write_text((SCRIPTS / "deploy-backend.sh").read_text())


def _by_hand(host: Host, folder: Path) -> "subprocess.CompletedProcess[str]":
    return finish(
        subprocess.Popen(
            ["sh", folder / "deploy-backend.sh"],
            env=host.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
