"""Command lines that cannot be meant: one line on stderr, exit code 2, and nothing done."""

import socket
from pathlib import Path

import pytest

from reconciler.cli.links import NO_SETTINGS
from reconciler.cli.main import cli
from tests.cli.conftest import Office
from tests.support.command_line import call

OUTPUTS = "'table', 'wide', 'json', 'yaml'"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("pln", "No such command 'pln'. Did you mean 'plan'? (see: reconciler --help)"),
        ("undo-it", "No such command 'undo-it'. (see: reconciler --help)"),
        ("Plan", "No such command 'Plan'. Did you mean 'plan'? (see: reconciler --help)"),
        (
            "get realeses",
            "No such command 'realeses'. Did you mean 'releases'? (see: reconciler get --help)",
        ),
        ("--dryrun plan", "No such option '--dryrun'. To see what would be done: reconciler plan"),
        (
            "--confg x plan",
            "No such option '--confg'. Did you mean '--config'? (see: reconciler --help)",
        ),
        (
            "apply --wiat",
            "No such option '--wiat'. Did you mean '--wait'? (see: reconciler apply --help)",
        ),
        ("plan -x", "No such option '-x'. (see: reconciler plan --help)"),
        (
            "plan -o xml",
            (
                "Invalid value for '-o' / '--output': 'xml' is not one of 'table', 'wide', "
                "'json', 'yaml', 'markdown'. (see: reconciler plan --help)"
            ),
        ),
        (
            "get jobs -o csv",
            (
                f"Invalid value for '-o' / '--output': 'csv' is not one of {OUTPUTS}. "
                "(see: reconciler get jobs --help)"
            ),
        ),
        ("approve", "Missing argument 'NAME'. (see: reconciler approve --help)"),
        ("approve a b", "Got unexpected extra argument (b) (see: reconciler approve --help)"),
        ("run now", "Got unexpected extra argument (now) (see: reconciler run --help)"),
        ("suspend tool", "Missing option '--reason'. (see: reconciler suspend --help)"),
        ("suspend tool --reason", "Option '--reason' requires an argument."),
        ("stop tool", "Missing option '--reason'. (see: reconciler stop --help)"),
        (
            "bump tool",
            "Expected --artifact or --from-dir, one of them. (see: reconciler bump --help)",
        ),
        (
            "bump tool 2.0.0",
            "Expected --artifact or --from-dir, one of them. (see: reconciler bump --help)",
        ),
        (
            "bump tool 2.0.0 --artifact /nowhere",
            (
                "Invalid value for '--artifact': File '/nowhere' does not exist. "
                "(see: reconciler bump --help)"
            ),
        ),
        (
            "validate /nowhere",
            (
                "Invalid value for '[FOLDER]': Directory '/nowhere' does not exist. "
                "(see: reconciler validate --help)"
            ),
        ),
        (
            "lab --hosts 0",
            (
                "Invalid value for '--hosts': 0 is not in the range 1<=x<=100. "
                "(see: reconciler lab --help)"
            ),
        ),
        (
            "lab --hosts \u0665x",
            (
                "Invalid value for '--hosts': '\u0665x' is not a valid integer range. "
                "(see: reconciler lab --help)"
            ),
        ),
        ("--config", "Option '--config' requires an argument."),
        (
            "--config / plan",
            (
                "Invalid value for '--config' (env var: 'RECONCILER_CONFIG'): File '/' is a "
                "directory. (see: reconciler --help)"
            ),
        ),
        *((word, NO_SETTINGS) for word in ("plan", "run", "diff", "validate")),
    ],
)
def test_a_wrong_command_is_told_in_a_line(
    words: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = call(*words.split(), environment={"HOME": str(tmp_path)})

    assert (2, "", f"error: {error}\n") == (done.code, done.out, done.err)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (
            "--config /nowhere plan",
            "/nowhere: cannot be read: No such file or directory; name the settings by --config",
        ),
        (
            "--set source.intervall=5s plan",
            "--set source.intervall: unknown key intervall in source; did you mean interval?",
        ),
        ("--set =x plan", "--set: =x: expected key=value, as in source.ref=main"),
        (
            "--set source.interval=0 plan",
            (
                "--set source.interval: source.interval: must be 5s..24h, written like 90s, 5m, "
                '1h30m or 7d; found "0"'
            ),
        ),
    ],
)
def test_faults_of_the_settings_begin_with_their_place(
    words: str, fault: str, tmp_path: Path
) -> None:
    done = call(*words.split(), environment={"HOME": str(tmp_path)})

    assert (2, "", f"{fault}\n1 fault\n") == (done.code, done.out, done.err)


