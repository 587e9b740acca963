"""The classes of failure, off the table that diagnoses them."""

from collections.abc import Iterator

from docs.generate.markdown import code, table
from reconciler.model.failure import FailureClass, Next
from reconciler.observe.failure_table import ROWS, FailureRow

_HEAD = """\
# Failures

Each run that ends badly is put into one class. `reconciler why HOST` tells it with the host's own
last words. What the controller does next:

| next | |
|---|---|
| retry | again, a few times and with more patience each time: the cause passes by itself |
| wait | it did not run, and that is nobody's fault: it is sent again later |
| republish | the same, and what the host could not fetch is published anew before |
| upgrade the agent | `upgrade_agent` is rolled out, then it is sent again; without it, *stop* |
| probe | nothing is known: the host is looked at before anything else, then it is tried again |
| roll back | the version is at fault: stop, and with `on_failure: rollback` go back |
| stop | nothing, until a commit changes the release or somebody says `reconciler retry NAME` |

*Intact* says whether the old installation is known to run on. *Blames* says whether the failure
counts against the version: where `on_failure: rollback` is set and it has done so on more hosts
than `max_failures`, or a wave has ended with failures and nobody proved, the release is
quarantined, and all that were touched go back. A failure that blames the host, its agent or a
token holds the release, too, and quarantines nothing.

The exit codes 10 to 17 are those of `deploy-backend.sh` and `deploy-backend.ps1`. They count
where a run's words match no pattern, so a script of your own should keep to them.

"""
_TOLD_OTHERWISE = (
    (
        FailureClass.UNPROVED,
        "exit 0, but stdout does not end as the release asks, or the probe finds other bytes",
        "let the script print that line last and only when it is true",
        Next.ROLL_BACK,
        "unknown",
        "yes",
    ),
    (
        FailureClass.ROLLED_BACK_BY_HOST,
        "the install went well, and within its soak the host runs what it ran before",
        "read the service's log on the host; commit a version that stays up",
        Next.ROLL_BACK,
        "yes",
        "yes",
    ),
    (
        FailureClass.UNHEALTHY,
        "it runs, and the address in `verify.http` says that it is not well",
        "read the service's log; commit a version that is well",
        Next.ROLL_BACK,
        "no",
        "yes",
    ),
    (
        FailureClass.SCRIPT_FAILED,
        "the script ended with an exit code that no other class knows",
        "mend the script, or the host",
        Next.ROLL_BACK,
        "unknown",
        "yes",
    ),
)


def failures() -> str:
    """Return the page.

    Raises:
        ValueError: there is a class of which the page would say nothing.
    """
    rows = [*_rows(), *_TOLD_OTHERWISE]
    missing = {*FailureClass} - {row[0] for row in rows}
    if missing:
        raise ValueError(f"nobody says what {missing} is")
    headers = ("class", "cause", "what to do", "next", "intact", "blames")
    return _HEAD + table(headers, [(code(str(row[0])), *row[1:]) for row in sorted(rows)])


def _rows() -> Iterator[tuple[FailureClass, str, str, str, str, str]]:
    for row in ROWS:
        yield row.kind, row.cause, row.fix, row.next, _intact(row), _blames(row)


def _intact(row: FailureRow) -> str:
    return "yes" if row.install_intact else "unknown"


def _blames(row: FailureRow) -> str:
    return "yes" if row.failure().blames_version else "no"
