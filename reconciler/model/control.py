"""Control characters, which a terminal would obey; a host, or anybody's file, may hold them."""

import re

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and newline."""


def without_control(text: str) -> str:
    """Return *text* with a mark in place of each control character but tab and newline."""
    return CONTROL.sub("\ufffd", text)
