"""What the probe says of a host; it looks at the image that runs and changes nothing."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.lab.service import build_service
from tests.scripts.host import Host, sha256

OLD, NEW = build_service("1.0.0"), build_service("2.0.0")


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_running_service_is_named_with_the_digest_of_its_image(host: Host, shell: str) -> None:
    host.run("1.0.0")

    done = replace(host, shell=shell).probe()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"kanade-backend 1.0.0 sha256={sha256(OLD)} running\n"


def test_a_file_that_was_replaced_under_a_running_service_does_not_deceive(host: Host) -> None:
    host.run("1.0.0")
    host.put(NEW)

    done = host.probe()

    assert done.stdout.splitlines() == [
        f"on disk: kanade-backend 2.0.0 sha256={sha256(NEW)}, which is not what runs",
        f"kanade-backend 1.0.0 sha256={sha256(OLD)} running",
    ]


def test_a_file_that_was_deleted_under_a_running_service_does_not_deceive(host: Host) -> None:
    host.run("1.0.0")
    host.program.unlink()

    done = host.probe()

    assert done.stdout.splitlines() == [
        f"on disk: {host.program} is gone; the running image is the last copy",
        f"kanade-backend 1.0.0 sha256={sha256(OLD)} running",
    ]


def test_a_stopped_service_is_named_by_the_file_on_disk(host: Host) -> None:
    host.run("1.0.0")
    host.supervisor.stop(host.service)

    done = host.probe()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"kanade-backend 1.0.0 sha256={sha256(OLD)} stopped\n"


def test_a_service_that_ends_as_soon_as_it_begins_is_stopped(watched_host: Host) -> None:
    broken = build_service("2.0.0", broken=True)
    watched_host.put(broken)
    watched_host.supervisor.start(watched_host.service)

    done = watched_host.probe()

    assert done.stdout == f"kanade-backend 2.0.0 sha256={sha256(broken)} stopped\n"


def test_a_host_without_the_program_says_so(host: Host) -> None:
    done = host.probe()

    assert (done.returncode, done.stdout, done.stderr) == (0, "kanade-backend absent\n", "")


def test_a_service_that_the_manager_does_not_know_is_absent_too(host: Host) -> None:
    done = host.probe(KANADE_BACKEND_PROGRAM="nobody")

    assert (done.returncode, done.stdout) == (0, "kanade-backend absent\n")


def test_an_image_that_is_no_script_is_hashed_even_after_it_was_replaced(host: Host) -> None:
    # tail without arguments reads its standard input, and supervisord gives it one for ever.
    compiled = Path("/usr/bin/tail").read_bytes()
    host.put(compiled)
    host.start_compiled()
    host.put(NEW)

    done = host.probe()

    said = done.stdout.splitlines()[-1]
    assert said == f"kanade-backend unknown sha256={sha256(compiled)} running"


def test_an_image_that_is_no_script_is_known_under_a_new_name_too(host: Host) -> None:
    host.put(Path("/usr/bin/tail").read_bytes())
    host.start_compiled()

    host.program.rename(host.beside("old"))
    done = host.probe()

    assert done.returncode == 0, done.stderr
    assert f"sha256={sha256(Path('/usr/bin/tail').read_bytes())} running" in done.stdout


def test_a_program_that_does_not_tell_its_version_is_asked_over_http(host: Host) -> None:
    silent = OLD.replace(b'case ["--version" | "-V"]', b'case ["--no-version"]')
    host.put(silent)
    host.start_and_wait()

    done = host.probe()

    assert done.stdout == f"kanade-backend 1.0.0 sha256={sha256(silent)} running\n"


def test_a_service_manager_that_does_not_answer_gives_no_verdict(host: Host) -> None:
    host.run("1.0.0")

    done = host.probe(SUPERVISOR_CONFIG="/nowhere.conf")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cannot ask supervisor about the service {host.service.name}")


def test_a_process_of_another_program_gives_no_verdict(host: Host, tmp_path: Path) -> None:
    host.run("1.0.0")
    (tmp_path / "bin").mkdir()
    shutil.copy(host.program, tmp_path / "bin")

    done = host.probe(KANADE_BACKEND_HOME=str(tmp_path))

    assert (done.returncode, done.stdout) == (2, "")
    assert f"does not run {tmp_path}/bin/kanade-backend" in done.stderr


def test_a_program_behind_a_symbolic_link_is_the_one_that_runs(host: Host, tmp_path: Path) -> None:
    host.run("1.0.0")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kanade-backend").symlink_to(host.program)

    done = host.probe(KANADE_BACKEND_HOME=str(tmp_path))

    assert done.stdout == f"kanade-backend 1.0.0 sha256={sha256(OLD)} running\n", done.stderr


def test_the_probe_changes_nothing(host: Host) -> None:
    host.run("1.0.0")
    home = host.program.parents[1]
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    pid = host.pid

    host.probe()

    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert host.pid == pid
