import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import KanadeRefused
from reconciler.kanade.command import command_payload
from reconciler.model.attempt import Attempt
from reconciler.model.identity import JobId, Json, ObjectRef, Version, WishId
from tests.support.builders import attempt, release

SHA256 = "1f8667af9d68953514e3ee86c823c83aa93b43aa7894920d4840ca1afe300a60"
INLINE: dict[str, Json] = {"shell": "sh", "script": "true", "timeout": "20s"}


def by_object() -> Attempt:
    return replace(
        attempt(release()),
        wish_id=WishId("e1fce2dd-c1d6-401b-8ab7-246738e4162f"),
        job=JobId("install-kanade-backend"),
        version=Version("0.101.0"),
        script=ObjectRef("deploy-backend", "0.101.0"),
        script_sha256=SHA256,
        timeout=timedelta(seconds=300),
        deadline_at=datetime(2026, 11, 23, 12, 30, 0, 123456, tzinfo=UTC),
    )


def inline() -> Attempt:
    return replace(by_object(), script=None, script_sha256=None)


def test_a_command_is_the_one_that_the_backend_itself_makes(
    captured: Callable[[str], Json],
) -> None:
    recorded = captured("nats/command-from-backend.json")
    manifest = captured("nats/kv-jobs.json")
    assert isinstance(recorded, dict)
    assert isinstance(manifest, dict)
    expected = recorded["data"]
    assert isinstance(expected, dict)
    made = json.loads(command_payload(by_object(), manifest))

    # The backend makes its own ids, and was given no deadline.
    assert made.pop("deadline_at") == "2026-11-23T12:30:00Z"
    assert made == {**expected, "exec_id": by_object().wish_id}
    assert list(made) == list(expected)


def test_the_same_attempt_always_gives_the_same_bytes() -> None:
    manifest: dict[str, Json] = {"execute": INLINE, "staleness": {"mode": "strict", "x": 1}}
    turned = dict(reversed(list(manifest.items())))

    assert command_payload(inline(), manifest) == command_payload(inline(), turned)


def test_what_a_manifest_says_is_passed_on() -> None:
    manifest: dict[str, Json] = {
        "execute": {
            **INLINE,
            "shell": "pwsh",
            "run_as": "system_gui",
            "cwd": "/tmp",
            "bypass_local_limit": True,
        },
        "staleness": {"mode": "unchecked"},
        "emit": {"type": "events"},
        "check": None,
        "collect": {"name": "c"},
        "finalize": {"shell": "pwsh", "script": "x", "timeout": "2m"},
    }
    made = json.loads(command_payload(inline(), manifest))

    assert made["bypass_local_limit"] is True
    assert (made["shell"], made["script"], made["run_as"]) == ("pwsh", "true", "system_gui")
    assert (made["cwd"], made["staleness"]) == ("/tmp", {"mode": "unchecked"})
    assert (made["emit"], made["collect"]) == ({"type": "events"}, {"name": "c"})
    assert "check" not in made
    assert made["finalize"] == {
        "shell": "pwsh",
        "script": "x",
        "timeout_secs": 120,
        "run_as": "system",
        "on_each_bundle": False,
    }


@pytest.mark.parametrize(
    ("sent", "execute", "said"),
    [
        (inline(), None, "execute: Expected `object`"),
        (inline(), {"shell": 1}, "execute: Expected `str`"),
        (inline(), {"script": "true"}, "missing required field `shell`"),
        (inline(), {"shell": "sh"}, "it needs an inline script, or a script object"),
        (by_object(), INLINE, "it needs an inline script, or a script object"),
        (replace(by_object(), script_sha256=None), {"shell": "sh"}, "and its hash"),
    ],
)
def test_a_manifest_that_makes_no_command_is_refused(
    sent: Attempt, execute: Json, said: str
) -> None:
    with pytest.raises(KanadeRefused) as caught:
        command_payload(sent, {"execute": execute})

    assert "job install-kanade-backend 0.101.0 makes no command" in str(caught.value)
    assert said in str(caught.value)
