"""How a span of time reads."""

from datetime import UTC, datetime

import pytest

from reconciler.lab.agent.gates import human_span

SECONDS = int(
    (
        datetime(2026, 11, 23, 19, 15, 55, tzinfo=UTC) - datetime(2020, 1, 1, tzinfo=UTC)
    ).total_seconds()
)
LATE = SECONDS * 10**9 + 503_626_805
"""As a real agent once said it."""


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (65 * 10**9 + 1_002_003, "1m 5s 1ms 2us 3ns"),
        (LATE, "6years 10months 22days 21h 39m 55s 503ms 626us 805ns"),
        (86_400 * 10**9, "1day"),
    ],
)
def test_a_span_is_spelled_as_kanade_spells_it(nanoseconds: int, text: str) -> None:
    assert human_span(nanoseconds) == text
