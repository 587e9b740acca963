"""From exit code, stderr and stdout to a class of failure, its cause and its fix.

Patterns are tried in order; the first that matches wins. A real script can exit with the same
number as a synthetic code, so `skipped` decides there, and the result's id, not the code.
"""

import uuid

from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.identity import PackageName
from reconciler.model.report import RunFinished
from reconciler.observe.failure_table import EXITS, PATTERNS, SKIPS, UNKNOWN, UNSIGNED


def diagnose(report: RunFinished, expected_end: str | None) -> Failure | None:
    """Return what went wrong with a run, or `None` when it did what it was sent for.

    *expected_end* is what the last line of stdout must be, or end with as whole words;
    `None` asks for the exit code alone.
    """
    if report.exit_code == 0 and not report.skipped:
        return _unproved(report, expected_end)
    if report.skipped:
        return _skip(report)
    if _is_refused(report):
        return UNSIGNED.failure()
    return UNKNOWN.failure() if report.exit_code == 121 else _by_output(report)


def _by_output(report: RunFinished) -> Failure:
    """Diagnose by what the script writes, or else by the code that it exits with."""
    stderr = _own_lines(report.stderr_tail)
    for pattern, found in PATTERNS:
        if pattern.search(stderr) or pattern.search(report.stdout_tail):
            return found.failure()
    last_line = _last_line(stderr) or report.last_line or "it wrote nothing"
    by_code = EXITS.get(report.exit_code)
    if by_code is not None:
        return by_code.failure(last_line)
    return Failure(
        kind=FailureClass.SCRIPT_FAILED,
        cause=f"the script exited with {report.exit_code}: {last_line}",
        fix="mend the script, or the host",
        next=Next.ROLL_BACK,
        install_intact=False,
    )


def _unproved(report: RunFinished, expected_end: str | None) -> Failure | None:
    if expected_end is None or _ends_with(report.last_line, expected_end):
        return None
    line = repr(report.last_line) if report.last_line else "nothing"
    return Failure(
        kind=FailureClass.UNPROVED,
        cause=f"exit 0, but stdout ends with {line}, expected {expected_end!r}",
        fix="let the script print that line last, or correct verify.stdout_ends_with",
        next=Next.ROLL_BACK,
        install_intact=False,
    )


def _ends_with(line: str, expected: str) -> bool:
    """True when *line* is *expected*, or has it behind a blank: another name may end alike."""
    before = line.removesuffix(expected)
    return before != line and (not before or before[-1].isspace())


def unreadable_probe(report: RunFinished, package: PackageName) -> Failure:
    """Return the failure of a probe that ran and did not print what a probe must."""
    line = repr(report.last_line) if report.last_line else "nothing"
    return Failure(
        kind=FailureClass.UNPROVED,
        cause=f"the probe's last line is {line}",
        fix=f"let it print `{package} <version> sha256=<hex> running`, or stopped, or absent",
        next=Next.RETRY,
        install_intact=True,
    )


def _skip(report: RunFinished) -> Failure:
    known = SKIPS.get(report.exit_code)
    if known is not None:
        return known.failure()
    return Failure(
        kind=FailureClass.SCRIPT_FAILED,
        cause=f"the agent skipped it with {report.exit_code}: {_last_line(report.stderr_tail)}",
        fix="see the agent's log on the host",
        next=Next.STOP,
        install_intact=True,
    )


def _is_refused(report: RunFinished) -> bool:
    """True when the agent has refused the command, because nobody it trusts has signed it.

    That is no skip: `skipped` is false, and the result has an id that follows from the request
    (kanade-shared 0.101.0, `ExecResult::is_signature_refusal`); a script may exit with 123, too.
    """
    name = f"{report.request_id}|{report.host}|signature-refused"
    return report.exit_code == 123 and report.result_id == str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _own_lines(stderr: str) -> str:
    """Return what a script writes itself: lines that begin with `| ` are its service's log."""
    return "\n".join(line for line in stderr.splitlines() if not line.startswith("| "))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
