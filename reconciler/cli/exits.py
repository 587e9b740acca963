"""The exit codes that are not an error's own; those are in `errors.py`."""

DONE = 0
DIFFERENCES = 1
"""`plan`, `diff` or `adopt` has found something that would change."""

HELD = 6
"""Something failed or is held: a release did not converge."""

BUG = 70
INTERRUPTED = 130
