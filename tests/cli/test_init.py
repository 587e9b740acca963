"""`init`: a first desired state and settings that work as they are, and nothing overwritten."""

import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from reconciler.cli.settings import load_settings
from reconciler.cli.working_tree import snapshot_of_folder
from reconciler.desired.load import load
from reconciler.model.desired import Desired
from reconciler.model.digest import Digest
from tests.cli.conftest import Office
from tests.cli.test_printed import SNAPSHOTS
from tests.source.repository import git
from tests.support.command_line import Done, call
from tests.support.golden import assert_same

BACKEND = ("--backend", "http://backend.example:8080")
ENOUGH = ("--host", "pc-01", "--version", "0.42.0", *BACKEND)


def init(folder: Path, *words: str, given: str = "") -> Done:
    return call("init", str(folder), *words, given=given)


def state_of(folder: Path) -> Desired:
    return load(snapshot_of_folder(folder / "desired-state"))


def release_of(folder: Path) -> Mapping[str, object]:
    file = folder / "desired-state" / "releases" / "kanade-backend.yaml"
    found: Mapping[str, object] = yaml.safe_load(file.read_text())
    return found


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    file = tmp_path / "builds" / "kanade-backend"
    file.parent.mkdir()
    file.write_bytes(b"the backend, version 0.42.0")
    return file


def test_by_flags_alone(tmp_path: Path, binary: Path) -> None:
    folder = tmp_path / "fleet"

    done = init(folder, *ENOUGH, "--host", "pc-02", "--artifact", str(binary), "--yes")

    assert done.code == 0, done
    (release,) = state_of(folder).releases
    assert release.artifact.digest == Digest.of(binary.read_bytes())
    assert not release.suspend
    assert sorted(state_of(folder).hosts) == ["pc-01", "pc-02"]
    settings = load_settings(folder / "reconciler.toml", ())
    assert settings.source.url == str(folder)
    assert settings.controller.artifact_roots == (binary.parent,)


@pytest.mark.parametrize("shell", ["sh", "powershell"])
def test_what_is_written_is_valid_without_an_artifact_and_does_nothing_yet(
    tmp_path: Path, shell: str
) -> None:
    init(tmp_path, *ENOUGH, "--shell", shell, "--yes")

    done = call("validate", str(tmp_path / "desired-state"))

    assert (done.code, done.out) == (0, "valid: 1 release, 1 further job, 1 host\n"), done
    (release,) = state_of(tmp_path).releases
    assert release.suspend
    assert release.job.manifest["execute"] == {
        "shell": shell,
        "timeout": "300s",
        "run_as": "system",
    }


def test_by_questions(tmp_path: Path, binary: Path) -> None:
    answers = (
        "nats://nats.example:4222",
        "-",
        "http://backend.example:8080",
        "",
        "",
        "pc-01, pc-02",
        "",
        "0.42.0",
        str(binary),
        "https://git.example/fleet.git",
    )

    done = init(tmp_path / "fleet", given="".join(f"{answer}\n" for answer in answers))

    assert done.code == 0, done
    settings = load_settings(tmp_path / "fleet" / "reconciler.toml", ())
    assert (settings.nats.urls, settings.nats.token) == (("nats://nats.example:4222",), None)
    assert settings.backend is not None
    assert settings.source.url == "https://git.example/fleet.git"
    assert sorted(state_of(tmp_path / "fleet").hosts) == ["pc-01", "pc-02"]
    assert "git push     # to https://git.example/fleet.git" in done.out


def test_an_answer_that_does_not_do_is_asked_for_again(tmp_path: Path) -> None:
    first = "\n\n\n\npc..01\n\n0.42.0\n\n\n"
    second = "\n\n\n\npc-01\n\n\n\n\n"

    done = init(tmp_path, *BACKEND, given=first + second.replace("\n\n\n\n", "\n\n\n\n\n", 1))

    assert "hosts/fleet.yaml:4:12: hosts[0].name" in done.err, done
    assert done.code == 0, done
    assert list(state_of(tmp_path).hosts) == ["pc-01"]


def test_what_was_said_by_a_flag_is_not_asked(tmp_path: Path) -> None:
    words = (*ENOUGH, "--nats", "nats://a:1", "--nats-token", "N", "--backend-token", "B")
    more = ("--download-url", "http://b.example", "--shell", "sh", "--repository", "git@a:b")

    done = init(tmp_path, *words, *more, given="\n")

    assert done.code == 0, done
    assert done.out.startswith("The file of that version, for its sha256 (empty: later): ")


