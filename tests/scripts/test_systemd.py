"""The same scripts where systemd keeps the service.

There is no systemd here: a `systemctl` of our own answers in its words, for a unit that the
test's supervisord really runs. The words are those of systemd 252.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.lab.service import build_service
from tests.scripts.dead_man import KILL_AT, leftovers, until, watchdogs
from tests.scripts.host import Host, sha256
from tests.scripts.package_server import PackageServer

pytestmark = pytest.mark.slow

OLD, NEW = build_service("1.0.0"), build_service("2.0.0")
_SYSTEMCTL = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
ask() {{ "$SUPERVISORCTL" -c "{configuration}" "$@"; }}
case $* in
"show --property=MainPID {unit}") echo "MainPID=$(ask pid {unit})" ;;
"show --property=ExecStart {unit}")
    echo "ExecStart={{ path={program} ; argv[]={program} ; pid=0 }}" ;;
"is-active {unit}")
    case $(ask pid {unit}) in 0) echo failed; exit 3 ;; *) echo active ;; esac ;;
"restart {unit}") ask restart {unit} >/dev/null; exit 0 ;;
"reset-failed {unit}") ;;
*) echo "Unknown command verb or unit: $*" >&2; exit 1 ;;
esac
"""

_SYSTEMD_RUN = """\
#!/bin/sh
printf '%s\\n' "systemd-run $*" >>"$CALLS"
if [ -z "$RUN_ALLOWED" ]; then exit 1; fi
while [ "$1" != -- ]; do shift; done
shift
setsid "$@" &
"""


@pytest.fixture
def systemd(host: Host, tmp_path: Path) -> dict[str, str]:
    """The environment of a host that systemd runs, and that nothing tells where the program is."""
    words = {
        "configuration": host.supervisor.configuration,
        "unit": host.service.name,
        "program": host.program,
    }
    (tmp_path / "systemctl").write_text(_SYSTEMCTL.format(**words))
    (tmp_path / "journalctl").write_text('#!/bin/sh\necho "the journal of $*"\n')
    (tmp_path / "systemd-run").write_text(_SYSTEMD_RUN)
    for name in ("systemctl", "journalctl", "systemd-run"):
        (tmp_path / name).chmod(0o755)
    return {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "CALLS": str(tmp_path / "calls"),
        "KANADE_SERVICE_MANAGER": "systemd",
        "KANADE_BACKEND_HOME": "",
        "SUPERVISOR_CONFIG": "",
        "RUN_ALLOWED": "yes",
    }


def test_the_program_of_the_unit_is_upgraded_by_one_restart(
    host: Host, packages: PackageServer, systemd: dict[str, str]
) -> None:
    host.run("1.0.0")

    done = host.deploy(packages.publish("2.0.0", NEW), **systemd)

    assert (done.returncode, done.stdout) == (0, "kanade-backend 2.0.0\n"), done.stderr
    assert host.running_image() == NEW
    calls = Path(systemd["CALLS"]).read_text().splitlines()
    changes = [call for call in calls if not call.startswith(("show", "is-active"))]
    assert changes == [f"reset-failed {host.service.name}", f"restart {host.service.name}"]


def test_a_unit_that_has_failed_gives_way_to_the_program_before(
    host: Host, packages: PackageServer, systemd: dict[str, str]
) -> None:
    host.run("1.0.0")
    # It ends with exit code 0, which supervisord takes for an end and not for a failure.
    ending = build_service("2.0.0", broken=True).replace(
        b'broken")\n        return 1', b'broken")\n        return 0'
    )

    done = host.deploy(packages.publish("2.0.0", ending), **systemd)

    assert done.returncode == 15, done.stderr
    assert f"| the journal of --unit={host.service.name}" in done.stderr
    assert "its service manager gave up: failed" in done.stderr
    assert host.running_image() == OLD


def test_the_probe_finds_the_unit_and_its_program(host: Host, systemd: dict[str, str]) -> None:
    host.run("1.0.0")

    done = host.probe(**systemd)

    assert done.stdout == f"kanade-backend 1.0.0 sha256={sha256(OLD)} running\n", done.stderr


def test_a_systemd_that_does_not_answer_gives_no_verdict(
    host: Host, systemd: dict[str, str], tmp_path: Path
) -> None:
    host.run("1.0.0")
    (tmp_path / "systemctl").write_text('#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n')

    done = host.probe(**systemd)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cannot ask systemd about the service")


@pytest.mark.parametrize("allowed", ["yes", ""])
def test_the_dead_man_switch_is_a_unit_of_its_own_where_that_is_allowed(
    host: Host, packages: PackageServer, systemd: dict[str, str], allowed: str
) -> None:
    """An agent's service takes all of its processes along when it is stopped."""
    host.run("1.0.0")
    package = replace(packages.publish("2.0.0", NEW), dead_man="2")

    host.deploy(
        package,
        **systemd | {"RUN_ALLOWED": allowed, "KANADE_DEPLOY_HOOK": KILL_AT, "STEP": "swapped"},
    )

    until(lambda: not watchdogs(host), "the switch to be over")
    host.await_version("1.0.0")
    assert leftovers(host) == set()
    calls = Path(systemd["CALLS"]).read_text().splitlines()
    begins = f"systemd-run --quiet --collect -- /bin/sh {host.staging}/dead-man "
    assert [call for call in calls if call.startswith(begins)]
    assert calls[-2:] == [f"reset-failed {host.service.name}", f"restart {host.service.name}"]
