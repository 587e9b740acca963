"""Knobs set at the top of a script, and not one byte more."""

import re

import pytest

from reconciler.desired.script import MOST_SCRIPT_BYTES, CannotRender, render

SH = b"""#!/bin/sh
# Knobs: A=''
A=''
export B="old"   # kept
readonly C=x/1
set -eu
umask 022
D=$(date) E="$HOME/x"
main() {
    A='inside'
}
F=''
"""
POWERSHELL = """<#
$A = ''
#>
#Requires -Version 5.1
[CmdletBinding()]
param(
    [string]$A = 'C:\\Program Files (x86)',  # a ) here
    [switch]$Force
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$A = ''  # kept
[string]$B = "old"
${C} = $null;
$Text = @'
$D = ''
'@
$Map = @{
    D = 'x; }'
}
$D = ''
function Install { $A = 'inside' }
$E = ''
"""


def faults(script: bytes | str, path: str, knobs: dict[str, str]) -> list[str]:
    template = script.encode() if isinstance(script, str) else script
    with pytest.raises(CannotRender) as refusal:
        render(template, path, knobs)
    return [f"{fault.knob}: {fault.message}" for fault in refusal.value.faults]


def test_a_shell_scripts_knobs_are_set_and_nothing_else() -> None:
    rendered = render(SH, "x.sh", {"A": "it's", "B": "$x", "C": ""})

    expected = SH.replace(b"\nA=''", b"\nA='it'\\''s'")
    expected = expected.replace(b'B="old"', b"B='$x'").replace(b"C=x/1", b"C=''")
    assert rendered == expected


def test_a_powershell_scripts_knobs_are_set_and_nothing_else() -> None:
    rendered = render(POWERSHELL.encode(), "x.ps1", {"A": "it's", "B": "$x", "C": "", "D": "d"})

    expected = POWERSHELL.replace("\n$A = ''  # kept", "\n$A = 'it''s'  # kept")
    expected = expected.replace('"old"', "'$x'").replace("${C} = $null;", "${C} = '';")
    expected = expected.replace("\n$D = ''\nfunction", "\n$D = 'd'\nfunction")
    assert rendered.decode() == expected


@pytest.mark.parametrize(("script", "path"), [(SH.decode(), "x.sh"), (POWERSHELL, "x.ps1")])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_are_kept(script: str, path: str, mark: str) -> None:
    template = (mark + script.replace("\n", "\r\n")).encode()

    rendered = render(template, path, {"A": "new"})

    pattern = rb"(?m)^(\$?A ?= ?)''(?=[ \r])(?!\r\n#>)"
    assert rendered == re.sub(pattern, rb"\1'new'", template)
    assert rendered != template


def test_no_knobs_change_nothing() -> None:
    assert render(SH, "x.sh", {}) == SH


@pytest.mark.parametrize("knob", ["F", "G", "main"])
def test_a_knob_that_is_not_in_a_shell_scripts_head_is_refused(knob: str) -> None:
    message = f"{knob}: is not assigned in the script's head, which ends before line 9"

    assert faults(SH, "x.sh", {knob: ""}) == [message]


@pytest.mark.parametrize("knob", ["E", "Install"])
def test_a_knob_that_is_not_in_a_powershell_scripts_head_is_refused(knob: str) -> None:
    message = f"{knob}: is not assigned in the script's head, which ends before line 22"

    assert faults(POWERSHELL, "x.ps1", {knob: ""}) == [message]


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("A=$B\n", "x.sh"),
        ('A="$B"\n', "x.sh"),
        ("A='a''b'\n", "x.sh"),
        ("A='' B=''\n", "x.sh"),
        ("A=~\n", "x.sh"),
        ("$A = 'a' + 'b'\n", "x.ps1"),
        ('$A = "$b"\n', "x.ps1"),
        ("$A = ''; $B = ''\n", "x.ps1"),
        ("$B = ''; $A = ''\n", "x.ps1"),
        ("$A = @'\nx\n'@\n", "x.ps1"),
        ("$A = 1\n", "x.ps1"),
    ],
)
def test_a_value_that_is_no_literal_alone_on_its_line_is_refused(script: str, path: str) -> None:
    assert faults(script, path, {"A": "x"}) == [
        (
            "A: at line 1 of the script has a value that is no plain literal alone on its line; "
            "write ''"
        )
    ]


