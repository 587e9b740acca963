"""What a deploy refuses; whatever the reason, the host is as it was before."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.lab.ports import free_port
from reconciler.lab.service import build_service
from tests.scripts.host import Host, Package, finish, sha256
from tests.scripts.package_server import PackageServer

NEW = build_service("2.0.0")


@contextlib.contextmanager
def untouched(host: Host) -> Iterator[None]:
    """Let a host run, and prove that the same process of the same file runs afterwards."""
    host.run("1.0.0")
    before = (host.pid, host.program.stat().st_ino, host.program.read_bytes())
    yield
    assert (host.pid, host.program.stat().st_ino, host.program.read_bytes()) == before
    assert host.swaps == []
    assert not host.beside("previous").exists()


def refused(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    """Return the last line on stderr of a deploy that ended with *code* and proved nothing."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()[-1]


def test_other_bytes_than_promised_are_not_installed(host: Host, packages: PackageServer) -> None:
    package = replace(packages.publish("2.0.0", NEW), sha256="0" * 64)

    with untouched(host):
        said = refused(host.deploy(package), 12)

    assert said == f"sha256 mismatch — expected={'0' * 64} actual={sha256(NEW)}"


def test_a_refused_token_is_said_with_its_status(host: Host, packages: PackageServer) -> None:
    package = replace(packages.publish("2.0.0", NEW), token="another")

    with untouched(host):
        said = refused(host.deploy(package), 10)

    assert said.startswith("download failed: HTTP status 401")
    assert "another" not in said
    assert len(packages.requests) == 1


def test_a_package_that_is_not_published_is_asked_for_once(
    host: Host, packages: PackageServer
) -> None:
    package = replace(packages.publish("2.0.0", NEW), version="2.0.1")

    with untouched(host):
        said = refused(host.deploy(package), 11)

    assert said.startswith("download failed: HTTP status 404")
    assert len(packages.requests) == 1


def test_a_backend_that_is_not_there_is_given_up_after_some_attempts(host: Host) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    package = Package(version="2.0.0", sha256=sha256(NEW), url=url)

    with untouched(host):
        said = refused(host.deploy(package, DOWNLOAD_TRIES="2"), 11)

    assert said.startswith("download failed: The transfer encountered an error: 2 attempts")
    assert url in said


def test_a_transfer_that_keeps_breaking_off_is_given_up(
    host: Host, packages: PackageServer
) -> None:
    package = packages.publish("2.0.0", NEW)
    packages.cut_after = [10, 10]

    with untouched(host):
        refused(host.deploy(package, DOWNLOAD_TRIES="2"), 11)


