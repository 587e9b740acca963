"""`tree`, `events` and `history`: what belongs to what, and what has happened, to the letter."""

import json
from dataclasses import replace

import pytest

from reconciler.model.identity import HostName, Revision, Version
from tests.cli.conftest import Office
from tests.cli.published import BACKEND, EVENTS, GROWN, STATUS, TOOL, publish
from tests.cli.test_printed import ESCAPE, file_of, printed
from tests.support.golden import assert_same


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words",
    [
        "tree",
        "tree -o wide",
        "tree kanade-backend --all",
        "events",
        "events -o wide",
        "history kanade-backend",
        "history kanade-backend -o wide",
    ],
)
def test_what_is_shown(kanade: Office, words: str, columns: int) -> None:
    publish(kanade, GROWN, EVENTS)

    text = printed(kanade, words, columns)

    assert ESCAPE not in text
    assert_same(text, file_of(words, f"-{columns}"))


@pytest.mark.parametrize("kind", ["json", "yaml"])
@pytest.mark.parametrize("words", ["tree", "events", "history kanade-backend"])
def test_data(kanade: Office, words: str, kind: str) -> None:
    publish(kanade, GROWN, EVENTS)

    assert_same(printed(kanade, f"{words} -o {kind}", 80), file_of(words, f"-{kind}"))


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("events kanade-backend", ["HostFailed"]),
        ("events --host backend-03.branch-office.example", ["HostFailed"]),
        ("events --since 2026-11-23T12:00:05+00:00", ["HostFailed", "Converged"]),
        ("events tool --since 2026-11-23T15:00:00+00:00", []),
    ],
)
def test_only_some_events(kanade: Office, words: str, kinds: list[str]) -> None:
    publish(kanade, GROWN, EVENTS)

    told = json.loads(kanade.call(*words.split(), "-o", "json").out)

    assert [event["kind"] for event in told] == kinds


@pytest.mark.parametrize("words", ["tree tol", "events tol", "history tol"])
def test_a_release_that_nobody_knows(kanade: Office, words: str) -> None:
    publish(kanade, GROWN, EVENTS)

    done = kanade.call(*words.split())

    assert (done.code, done.out) == (2, "")
    assert done.err == "error: no release tol is known; did you mean tool?\n"


@pytest.mark.parametrize("since", ["yesterday", "-1h", "999999999d"])
def test_a_moment_that_is_none(kanade: Office, since: str) -> None:
    publish(kanade)

    done = kanade.call("events", f"--since={since}")

    assert done.code == 2
    assert "expected a duration like 90s, 5m, 1h30m or 7d, or a time" in done.err


def test_events_are_watched(kanade: Office) -> None:
    publish(kanade, STATUS, EVENTS[:1])
    with kanade.started("events", "--watch", COLUMNS="250") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"TIME")
        assert b"RevisionApplied" in process.stdout.readline()

        publish(kanade, STATUS, EVENTS[1:])

        assert b"HostFailed" in process.stdout.readline()


def test_what_changes_is_watched_and_nothing_else(kanade: Office) -> None:
    publish(kanade)
    with kanade.started("get", "releases", "--watch", COLUMNS="250") as process:
        assert process.stdout is not None
        begun = [process.stdout.readline() for _ in range(3)]
        later = replace(STATUS.releases[TOOL], version=Version("0.44.0"))

        publish(kanade, replace(STATUS, releases={**STATUS.releases, TOOL: later}))

        line = process.stdout.readline()
        assert line.split()[:2] == [b"tool", b"0.44.0"]
        assert line.index(b"0.44.0") == begun[0].index(b"VERSION")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("why backend-02", b"backend-02: converged for kanade-backend"),
        ("tree kanade-backend", b"release kanade-backend 0.44.0  Failed"),
        ("history kanade-backend", b"dddddddddddd  0.44.0"),
    ],
)
def test_what_is_made_of_the_status_is_watched_as_well(
    kanade: Office, words: str, line: bytes
) -> None:
    publish(kanade, GROWN)
    with kanade.started(*words.split(), "--watch", COLUMNS="250") as process:
        assert process.stdout is not None
        assert process.stdout.readline().split()[0] in line.split()[0] + b" REVISION backend-02:"
        release = GROWN.releases[BACKEND]
        assert release.change is not None
        newer = replace(release.change, revision=Revision("d" * 40), version=Version("0.44.0"))
        key = (BACKEND, HostName("backend-02"))
        later = replace(
            GROWN,
            releases={
                **GROWN.releases,
                BACKEND: replace(
                    release,
                    version=Version("0.44.0"),
                    change=newer,
                    past=(release.change, *release.past),
                ),
            },
            hosts={**GROWN.hosts, key: replace(GROWN.hosts[key], state="converged")},
        )

        publish(kanade, later)

        assert any(found.startswith(line) for found in iter(process.stdout.readline, b""))


def test_watched_data_is_a_document_each(kanade: Office) -> None:
    publish(kanade)
    with kanade.started("get", "releases", str(BACKEND), "-w", "-o", "yaml") as process:
        assert process.stdout is not None

        assert process.stdout.readline() == b"---\n"
        assert process.stdout.readline() == b"name: kanade-backend\n"
