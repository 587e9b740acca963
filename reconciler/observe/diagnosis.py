"""From exit code, stderr and stdout to a class of failure, its cause and its fix.

The table is the one of kanade's guide for updating a backend, with the synthetic exit codes of
its agents. Patterns are tried in order; the first that matches wins. A real script can exit with
the same number as a synthetic code, so `skipped` decides there, not the code.
"""

import re
from dataclasses import dataclass

from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.identity import PackageName
from reconciler.model.report import RunFinished


@dataclass(frozen=True, slots=True)
class _Class:
    kind: FailureClass
    cause: str
    fix: str
    next: Next
    install_intact: bool

    def failure(self, detail: str = "") -> Failure:
        cause = f"{self.cause}: {detail}" if detail else self.cause
        return Failure(
            kind=self.kind,
            cause=cause,
            fix=self.fix,
            next=self.next,
            install_intact=self.install_intact,
        )


_SKIPS = {
    122: _Class(
        FailureClass.UNSUPPORTED,
        "the agent's operating system does not support the job",
        "target hosts of another system, or change the job's shell",
        Next.HOLD,
        install_intact=True,
    ),
    124: _Class(
        FailureClass.VERSION_PIN,
        "script_current named another version when the agent looked: superseded",
        "nothing: the controller sends the wanted version again",
        Next.RESEND,
        install_intact=True,
    ),
    125: _Class(
        FailureClass.DEADLINE_EXPIRED,
        "the command reached the agent after its deadline",
        "nothing: the controller sends it again while the host is there; mind the host's clock",
        Next.RESEND,
        install_intact=True,
    ),
    126: _Class(
        FailureClass.REVOKED,
        "a person has revoked the job in kanade",
        "unrevoke it in kanade when the reason has gone, then: reconciler retry",
        Next.HOLD,
        install_intact=True,
    ),
    127: _Class(
        FailureClass.STALE,
        "the agent could not make sure that the command is current",
        "nothing: the controller sends it again; see the job's staleness setting",
        Next.RESEND,
        install_intact=True,
    ),
}

_UNSIGNED = _Class(
    FailureClass.SIGNATURE_REFUSED,
    "the agent accepts signed commands only",
    "let the backend sign: mode = 'backend' and a backend url in the settings",
    Next.HOLD,
    install_intact=True,
)

_UNKNOWN = _Class(
    FailureClass.OUTCOME_UNKNOWN,
    "the agent went away during the run: nobody knows how it ended",
    "nothing: the controller looks at the host before anything else",
    Next.PROBE,
    install_intact=False,
)

_PATTERNS: tuple[tuple[re.Pattern[str], _Class], ...] = (
    (re.compile(r"\[backend: reaped|agent restarted during execution"), _UNKNOWN),
    (
        re.compile(r"^timeout after \d+s", re.MULTILINE),
        _Class(
            FailureClass.TIMEOUT,
            "the run took longer than the job's timeout and was killed",
            "raise execute.timeout, or see why the download is slow; the host is probed first",
            Next.PROBE,
            install_intact=False,
        ),
    ),
    (
        re.compile(r"killed by remote signal"),
        _Class(
            FailureClass.KILLED,
            "somebody killed the run through kanade",
            "reconciler retry, when the reason has gone",
            Next.HOLD,
            install_intact=False,
        ),
    ),
    (
        re.compile(r"script_object '[^']*' sha256 mismatch"),
        _Class(
            FailureClass.SCRIPT_DIGEST_MISMATCH,
            "the script changed between the command and its fetch",
            "nothing: the controller publishes the script anew and sends the job again",
            Next.RESEND,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"object_store\.get [^:]+: object not found"),
        _Class(
            FailureClass.SCRIPT_MISSING,
            "the script was not in the store when the agent fetched it",
            "nothing: the controller publishes it anew and sends the job again",
            Next.RESEND,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"spawn (\S+): No such file|spawn (\S+): .*cannot find the file"),
        _Class(
            FailureClass.SHELL_MISSING,
            "the host does not have the shell that the job asks for",
            "set the job's execute.shell to one that the host has (sh on Linux)",
            Next.HOLD,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"is QUARANTINED by the boot sentinel", re.IGNORECASE),
        _Class(
            FailureClass.QUARANTINED,
            "this version crashed at its start on this host before, and kanade's boot sentinel "
            "keeps it out",
            "publish a fixed version; the same one is not tried again",
            Next.HOLD,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"previous program is back, and does not run|no earlier program to put back"),
        _Class(
            FailureClass.SERVICE_DID_NOT_START,
            "the new service did not come up, and the previous one is not running either",
            "go to the host: the service is down there; read backend.*.log",
            Next.HOLD,
            install_intact=False,
        ),
    ),
    (
        re.compile(r"another deploy of \S+ is running"),
        _Class(
            FailureClass.SCRIPT_FAILED,
            "another run of the deploy script is at work on the host",
            "nothing: the controller tries again",
            Next.RETRY,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"sha256 mismatch"),
        _Class(
            FailureClass.DIGEST_MISMATCH,
            "the bytes that the host downloaded are not the published ones; the script stopped "
            "before the swap and the old install is intact",
            "publish the binary anew, or correct the sha256 in the release",
            Next.HOLD,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"HTTP status 401|\b401\b.*Unauthori[sz]ed|HTTP 401|error: 401", re.IGNORECASE),
        _Class(
            FailureClass.BACKEND_UNAUTHORIZED,
            "the backend refused the download: the script's token is empty or wrong",
            "set the knob AGENT_SOURCE_AUTH_TOKEN to a viewer's token of that backend",
            Next.HOLD,
            install_intact=True,
        ),
    ),
    (
        re.compile(
            r"transfer encountered an error|TransientError|download failed|Could not resolve host|"
            r"Connection refused|Failed to connect",
            re.IGNORECASE,
        ),
        _Class(
            FailureClass.TRANSFER_FAILED,
            "the host could not download the binary",
            "on Windows: Get-Service BITS, and netsh winhttp show proxy; elsewhere see whether the "
            "host reaches AGENT_SOURCE_URL",
            Next.RETRY,
            install_intact=True,
        ),
    ),
    (
        re.compile(
            r"Unexpected attribute 'CmdletBinding'|Unexpected token 'param'|"
            r"The term 'param' is not recognized|\[CmdletBinding\(\)\].*ParserError|"
            r"ParserError.*(CmdletBinding|param)",
            re.DOTALL,
        ),
        _Class(
            FailureClass.AGENT_TOO_OLD,
            "agents before 0.42.2 cannot run a script with [CmdletBinding()] and param()",
            "roll the agent out first: kanade agent rollout",
            Next.HOLD,
            install_intact=True,
        ),
    ),
    (
        re.compile(
            r"service did not start|did not (come back|stay) up|failed to start", re.IGNORECASE
        ),
        _Class(
            FailureClass.SERVICE_DID_NOT_START,
            "the new service did not come up; the script put the previous version back",
            "read backend.*.log on the host, then publish a version that starts",
            Next.HOLD,
            install_intact=True,
        ),
    ),
)


