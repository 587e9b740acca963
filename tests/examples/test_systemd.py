"""The unit is hardened, hands over every secret that its settings name, and systemd takes it."""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from reconciler.cli.settings import Settings, load_settings
from reconciler.cli.settings.values import SecretPlace

FOLDER = Path(__file__).resolve().parents[2] / "examples/systemd"
UNIT = FOLDER / "kanade-reconciler.service"
_MOST_EXPOSED = 1.5

systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def unit() -> dict[str, list[str]]:
    """The keys of the section [Service], each with all of its values."""
    service = UNIT.read_text().split("[Service]\n", 1)[1].split("\n[", 1)[0]
    keys = defaultdict(list)
    for line in service.splitlines():
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            keys[key].append(value)
    return keys


@pytest.fixture
def settings() -> Settings:
    return load_settings(FOLDER / "reconciler.toml", (), {"HOME": "/"})


def test_it_is_nobody_and_may_write_nothing_but_its_state(
    unit: dict[str, list[str]], settings: Settings
) -> None:
    assert unit["DynamicUser"] == unit["NoNewPrivileges"] == unit["PrivateUsers"] == ["yes"]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert "ReadWritePaths" not in unit
    assert settings.controller.state_dir == Path("/var/lib", *unit["StateDirectory"])


def test_every_secret_is_handed_over_and_none_that_is_not_asked_for(
    unit: dict[str, list[str]], settings: Settings
) -> None:
    places = {source.place for source in settings.secrets.values()}
    handed = {value.partition(":")[0] for value in unit["LoadCredential"]}

    assert places == {SecretPlace.CREDENTIAL}
    assert handed == {source.name for source in settings.secrets.values()}
    assert not re.search(
        r"(?i)^(set|environment).*(token|password)", UNIT.read_text(), re.MULTILINE
    )


def test_it_is_killed_no_sooner_than_a_pass_may_take(unit: dict[str, list[str]]) -> None:
    assert unit["Restart"] == ["always"]
    assert int(unit["TimeoutStopSec"][0]) > 10
    assert unit["ExecStart"][0].endswith("reconciler.toml run")


def here(folder: Path) -> Path:
    """Return the unit with a program that is on this machine."""
    copy = folder / UNIT.name
    program = Path(sys.executable).with_name("reconciler")
    copy.write_text(UNIT.read_text().replace("/opt/kanade-reconciler/bin/reconciler", str(program)))
    return copy


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    words = ("systemd-analyze", "--no-pager", *words)
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


@systemd
def test_systemd_has_nothing_to_say_of_it(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", str(here(tmp_path)))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@systemd
def test_systemd_finds_little_that_is_exposed(tmp_path: Path) -> None:
    done = analyze("security", "--offline=true", str(here(tmp_path)))

    level = re.search(r"exposure level for \S+: ([0-9.]+) ", done.stdout)
    assert level, done.stderr
    assert float(level[1]) < _MOST_EXPOSED
