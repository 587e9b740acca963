"""What the commands print, to the letter, on a narrow terminal and on a wide one."""

import asyncio
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.answering import answering
from tests.cli.conftest import Office
from tests.cli.published import publish
from tests.support import small_fleet
from tests.support.golden import assert_same

SNAPSHOTS = Path(__file__).with_name("snapshots")
ESCAPE = "\x1b"


def printed(office: Office, words: str, columns: int) -> str:
    done = office.call(*words.split(), COLUMNS=str(columns))
    text = f"{done.out}{done.err and '-- stderr'}\n{done.err}-- exit code {done.code}\n"
    server = office.nats_url.rpartition("@")[2]
    return text.replace(str(office.folder), "/srv").replace(server, "nats.example:4222")


def file_of(words: str, suffix: str) -> Path:
    return SNAPSHOTS / f"{words.replace(' ', '-')}{suffix}.txt"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words",
    [
        "get releases",
        "get releases -o wide",
        "get hosts",
        "get hosts -o wide",
        "get jobs",
        "get jobs -o wide",
        "why backend-03.branch-office.example",
        "why backend-03.branch-office.example -o wide",
        "why backend-01",
    ],
)
def test_tables(kanade: Office, words: str, columns: int) -> None:
    publish(kanade)

    text = printed(kanade, words, columns)

    assert ESCAPE not in text
    assert_same(text, file_of(words, f"-{columns}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_a_plan(kanade: Office, columns: int) -> None:
    assert_same(printed(kanade, "plan", columns), file_of("plan", f"-{columns}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_what_became_of_a_plan(kanade: Office, columns: int) -> None:
    assert_same(printed(kanade, "apply", columns), file_of("apply", f"-{columns}"))


KINDS = ("json", "yaml")
PASSING = re.compile(r"""("?(?:intended|deadline)_at"?: )['"].*?['"]""")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "words",
    [
        "get releases",
        "get hosts",
        "get jobs",
        "why backend-03.branch-office.example",
        "plan",
        "diff",
        "validate",
    ],
)
def test_data(kanade: Office, words: str, kind: str) -> None:
    publish(kanade)

    text = PASSING.sub(r"\1'2026-11-23T12:00:00Z'", printed(kanade, f"{words} -o {kind}", 80))

    assert_same(text, file_of(words, f"-{kind}"))


@pytest.mark.parametrize(
    "words",
    [
        "plan",
        "diff",
        "get releases",
        "get hosts",
        "get jobs",
        "tree",
        "events",
        "history kanade-backend",
        "why backend-03.branch-office.example",
    ],
)
def test_json_and_yaml_say_the_same(kanade: Office, words: str) -> None:
    publish(kanade)

    as_json, as_yaml = (kanade.call(*words.split(), "-o", kind).out for kind in ("json", "yaml"))

    assert json.loads(as_json) == yaml.safe_load(as_yaml)


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_valid(kanade: Office, columns: int) -> None:
    assert_same(printed(kanade, "validate", columns), file_of("validate", f"-{columns}"))


@pytest.mark.parametrize("suffix", ["80", "120", *KINDS])
async def test_what_is_in_order(kanade: Office, suffix: str) -> None:
    words, columns = ("check", int(suffix)) if suffix not in KINDS else (f"check -o {suffix}", 80)
    async with answering(kanade, ["pc-01", "pc-02"]):
        text = await asyncio.to_thread(printed, kanade, words, columns)

    assert_same(without_time(text), file_of("check", f"-{suffix}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_faults_and_their_number(kanade: Office, columns: int) -> None:
    text = str(small_fleet.files("1.0.0")["releases/tool.yaml"])
    wrong = text.replace("'1.0.0'", "1.10").replace('"1.0.0"', "1.10").replace("job:", "jobb:")
    kanade.repository.commit({**small_fleet.files("1.0.0"), "releases/tool.yaml": wrong})

    for words in ("validate", "plan", "check"):
        found = without_time(printed(kanade, words, columns))
        assert_same(found, file_of(words, f"-with-faults-{columns}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_what_was_seen_of_a_fleet_that_is_silent(kanade: Office, columns: int) -> None:
    assert_same(printed(kanade, "adopt --wait 1", columns), file_of("adopt", f"-{columns}"))


def without_time(text: str) -> str:
    return re.sub(r"answers in [0-9.]+ ms", "answers in 1.0 ms", text)