@pytest.mark.parametrize("words", ["get releases", "events", "tree", "reconcile", "logs pc-01"])
@pytest.mark.usefixtures("nobody_there")
def test_where_nothing_is_set_that_is_what_is_amiss(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"nats.url=nats://127.0.0.1:{nobody.getsockname()[1]}"

        done = call("--set", url, *words.split(), environment={"HOME": str(tmp_path)})

    assert done.code == 4
    assert done.err.startswith(f"error: {NO_SETTINGS} (NATS nats://127.0.0.1:")
    assert done.err.count("\n") == 1


def test_without_a_command_there_is_help() -> None:
    done = call()

    assert done.code == 2
    assert done.err.startswith("Usage: reconciler [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize("name", sorted(set(cli.commands) - {"get", "init", "demo", "lab", "run"}))
@pytest.mark.usefixtures("nobody_there")
def test_a_command_without_arguments_says_what_is_missing_in_two_lines(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    nobody = ("--set", "nats.url=nats://127.0.0.1:1")
    done = call(*nobody, name, environment={"HOME": str(tmp_path)})

    assert len(done.err.splitlines()) <= 2
    assert "\t" not in done.err


@pytest.mark.parametrize("word", ["-h", "--help"])
@pytest.mark.parametrize("command", ["run", "plan", "get hosts", "bump"])
def test_every_command_has_help(command: str, word: str) -> None:
    done = call(*command.split(), word)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: reconciler {command} [OPTIONS]")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("approve tol --yes", "no release tol is known; did you mean tool?"),
        ("approve TOOL --yes", "no release TOOL is known; did you mean tool? "),
        ("suspend tols --reason x", "no release tols is known; did you mean tool?"),
        ("resume x", "no release x is known; there are: tool"),
        ("retry kanade", "no release kanade is known; there are: tool"),
        ("get releases tol", "no release tol is known; did you mean tool?"),
        ("get hosts pc-1", "no host pc-1 is known; did you mean pc-01?"),
        ("get hosts PC-01", "no host PC-01 is known; did you mean pc-01? "),
        ("get hosts --release tol", "no release tol is known; did you mean tool?"),
        ("get jobs instal-tool", "no job instal-tool is known; did you mean install-tool?"),
        ("get jobs a\x1b[2Jb", 'no job "a\\u001b[2Jb" is known; there are: install-tool, '),
        ("get hosts --state conv", "Invalid value for '--state': 'conv' is not one of 'unknown'"),
    ],
)
def test_a_name_that_nobody_knows_is_told_with_the_nearest(
    kanade: Office, words: str, error: str
) -> None:
    kanade.call("apply")

    done = kanade.call(*words.split())

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {error}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", ["approve tool --yes", "resume tool", "retry tool", "get releases", "get jobs -o json"]
)
def test_before_a_controller_has_run_nothing_is_known(kanade: Office, words: str) -> None:
    done = kanade.call(*words.split())

    server = kanade.nats_url.rpartition("@")[2]
    expected = f"error: no controller has run on nats://{server} yet; try: reconciler run\n"
    assert (2, "", expected) == (done.code, done.out, done.err)
