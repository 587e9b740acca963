"""Lengths of time in plan cases: a number and its unit."""

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def span(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    assert found is not None, text
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