@pytest.mark.parametrize("there", ["reconciler.toml", "desired-state", ".reconciler"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).symlink_to("nowhere")

    done = init(tmp_path, *ENOUGH, "--yes")

    assert done.code == 2
    assert done.err == f"error: {tmp_path / there}: it exists already; name another folder\n"
    assert [path.name for path in tmp_path.iterdir()] == [there]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--version", "1", *BACKEND), "no host is named: --host PC_ID, once for each"),
        (("--host", "a", *BACKEND), "it is not said which version the hosts run: --version"),
        (("--host", "a", "--version", "1"), "hosts download packages from somewhere: --backend or"),
        (("--host", "a b", "--version", "1", *BACKEND), "hosts/fleet.yaml:4:12: hosts[0].name"),
        (("--host", "a", "--version", "a b", *BACKEND), "releases/kanade-backend.yaml:4:10: vers"),
        ((*ENOUGH, "--nats", "http://x"), "nats.url"),
        ((*ENOUGH, "--repository", "ext::sh -c id"), "source.url"),
        ((*ENOUGH, "--backend", "ftp://x"), "backend.url"),
        ((*ENOUGH, "--viewer-token", "no name"), "secrets.backend-token.env"),
        (
            (*ENOUGH, "--host", "b", "--backend", "http://localhost:8080"),
            "http://localhost:8080 is only reached from its own machine: say by --download-url",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = init(tmp_path / "fleet", *words, "--yes")

    assert (done.code, done.out) == (2, ""), done
    assert message in done.err
    assert not (tmp_path / "fleet").exists()


def test_where_nobody_answers_the_way_without_questions_is_told(tmp_path: Path) -> None:
    done = init(tmp_path / "fleet", given="nats://a:1\n")

    assert (done.code, done.err.splitlines()[-1]) == (
        2,
        "error: nobody answers: say it all by options, and --yes",
    )
    assert not (tmp_path / "fleet").exists()


def test_an_interrupt_leaves_nothing_behind(office: Office) -> None:
    terminal = office.terminal(f"init {office.folder}/fleet")
    terminal.read_until(b"NATS [nats://127.0.0.1:4222]: ")
    terminal.wait_until_it_waits()
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.end() == 130
    assert terminal.seen.endswith(b"interrupted\r\n")
    assert not (office.folder / "fleet").exists()


def test_one_machine_may_serve_itself(tmp_path: Path) -> None:
    words = ("--host", "a", "--host", "b", "--version", "1", "--backend", "http://127.0.0.1:8080")

    done = init(tmp_path, *words, "--one-machine", "--yes")

    assert done.code == 0, done
    assert {host.labels["machine"] for host in state_of(tmp_path).hosts.values()} == {"this-one"}


def test_in_a_repository_that_is_there_the_settings_name_it(tmp_path: Path) -> None:
    git("init", "--quiet", folder=tmp_path)

    done = init(tmp_path / "ops" / "fleet", *ENOUGH, "--yes")

    settings = load_settings(tmp_path / "ops" / "fleet" / "reconciler.toml", ())
    assert (settings.source.url, settings.source.folder) == (
        str(tmp_path),
        "ops/fleet/desired-state",
    )
    assert "git init" not in done.out


def test_the_first_plan_says_what_there_is_to_do(kanade: Office, binary: Path) -> None:
    server = urlsplit(kanade.nats_url)
    folder = kanade.folder / "fleet"
    words = ("--nats", f"nats://{server.hostname}:{server.port}", "--artifact", str(binary))
    init(folder, *ENOUGH, *words, "--backend", "", "--download-url", BACKEND[1], "--yes")
    config = folder / "reconciler.toml"
    login = f'user = "{server.username}"\npassword = {{ secret = "nats" }}\n'
    config.write_text(config.read_text().replace('token = { secret = "nats" }\n', login))
    git("init", "--quiet", "--initial-branch=main", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "Begin", folder=folder)
    secrets = {"KANADE_NATS_TOKEN": server.password or "", "KANADE_VIEWER_TOKEN": "viewer-7"}

    done = call("--config", str(config), "plan", environment=secrets)

    assert done.code == 1, done
    assert "+ register job version-kanade-backend 1" in done.out
    assert "kanade-backend 0.42.0: 0 of 1 hosts proved\n  . not now" in done.out
    assert "ApprovalRequired" in done.out
    assert git("status", "--porcelain", folder=folder) == ""


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_printed(tmp_path: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fleet"
    monkeypatch.setenv("COLUMNS", str(columns))

    done = init(folder, *ENOUGH, "--yes")

    text = done.out + (folder / "reconciler.toml").read_text()
    assert_same(text.replace(str(tmp_path), "/srv"), SNAPSHOTS / f"init-{columns}.txt")