def diagnose(report: RunFinished, expected_end: str | None) -> Failure | None:
    """Return what went wrong with a run, or `None` when it did what it was sent for.

    *expected_end* is what stdout must end with; `None` asks for the exit code alone.
    """
    if report.exit_code == 0 and not report.skipped:
        return _unproved(report, expected_end)
    if report.skipped:
        return _skip(report)
    if report.exit_code == 121:
        return _UNKNOWN.failure()
    stderr = _own_words(report.stderr_tail)
    for pattern, found in _PATTERNS:
        if pattern.search(stderr) or pattern.search(report.stdout_tail):
            return found.failure()
    last_words = _last_line(stderr) or report.last_line or "it said nothing"
    return Failure(
        kind=FailureClass.SCRIPT_FAILED,
        cause=f"the script exited with {report.exit_code}: {last_words}",
        fix="mend the script, or the host, then: reconciler retry",
        next=Next.HOLD,
        install_intact=False,
    )


def _unproved(report: RunFinished, expected_end: str | None) -> Failure | None:
    if expected_end is None or report.last_line.endswith(expected_end):
        return None
    said = repr(report.last_line) if report.last_line else "nothing"
    return Failure(
        kind=FailureClass.UNPROVED,
        cause=f"exit 0, but stdout ends with {said}, expected {expected_end!r}",
        fix="let the script print that line last, or correct verify.stdout_ends_with",
        next=Next.HOLD,
        install_intact=False,
    )


def unreadable_probe(report: RunFinished, package: PackageName) -> Failure:
    """Return the failure of a probe that ran and did not say what it is there to say."""
    said = repr(report.last_line) if report.last_line else "nothing"
    return Failure(
        kind=FailureClass.UNPROVED,
        cause=f"the probe's last line is {said}",
        fix=f"let it print `{package} <version> sha256=<hex> running`, or stopped, or absent",
        next=Next.RETRY,
        install_intact=True,
    )


def _skip(report: RunFinished) -> Failure:
    if report.exit_code == 123:
        return _UNSIGNED.failure()
    known = _SKIPS.get(report.exit_code)
    if known is not None:
        return known.failure()
    return Failure(
        kind=FailureClass.SCRIPT_FAILED,
        cause=f"the agent skipped it with {report.exit_code}: {_last_line(report.stderr_tail)}",
        fix="see the agent's log on the host, then: reconciler retry",
        next=Next.HOLD,
        install_intact=True,
    )


def _own_words(stderr: str) -> str:
    """Return what a script says itself: lines that begin with `| ` are its service's log."""
    return "\n".join(line for line in stderr.splitlines() if not line.startswith("| "))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
