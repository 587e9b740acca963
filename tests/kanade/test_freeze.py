import json
from datetime import UTC, datetime

import pytest

from reconciler.jetstream.message import Message
from reconciler.kanade.freeze import Window

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def frozen(value: object) -> bool:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Window.read(Message("s", data, {}, 1, NOW)).at(NOW).frozen


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"reason": "INC-1", "new": 1},
        {"from": "2026-11-23T12:00:00Z"},
        {"from": "2026-11-01", "until": "2026-12-01", "tz": "utc"},
        {"until": "2026-11-23T21:00:01+09:00"},
        {"from": "2026-11-24"},
        {"until": "2026-11-24"},
        {"from": "yesterday"},
        {"until": ""},
        {"until": "2026-11-23T12:00:00"},
        {"from": 7},
        [],
        b"\xff",
        b"",
    ],
)
def test_a_window_that_holds_or_cannot_be_read_is_frozen(value: object) -> None:
    assert frozen(value)


@pytest.mark.parametrize(
    "value",
    [
        {"from": "2026-11-23T12:00:01Z"},
        {"until": "2026-11-23T12:00:00Z"},
        {"from": "2026-11-24", "tz": "utc"},
        {"until": "2026-11-23", "tz": "utc"},
        {"from": "2026-11-25"},
        {"until": "2026-11-23"},
    ],
)
def test_a_window_that_is_over_or_yet_to_come_is_not(value: object) -> None:
    assert not frozen(value)


def test_why_and_until_when_is_passed_on() -> None:
    data = b'{"until":"2026-11-24T00:00:00Z","reason":"year end"}'
    found = Window.read(Message("s", data, {}, 1, NOW)).at(NOW)

    assert found.reason == "year end"
    assert found.until == datetime(2026, 11, 24, tzinfo=UTC)
