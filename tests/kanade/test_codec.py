import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.kanade import codec
from reconciler.kanade.codec import ExecResult, Heartbeat, SlotCommand, Unreadable, decode
from reconciler.model.identity import Json

DATA = Path(__file__).with_name("data") / "nats"
RESULTS = sorted(path.name for path in DATA.glob("result-*.json"))


def text_of(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_of_the_real_agent_is_read(name: str) -> None:
    captured = json.loads((DATA / name).read_text())
    found = decode(text_of(captured["result"]), ExecResult, "result")

    assert found.request_id == captured["command"]["request_id"]
    assert found.manifest_id == "fixture"
    assert found.exit_code == captured["result"]["exit_code"]
    assert found.skipped == captured["result"]["skipped"]


def test_every_command_and_heartbeat_of_the_real_kanade_is_read(
    captured: Callable[[str], Json],
) -> None:
    command = captured("nats/command-from-backend.json")
    assert isinstance(command, dict)
    found = decode(text_of(command["data"]), SlotCommand, "command")
    assert found.script_object_sha256 == (
        "1f8667af9d68953514e3ee86c823c83aa93b43aa7894920d4840ca1afe300a60"
    )

    heartbeat = captured("nats/heartbeat.json")
    assert isinstance(heartbeat, dict)
    beat = decode(text_of(heartbeat["data"]), Heartbeat, "heartbeat")
    assert (beat.pc_id, beat.agent_version, beat.os_family) == ("backend-01", "0.101.0", "linux")
    reply = decode(text_of(captured("nats/ping-reply.json")), Heartbeat, "ping")
    assert reply.pc_id == "backend-01"


GOOD: dict[str, object] = {
    "request_id": "r",
    "pc_id": "PC-1",
    "exit_code": 0,
    "stdout": "",
    "stderr": "",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exit_code": "0"}, "exit_code must be an integer"),
        ({"exit_code": None}, "exit_code must be an integer"),
        ({"exit_code": 2**63}, "exit_code must be an integer"),
        ({"exit_code": 2**31}, "exit_code must be an integer"),
        ({"exit_code": 1.5}, "exit_code must be an integer"),
        ({"exit_code": ...}, "exit_code is missing"),
        ({"skipped": "no"}, "skipped must be true or false or null"),
        ({"exec_id": 7}, "exec_id must be a string or null"),
        ({"stdout": ["a"]}, "stdout must be a string"),
    ],
)
def test_a_member_of_a_wrong_type_is_named(change: dict[str, object], said: str) -> None:
    result = {key: value for key, value in {**GOOD, **change}.items() if value is not ...}

    with pytest.raises(Unreadable) as caught:
        decode(text_of(result), ExecResult, "result from PC-1")

    assert str(caught.value) == f"result from PC-1 unreadable: {said}"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b'{"request_id":', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"request_id":"\xff"}', "not JSON"),
        (b"[1]", "expected an object"),
        (b"null", "expected an object"),
        (b"NaN", "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b"[" * 100_000, "expected an object"),
    ],
)
def test_what_is_no_object_at_all_is_said_so(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=f"result from PC-1 unreadable: {said}"):
        decode(data, ExecResult, "result from PC-1")


def test_what_later_versions_add_is_passed_over() -> None:
    found = decode(text_of({**GOOD, "new": {"a": [1]}}), ExecResult, "result")

    assert found.exit_code == 0
    assert found.skipped is None


def test_any_object_is_read_whole_but_not_one_that_nests_for_ever() -> None:
    manifest = {"id": "a", "execute": {"shell": "sh"}, "tags": [1, None, True]}

    assert codec.decode_object(text_of(manifest), "job a") == manifest
    with pytest.raises(Unreadable, match="job a unreadable: not JSON"):
        codec.decode_object(b'{"a":' * 100_000, "job a")


def test_the_sender_is_found_in_what_else_cannot_be_read() -> None:
    assert codec.sender_of(b'{"pc_id":"PC-1","exit_code":"0"}', "?") == "PC-1"
    assert codec.sender_of(b'{"pc_id":1}', "?") == "?"
    assert codec.sender_of(b"\xff", "?") == "?"
