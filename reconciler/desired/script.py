"""A deploy script with its knobs set, every other byte as it was.

A knob is an assignment in the script's *head*, exactly one, whose value is a plain literal
alone on its line; what the head is stands in `sh_head.py` and `powershell_head.py`. The new
value is always one single-quoted literal of that shell.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from reconciler.desired.powershell_head import read_powershell_head
from reconciler.desired.script_head import Assignment, Head
from reconciler.desired.script_quotes import Unquotable, quote_powershell, quote_sh
from reconciler.desired.sh_head import read_sh_head
from reconciler.desired.wording import did_you_mean, listed
from reconciler.errors import StalledError

MOST_SCRIPT_BYTES = 4 * 1024 * 1024
"""kanade: a script object may not be larger."""


@dataclass(frozen=True, slots=True)
class KnobFault:
    """Why one knob cannot be set; `knob` is empty for a fault of the whole script."""

    knob: str
    message: str


class CannotRender(StalledError):
    """A script's knobs cannot be set; no message holds a value."""

    reason = "ScriptUnfit"
    exit_code = 2

    def __init__(self, path: str, faults: tuple[KnobFault, ...]) -> None:
        super().__init__(path, faults)
        self.path = path
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(
            f"{self.path}: {f'knob {fault.knob} ' if fault.knob else ''}{fault.message}"
            for fault in self.faults
        )


@dataclass(frozen=True, slots=True)
class _Language:
    read_head: Callable[[str], Head]
    quote: Callable[[str], str]
    folds_case: bool


_LANGUAGES: Mapping[str, _Language] = {
    ".sh": _Language(read_sh_head, quote_sh, folds_case=False),
    ".ps1": _Language(read_powershell_head, quote_powershell, folds_case=True),
}
SCRIPT_SUFFIXES = tuple(_LANGUAGES)


def render(template: bytes, path: str, knobs: Mapping[str, str]) -> bytes:
    """Return *template* with *knobs* set; *path* says which shell it is for.

    Raises:
        CannotRender: a knob occurs zero or several times in the head, its value there is no
            plain literal, or the wanted value cannot be quoted; all such knobs at once.
    """
    language, text = _language_of(path), _decoded(template, path)
    head = language.read_head(text)
    edits: list[tuple[Assignment, str]] = []
    faults: list[KnobFault] = []
    for knob, value in knobs.items():
        try:
            edits.append((_only(head, knob, language), language.quote(value)))
        except (_Misplaced, Unquotable) as error:
            faults.append(KnobFault(knob, str(error)))
    if faults:
        raise CannotRender(path, tuple(faults))
    return _edited(text, edits, path)


def masked(script: bytes, path: str, mask: str, shown: Collection[str]) -> str:
    """Return *script* with *mask* for every literal of its head, but for those named in *shown*.

    What a knob was once set to, and by whom, is nothing that a text says of itself.

    Raises:
        CannotRender: it is no script that has a head.
    """
    language, text = _language_of(path), _decoded(script, path)
    found = language.read_head(text).assignments
    hidden = [item for item in found if item.is_plain and item.name not in shown]
    return _edited(text, [(item, language.quote(mask)) for item in hidden], path).decode()


def literals(script: bytes, path: str) -> dict[str, str]:
    """Return what the plain literals of a script's head say, by their names.

    Raises:
        CannotRender: it is no script that has a head.
    """
    text = _decoded(script, path)
    found = _language_of(path).read_head(text).assignments
    return {item.name: text[item.start : item.end].strip("'\"") for item in found if item.is_plain}


def _language_of(path: str) -> _Language:
    language = _LANGUAGES.get(path[path.rfind(".") :] if "." in path else "")
    if language is None:
        raise CannotRender(path, (KnobFault("", "is neither a .sh nor a .ps1 script"),))
    return language


def _decoded(script: bytes, path: str) -> str:
    try:
        return script.decode()
    except UnicodeDecodeError as error:
        message = f"is not valid UTF-8 at byte {error.start + 1}; kanade's agents expect UTF-8"
        raise CannotRender(path, (KnobFault("", message),)) from error


def _edited(text: str, edits: list[tuple[Assignment, str]], path: str) -> bytes:
    for assignment, literal in sorted(edits, key=lambda edit: -edit[0].start):
        text = text[: assignment.start] + literal + text[assignment.end :]
    rendered = text.encode()
    if len(rendered) > MOST_SCRIPT_BYTES:
        message = f"has {len(rendered):,} bytes; kanade takes at most {MOST_SCRIPT_BYTES:,}"
        raise CannotRender(path, (KnobFault("", message),))
    return rendered


class _Misplaced(Exception):
    """A knob is not where knobs are; never leaves this module."""


def _only(head: Head, knob: str, language: _Language) -> Assignment:
    def folded(name: str) -> str:
        return name.lower() if language.folds_case else name

    matches = [found for found in head.assignments if folded(found.name) == folded(knob)]
    if len(matches) > 1:
        lines = listed(str(found.line) for found in matches)
        raise _Misplaced(f"is assigned {len(matches)} times in the script's head: lines {lines}")
    if not matches and folded(knob) in map(folded, head.parameters):
        raise _Misplaced("stands in param(...), which is not ours to set; assign it below")
    if not matches or matches[0].name != knob:
        hint = did_you_mean(knob, (found.name for found in head.assignments))
        end = f", which ends before line {head.ends_at_line}" if not hint else ""
        raise _Misplaced(f"is not assigned in the script's head{end}{hint}")
    if not matches[0].is_plain:
        raise _Misplaced(
            f"at line {matches[0].line} of the script has a value that is no plain literal "
            "alone on its line; write ''"
        )
    return matches[0]
