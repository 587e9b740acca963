from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import KanadeUnavailable, Unauthorized
from reconciler.kanade.throttle import Throttle
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("3600", 60),
        ("9" * 400, 60),
        ("-5", 5),
        ("abc", 5),
        ("1.5", 5),
        ("٣", 5),
        ("", 5),
        (None, 5),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 23 Nov 2099 12:00:00 GMT", 60),
        ("Mon, 23 Nov 99999 12:00:00 GMT", 5),
    ],
)
def test_a_wish_for_peace_is_heeded_within_bounds(retry_after: str | None, seconds: int) -> None:
    clock = FakeClock(NOW)
    throttle = Throttle(clock)
    throttle.slow_down(retry_after)
    if seconds:
        with pytest.raises(KanadeUnavailable, match=rf"asks for {seconds} s of peace \(429\)"):
            throttle.check("backend", None)

    clock.advance(timedelta(seconds=seconds))
    throttle.check("backend", None)


def test_a_refused_token_is_not_tried_over_and_over() -> None:
    clock = FakeClock(NOW)
    throttle = Throttle(clock)
    throttle.refuse("old")
    with pytest.raises(Unauthorized, match=r"backend refused the token \(401\)") as caught:
        throttle.check("backend", "old")
    assert "old" not in str(caught.value)

    throttle.check("backend", "new")
    clock.advance(timedelta(seconds=60))
    throttle.check("backend", "old")
