"""The garbage collector, tuned for this kind of program."""

import gc

_YOUNG_VALUES = 100_000


def expect_many_values() -> None:
    """Let it examine new values more rarely.

    A pass over a large fleet makes millions of them, and hardly any refer back to each other: as
    often as is usual, examining them takes a third of a plan's time and finds nothing.
    """
    gc.set_threshold(_YOUNG_VALUES, 20, 100)
