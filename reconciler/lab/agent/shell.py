"""Which program runs a script, and the one answer that an old agent gives in place of it."""

import re

from reconciler.lab.agent.command import Command

_LAUNCHER_SINCE = (0, 42, 2)
_HEADER = re.compile(r"\A(?:\s|#[^\n]*\n)*(\[CmdletBinding\b[^\]]*\]|param\s*\()", re.IGNORECASE)


def argv_of(command: Command, script: str) -> tuple[str, ...]:
    """Return the program and arguments for *script*, whether the host has them or not."""
    match command.shell:
        case "sh":
            return ("sh", "-c", script)
        case "cmd":
            return ("cmd", "/C", script)
        case "powershell" | "pwsh":
            return (command.shell, "-NoProfile", "-NonInteractive", "-Command", script)


def parse_error(command: Command, script: str, agent_version: str) -> str | None:
    """Return what PowerShell says of a script header when the agent is too old to stage it.

    Before 0.42.2 the agent passed the text to `-Command`, where neither `[CmdletBinding()]`
    nor `param()` may stand.
    """
    header = _HEADER.match(script)
    if command.shell not in {"powershell", "pwsh"} or header is None:
        return None
    if _numbers(agent_version) >= _LAUNCHER_SINCE:
        return None
    if header[1].lower().startswith("param"):
        complaint, kind = "Unexpected token 'param' in expression or statement.", "UnexpectedToken"
    else:
        complaint, kind = "Unexpected attribute 'CmdletBinding'.", "UnexpectedAttribute"
    line = 1 + script.count("\n", 0, header.start(1))
    return (
        f"At line:{line} char:1\n+ {header[1]}\n+ {'~' * len(header[1])}\n{complaint}\n"
        "    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException\n"
        f"    + FullyQualifiedErrorId : {kind}\n"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