@pytest.mark.parametrize(
    "script",
    [
        "X='\nA=''\n'\n",
        "X=\"\nA=''\n\"\n",
        "X=$(cat <<E\nA=''\nE\n)\n",
        "cat <<E\nA=''\nE\n",
        "X=$(\nA=''\n)\n",
        "X=`\nA=''\n`\n",
        "X=a\\\nA=''\n",
        "if true; then\nA=''\nfi\n",
        "A='' command\n",
        "local A=''\n",
    ],
)
def test_what_only_looks_like_a_shell_assignment_is_none(script: str) -> None:
    assert "is not assigned" in faults(script, "x.sh", {"A": "x"})[0]


@pytest.mark.parametrize(
    "script",
    [
        "$X = '\n$A = ''\n'\n",
        "$X = \"$(\n$A = ''\n)\"\n",
        "$X = @\"\n$A = ''\n\"@\n",
        "$X = @{\n$A = ''\n}\n",
        "$X = 1 + `\n$A = ''\n",
        "<#\n$A = ''\n#>\n",
        "param(\n$A = ''\n)\n",
        "if ($true) {\n$A = ''\n}\n",
        "$X = '\n$A = ''",
        "$X = @'\n$A = ''",
        "$global:A = ''\n",
        "$A += ''\n",
    ],
)
def test_what_only_looks_like_a_powershell_assignment_is_none(script: str) -> None:
    told = faults(script, "x.ps1", {"A": "x"})[0]

    assert "is not assigned" in told or "stands in param(...)" in told


def test_a_knob_that_occurs_twice_is_refused_with_both_lines() -> None:
    assert faults("A=''\nB=''\nA=1\n", "x.sh", {"A": "x"}) == [
        "A: is assigned 2 times in the script's head: lines 1, 3"
    ]


def test_powershell_folds_the_case_of_names_and_sh_does_not() -> None:
    assert faults("$A = ''\n$a = ''\n", "x.ps1", {"A": "x"}) == [
        "A: is assigned 2 times in the script's head: lines 1, 2"
    ]
    assert render(b"A=''\na=''\n", "x.sh", {"A": "x"}) == b"A='x'\na=''\n"


def test_all_knobs_are_told_at_once_and_no_value_is_shown() -> None:
    told = faults("A=''\nb=''\n", "x.sh", {"A": "hunter2\n", "B": "hunter2", "C": "hunter2"})

    assert told == [
        (
            "A: is to get a value with the control character U+000A at 8, "
            "which cannot be quoted for a shell"
        ),
        "B: is not assigned in the script's head; did you mean b? upper and lower case count",
        "C: is not assigned in the script's head, which ends before line 3",
    ]


@pytest.mark.parametrize("character", ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028"])
@pytest.mark.parametrize(("script", "path"), [("A=''\n", "x.sh"), ("$A = ''\n", "x.ps1")])
def test_control_characters_are_refused(script: str, path: str, character: str) -> None:
    assert f"U+{ord(character):04X} at 2" in faults(script, path, {"A": f"a{character}"})[0]


@pytest.mark.parametrize(
    ("script", "path", "message"),
    [
        (b"", "x.bat", ": is neither a .sh nor a .ps1 script"),
        (b"", "deploy", ": is neither a .sh nor a .ps1 script"),
        (
            b"A=\xff",
            "x.sh",
            ": is not valid UTF-8 at byte 3; kanade's agents expect UTF-8",
        ),
        (
            b"A=''\n" + b"#" * MOST_SCRIPT_BYTES,
            "x.sh",
            ": has 4,194,310 bytes; kanade takes at most 4,194,304",
        ),
    ],
)
def test_a_script_that_kanade_cannot_take_is_refused(
    script: bytes, path: str, message: str
) -> None:
    assert faults(script, path, {"A": "x"} if b"A=''" in script else {}) == [message]
