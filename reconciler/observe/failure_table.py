"""The classes of failure that a run's exit code and output show, each with its cause and fix.

It is the table of kanade's guide for updating a backend, with the synthetic exit codes of its
agents and those of our own deploy scripts. `next` is what the controller does; whether the
version is to blame follows from it (`Failure.blames_version`).
"""

import re
from dataclasses import dataclass

from reconciler.model.failure import Failure, FailureClass, Next


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One class of failure: what it means, what to do, and what the controller does."""

    kind: FailureClass
    cause: str
    fix: str
    next: Next
    install_intact: bool

    def failure(self, detail: str = "") -> Failure:
        """Return the diagnosis, with *detail* where there is any."""
        cause = f"{self.cause}: {detail}" if detail else self.cause
        return Failure(
            kind=self.kind,
            cause=cause,
            fix=self.fix,
            next=self.next,
            install_intact=self.install_intact,
        )


SKIPS = {
    122: FailureRow(
        FailureClass.UNSUPPORTED,
        "the agent's operating system does not support the job",
        "target hosts of another system, or change the job's shell",
        Next.STOP,
        install_intact=True,
    ),
    124: FailureRow(
        FailureClass.VERSION_PIN,
        "script_current named another version when the agent checked it: superseded",
        "nothing: the controller sends the wanted version again",
        Next.WAIT,
        install_intact=True,
    ),
    125: FailureRow(
        FailureClass.DEADLINE_EXPIRED,
        "the command reached the agent after its deadline",
        "nothing: the controller sends it again while the host is online; mind the host's clock",
        Next.WAIT,
        install_intact=True,
    ),
    126: FailureRow(
        FailureClass.REVOKED,
        "a person has revoked the job in kanade",
        "unrevoke it in kanade when the reason has gone",
        Next.STOP,
        install_intact=True,
    ),
    127: FailureRow(
        FailureClass.STALE,
        "the agent could not make sure that the command is current",
        "nothing: the controller sends it again; see the job's staleness setting",
        Next.WAIT,
        install_intact=True,
    ),
}

UNSIGNED = FailureRow(
    FailureClass.SIGNATURE_REFUSED,
    "the agent accepts signed commands only",
    "let the backend sign: mode = 'backend' and a backend url in the settings",
    Next.STOP,
    install_intact=True,
)

UNKNOWN = FailureRow(
    FailureClass.OUTCOME_UNKNOWN,
    "the agent went away during the run: nobody knows how it ended",
    "nothing: the controller probes the host before anything else",
    Next.PROBE,
    install_intact=False,
)

OTHER_SCRIPT = FailureRow(
    FailureClass.SCRIPT_DIGEST_MISMATCH,
    "the backend sent another script than was asked for",
    "nothing: the controller probes the host, publishes the script again and resends the job",
    Next.REPUBLISH,
    install_intact=False,
)

_SENTINEL = FailureRow(
    FailureClass.QUARANTINED,
    "this version crashed at its start on this host before: kanade's boot sentinel keeps it out",
    "publish a fixed version; the same one is not tried again",
    Next.ROLL_BACK,
    install_intact=True,
)
_DOWN = FailureRow(
    FailureClass.SERVICE_DID_NOT_START,
    "the new service did not come up, and the previous one is not running either",
    "go to the host: the service is down there; read backend.*.log",
    Next.ROLL_BACK,
    install_intact=False,
)
_NOT_STARTED = FailureRow(
    FailureClass.SERVICE_DID_NOT_START,
    "the new service did not come up; the script put the previous version back",
    "read backend.*.log on the host, then publish a version that starts",
    Next.ROLL_BACK,
    install_intact=True,
)
_BUSY = FailureRow(
    FailureClass.SCRIPT_FAILED,
    "another run of the deploy script is at work on the host",
    "nothing: the controller tries again",
    Next.RETRY,
    install_intact=True,
)
_OTHER_BYTES = FailureRow(
    FailureClass.DIGEST_MISMATCH,
    "the bytes that the host downloaded are not the published ones; the script stopped "
    "before the swap and the old install is intact",
    "see what the host downloads from, or correct the sha256 in the release",
    Next.STOP,
    install_intact=True,
)
_OTHER_VERSION = FailureRow(
    FailureClass.SCRIPT_FAILED,
    "the package is not the version that it is published as; the script stopped before the swap",
    "publish the right binary under a new version, or correct the version in the release",
    Next.ROLL_BACK,
    install_intact=True,
)
_UNAUTHORIZED = FailureRow(
    FailureClass.BACKEND_UNAUTHORIZED,
    "the backend refused the download: the script's token is empty, wrong, or may read no packages",
    "set the script's knob for the token to a viewer's of that backend: AGENT_SOURCE_AUTH_TOKEN, "
    "or $AgentSourceAuthToken in PowerShell",
    Next.STOP,
    install_intact=True,
)
_NOT_FETCHED = FailureRow(
    FailureClass.TRANSFER_FAILED,
    "the host could not download the binary",
    "on Windows: Get-Service BITS, and netsh winhttp show proxy; elsewhere see whether the "
    "host reaches AGENT_SOURCE_URL",
    Next.RETRY,
    install_intact=True,
)

EXITS = {
    10: _UNAUTHORIZED,
    11: _NOT_FETCHED,
    12: _OTHER_BYTES,
    13: _OTHER_VERSION,
    14: _SENTINEL,
    15: _NOT_STARTED,
    16: _DOWN,
    17: _BUSY,
}
"""The exit codes of our own deploy scripts, for a run whose output shows nothing."""

PATTERNS: tuple[tuple[re.Pattern[str], FailureRow], ...] = (
    (re.compile(r"\[backend: reaped|agent restarted during execution"), UNKNOWN),
    (
        re.compile(r"^timeout after \d+s", re.MULTILINE),
        FailureRow(
            FailureClass.TIMEOUT,
            "the run took longer than the job's timeout and was killed",
            "raise execute.timeout, or see why the download is slow; the host is probed first",
            Next.PROBE,
            install_intact=False,
        ),
    ),
    (
        re.compile(r"^killed (by remote signal|during start|while waiting)", re.MULTILINE),
        FailureRow(
            FailureClass.KILLED,
            "somebody killed the run through kanade",
            "find out who killed it, and why",
            Next.STOP,
            install_intact=False,
        ),
    ),
    (
        re.compile(r"script_object '[^']*' sha256 mismatch"),
        FailureRow(
            FailureClass.SCRIPT_DIGEST_MISMATCH,
            "the script changed between the command and its fetch",
            "nothing: the controller publishes the script again and resends the job",
            Next.REPUBLISH,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"object_store\.get [^:]+: object not found"),
        FailureRow(
            FailureClass.SCRIPT_MISSING,
            "the script was not in the store when the agent fetched it",
            "nothing: the controller publishes it again and resends the job",
            Next.REPUBLISH,
            install_intact=True,
        ),
    ),
    (
        re.compile(
            r"^command failed before it produced an outcome: "
            r"(get_object_store|object_store\.get|read script object) ",
            re.MULTILINE,
        ),
        FailureRow(
            FailureClass.SCRIPT_UNAVAILABLE,
            "NATS did not give the agent the script, so nothing has run",
            "nothing: the controller sends the job again; see whether NATS is well",
            Next.WAIT,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"spawn (\S+): No such file|spawn (\S+): .*cannot find the file"),
        FailureRow(
            FailureClass.SHELL_MISSING,
            "the host does not have the shell that the job asks for",
            "set the job's execute.shell to one that the host has (sh on Linux)",
            Next.STOP,
            install_intact=True,
        ),
    ),
    (
        re.compile(r"is QUARANTINED by the boot sentinel", re.IGNORECASE),
        _SENTINEL,
    ),
    (
        re.compile(r"previous program is back, and does not run|no earlier program to put back"),
        _DOWN,
    ),
    (
        re.compile(r"another deploy of \S+ is running"),
        _BUSY,
    ),
    (re.compile(r"the package is not what it is published as"), _OTHER_VERSION),
    (
        re.compile(r"sha256 mismatch"),
        _OTHER_BYTES,
    ),
    (
        re.compile(
            r"HTTP status 40[13]|\b401\b.*Unauthori[sz]ed|\b403\b.*Forbidden|HTTP 40[13]|"
            r"error: 40[13]|the token was refused",
            re.IGNORECASE,
        ),
        _UNAUTHORIZED,
    ),
    (
        re.compile(
            r"transfer encountered an error|TransientError|download failed|Could not resolve host|"
            r"Connection refused|Failed to connect",
            re.IGNORECASE,
        ),
        _NOT_FETCHED,
    ),
    (
        re.compile(
            r"Unexpected attribute 'CmdletBinding'|Unexpected token 'param'|"
            r"The term 'param' is not recognized|\[CmdletBinding\(\)\].*ParserError|"
            r"ParserError.*(CmdletBinding|param)",
            re.DOTALL,
        ),
        FailureRow(
            FailureClass.AGENT_TOO_OLD,
            "agents before 0.42.2 cannot run a script with [CmdletBinding()] and param()",
            "roll the agent out first: kanade agent rollout",
            Next.UPGRADE_AGENT,
            install_intact=True,
        ),
    ),
    (
        re.compile(
            r"service did not start|did not (come back|stay) up|failed to start", re.IGNORECASE
        ),
        _NOT_STARTED,
    ),
)

_TOLD = (UNSIGNED, UNKNOWN, OTHER_SCRIPT, *(row for _, row in PATTERNS))
ROWS = tuple(dict.fromkeys((*SKIPS.values(), *EXITS.values(), *_TOLD)))
"""Every row once."""