@pytest.mark.slow
@pytest.mark.parametrize("client", ["curl", "wget", "python3"])
def test_a_transfer_that_breaks_off_is_gone_on_with(
    host: Host, packages: PackageServer, client: str, tmp_path: Path
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    packages.cut_after = [100]

    done = host.deploy(package, PATH=path_with_only(client, tmp_path))

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert packages.requests == ["", "bytes=100-"]
    assert not (host.staging / "wgetrc").exists()


@pytest.mark.parametrize("client", ["wget", "python3"])
def test_each_other_way_to_fetch_tells_a_refused_token_from_a_broken_transfer(
    host: Host, packages: PackageServer, client: str, tmp_path: Path
) -> None:
    package = replace(packages.publish("2.0.0", NEW), token="another")

    with untouched(host):
        said = refused(host.deploy(package, PATH=path_with_only(client, tmp_path)), 10)

    assert said.startswith("download failed: HTTP status 401")


def path_with_only(client: str, folder: Path) -> str:
    """Return a PATH on which *client* is the only program that can fetch."""
    tools = folder / "bin"
    tools.mkdir()
    for directory in ("/usr/bin", "/bin"):
        for tool in Path(directory).iterdir():
            if tool.name not in {"curl", "wget", "python3"} or tool.name == client:
                with contextlib.suppress(FileExistsError):
                    (tools / tool.name).symlink_to(tool)
    return str(tools)


def test_a_busy_backend_is_asked_until_it_has_time(host: Host, packages: PackageServer) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    packages.refusals = [503, 503, 429, 503]

    done = host.deploy(package, DOWNLOAD_TRIES="1", BUSY_SECONDS="0.05")

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr


def test_a_backend_that_is_always_busy_is_given_up_in_time(
    host: Host, packages: PackageServer
) -> None:
    package = packages.publish("2.0.0", NEW)
    packages.refusals = [503] * 1000

    with untouched(host):
        said = refused(host.deploy(package, DOWNLOAD_SECONDS="2", BUSY_SECONDS="0.1"), 11)

    assert said.startswith("download failed: not done after 2 s")


def test_what_an_earlier_run_left_is_no_verdict_on_the_package(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    package = packages.publish("2.0.0", NEW)
    host.staging.mkdir()
    (host.staging / f"{package.sha256}.part").write_bytes(b"rubbish")
    (host.staging / f"{'0' * 64}.part").write_bytes(b"of another release")

    done = host.deploy(package)

    assert (done.returncode, host.running_image()) == (0, NEW), done.stderr
    assert packages.requests == ["bytes=7-", ""]
    assert [*host.staging.glob("*.part")] == []


def test_a_program_of_another_version_than_published_is_not_installed(
    host: Host, packages: PackageServer
) -> None:
    package = packages.publish("2.0.0", NEW, label="2.0.1")

    with untouched(host):
        said = refused(host.deploy(package), 13)

    assert "kanade-backend 2.0.1 says that it is 2.0.0" in said


def test_a_program_that_does_not_run_here_is_not_installed(
    host: Host, packages: PackageServer
) -> None:
    with untouched(host):
        said = refused(host.deploy(packages.publish("2.0.0", b"\x7fELF of another machine")), 13)

    assert "nothing that runs on this host" in said


def test_a_program_that_hangs_when_asked_is_not_installed(
    host: Host, packages: PackageServer, tmp_path: Path
) -> None:
    # The script waits ten seconds; a `timeout` without patience makes them short.
    timeout = tmp_path / "timeout"
    timeout.write_text(
        '#!/bin/sh\ncase $* in *--version) shift 3; set -- -s KILL 0.3 "$@" ;; esac\n'
        'exec /usr/bin/timeout "$@"\n'
    )
    timeout.chmod(0o755)
    hanging = packages.publish("2.0.0", b"#!/bin/sh\nexec sleep 60\n")

    with untouched(host):
        refused(host.deploy(hanging, PATH=f"{tmp_path}:{os.environ['PATH']}"), 13)


def test_an_older_program_is_not_given_words_that_it_does_not_know(
    host: Host, packages: PackageServer
) -> None:
    host.run("1.0.0")
    older = NEW.replace(b"arm-for-swap  ", b"something-else")

    done = host.deploy(packages.publish("2.0.0", older))

    assert (done.returncode, host.running_image()) == (0, older), done.stderr
    assert not host.beside("last-good").exists()


def test_a_quarantined_version_is_not_installed(host: Host, packages: PackageServer) -> None:
    host.service.state.mkdir()
    quarantine = host.service.state / ".boot-quarantine-kanade-backend.json"
    quarantine.write_text('{"versions":["2.0.0"]}')

    with untouched(host):
        said = refused(host.deploy(packages.publish("2.0.0", NEW)), 14)

    assert said == "kanade-backend 2.0.0 is QUARANTINED by the boot sentinel on this host"


def test_agent_mode_is_not_for_a_first_install(host: Host, packages: PackageServer) -> None:
    said = refused(host.deploy(packages.publish("2.0.0", NEW)), 2)

    assert "agent mode only upgrades; install the first one by hand" in said
    assert not host.program.exists()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"sha256": ""}, "AGENT_SOURCE_SHA256 is empty"),
        ({"url": ""}, "AGENT_SOURCE_URL is empty"),
        ({"version": ""}, "AGENT_SOURCE_VERSION is empty"),
        ({"sha256": "A" * 64}, "AGENT_SOURCE_SHA256: A"),
        ({"sha256": "a" * 63}, "AGENT_SOURCE_SHA256: a"),
        ({"version": "1/../2"}, "AGENT_SOURCE_VERSION: 1/../2 is no version"),
        ({"token": "two\nlines"}, "AGENT_SOURCE_AUTH_TOKEN has a character"),
        ({"url": "ftp://backend"}, "does not begin with http://"),
        ({"url": 'http://a"b'}, "is no URL"),
    ],
)
def test_a_knob_that_is_wrong_is_named_before_anything_is_done(
    host: Host, packages: PackageServer, knobs: dict[str, str], said: str
) -> None:
    host.put(build_service("1.0.0"))
    package = replace(packages.publish("2.0.0", NEW), **knobs)

    assert said in refused(host.deploy(package), 2)

    assert packages.requests == []
    assert not host.staging.exists()


def test_a_service_of_another_program_is_not_deployed_to(
    host: Host, packages: PackageServer, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "bin"
    elsewhere.mkdir()
    (elsewhere / "kanade-backend").write_bytes(build_service("1.0.0"))

    with untouched(host):
        package = packages.publish("2.0.0", NEW)
        said = refused(host.deploy(package, KANADE_BACKEND_HOME=str(tmp_path)), 2)

    assert "does not run" in said
    assert "set KANADE_BACKEND_HOME" in said


def test_a_service_manager_that_does_not_answer_is_no_stopped_service(
    host: Host, packages: PackageServer
) -> None:
    with untouched(host):
        package = packages.publish("2.0.0", NEW)
        said = refused(host.deploy(package, SUPERVISOR_CONFIG="/nowhere.conf"), 2)

    assert said.startswith("cannot ask supervisor about the service")


def test_a_run_waits_for_another_one_only_so_long(host: Host, packages: PackageServer) -> None:
    package = packages.publish("2.0.0", NEW)
    host.run("1.0.0")
    holding = 'if [ "$1" = downloaded ]; then touch "$SWAPS.held"; sleep 100; fi'
    first = host.begin(package, KANADE_DEPLOY_HOOK=holding)
    host.await_file(Path(f"{host.swaps_file}.held"))

    second = host.deploy(package, LOCK_SECONDS="1")

    assert f"another deploy of {host.service.name} is running: process" in refused(second, 17)
    os.killpg(first.pid, 9)
    finish(first)
