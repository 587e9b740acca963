"""Exit codes, off the errors that carry them."""

from collections import defaultdict
from collections.abc import Iterator

from docs.generate.markdown import code, table
from reconciler.cli import exits
from reconciler.errors import ReconcilerError, StalledError, TransientError

_MEANINGS = {
    exits.DONE: "done, or nothing to do",
    exits.DIFFERENCES: "there are differences: `plan` and `adopt` have found what would change a "
    "host or kanade, now or when what it waits for is over; `diff` and `plan --offline` anything",
    2: "bad input: usage, settings, desired state",
    3: "git",
    4: "kanade, or NATS",
    5: "the artifact; of `apply`, too, if nothing but artifacts has failed and nothing is held",
    exits.HELD: "something failed, or is held: a release did not converge; it comes before 5",
    exits.BUG: "a bug of ours: please report it",
    exits.INTERRUPTED: "interrupted, or answered with no",
}
_HEAD = """\
# Exit codes

The same for all commands. An error is a line or two on stderr that begins with `error: `, with what
to do next; nothing else is printed there but progress. Faults of the desired state and of the
settings are a line each that begins with their place, `file:line:column: `, and then how many they
are, whichever command finds them.

"""

_SORTS = {TransientError, StalledError}


def exit_codes() -> str:
    """Return the page."""
    by_code: dict[int, set[str]] = defaultdict(set)
    for error in _errors(ReconcilerError):
        by_code[error.exit_code].add(error.reason)
    by_code.pop(exits.BUG, None)
    rows = [
        (str(number), meaning, ", ".join(map(code, sorted(by_code[number]))))
        for number, meaning in _MEANINGS.items()
    ]
    return _HEAD + table(("code", "meaning", "errors"), rows)


def _errors(base: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    for error in base.__subclasses__():
        if error.__module__ == ReconcilerError.__module__ and error not in _SORTS:
            yield error
        yield from _errors(error)
