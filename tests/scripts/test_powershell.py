"""What can be said of the PowerShell scripts without a PowerShell: there is none on Linux hosts.

The grammar is that of Windows PowerShell 5.1, so a later version's `??` or `? :` is an error.
"""

import re
from collections.abc import Iterator

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from tests.scripts.host import SCRIPTS

POWERSHELL_SCRIPTS = ["deploy-backend.ps1", "probe-backend.ps1"]
PARSER = Parser(Language(tree_sitter_powershell.language()))
CMDLETS = {
    *("Copy-Item", "Get-ChildItem", "Get-Content", "Join-Path", "New-Item", "Remove-Item"),
    *("Set-Content", "Split-Path", "Test-Path", "Get-FileHash", "Get-ItemProperty"),
    *("Get-Process", "Get-Service", "New-Service", "Start-Service", "Stop-Service"),
    *("ForEach-Object", "Select-Object", "Sort-Object", "Where-Object", "New-Object"),
    *("Get-BitsTransfer", "Remove-BitsTransfer", "Start-BitsTransfer", "Invoke-WebRequest"),
    *("Get-CimInstance", "Get-Command", "Get-WinEvent", "Set-StrictMode", "Start-Sleep"),
    *("Get-Date", "Register-ScheduledTask", "Unregister-ScheduledTask", "Write-Output"),
    *("New-ScheduledTaskAction", "New-ScheduledTaskPrincipal", "New-ScheduledTaskTrigger"),
    *("New-ScheduledTaskSettingsSet", "New-TimeSpan"),
}
AUTOMATIC = {"_", "env:", "false", "function:", "matches", "null", "pid", "psscriptroot", "true"}


def text(script: str) -> str:
    """Return a script as it is in the repository."""
    return (SCRIPTS / script).read_bytes().decode("ascii")


def nodes(script: str) -> Iterator[Node]:
    """Walk over a script's syntax tree."""
    waiting = [PARSER.parse(text(script).encode()).root_node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children


def words(script: str, kind: str) -> list[str]:
    """Return the texts of all nodes of a kind."""
    return [(node.text or b"").decode() for node in nodes(script) if node.type == kind]


@pytest.mark.parametrize("script", POWERSHELL_SCRIPTS)
def test_it_parses_as_windows_powershell(script: str) -> None:
    wrong = [node for node in nodes(script) if node.is_error or node.is_missing]

    assert wrong == []
    assert words(script, "function_name")
    assert words(script, "pipeline_chain_tail") == [], "5.1 knows neither && nor ||"


@pytest.mark.parametrize("script", POWERSHELL_SCRIPTS)
def test_it_is_ascii_without_a_byte_order_mark(script: str) -> None:
    content = (SCRIPTS / script).read_bytes()

    assert content.isascii(), "5.1 reads other bytes as the code page of the host"
    assert b"\r" not in content
    assert b"\t" not in content


@pytest.mark.parametrize(
    "knob",
    [
        *("AgentSourceUrl", "AgentSourceVersion"),
        *("AgentSourceSha256", "AgentSourceAuthToken", "DeadManSeconds"),
    ],
)
def test_a_knob_of_the_deploy_script_is_set_in_one_place_and_empty(knob: str) -> None:
    lines = text("deploy-backend.ps1").splitlines()

    assert lines.count(f"${knob} = ''") == 1
    assert len(re.findall(rf"^\s*\${knob}\s*=", "\n".join(lines), re.MULTILINE)) == 1


def test_a_dead_man_switch_that_fails_stays_armed_and_is_tried_again() -> None:
    """What disarms it stands at the end of what may fail, not in what is done in any case."""
    switch = text("deploy-backend.ps1").partition("function Invoke-DeadManSwitch")[2]
    switch, arming = switch.partition("\nfunction ")[::2]
    tried, finally_done = switch.rpartition("} finally {")[::2]

    assert tried.index("Start-Service") < tried.index("Remove-Item -LiteralPath $armed")
    assert tried.index("Start-Service") < tried.index("Unregister-ScheduledTask")
    assert finally_done.split()[:3] == ["$mutex.ReleaseMutex()", "}", "}"]
    assert "RepetitionInterval = New-TimeSpan -Minutes 1" in arming


@pytest.mark.parametrize("script", POWERSHELL_SCRIPTS)
def test_it_calls_nothing_but_known_cmdlets_and_its_own_functions(script: str) -> None:
    own = set(words(script, "function_name"))

    called = set(words(script, "command_name"))
    called |= set(re.findall(r"\$\{function:([\w-]+)\}", text(script)))

    assert called - own - CMDLETS == set(), "an alias, a misspelling, or something to look up"
    assert own - called == set(), "never called"


@pytest.mark.parametrize("script", POWERSHELL_SCRIPTS)
def test_every_variable_that_it_reads_is_set_somewhere(script: str) -> None:
    variables = [node for node in nodes(script) if node.type in {"variable", "braced_variable"}]

    known = {name(node) for node in variables if is_set(node)} | AUTOMATIC
    assert {name(node) for node in variables} - known == set()


def name(variable: Node) -> str:
    """Return a variable's name as PowerShell compares it; all of the environment is one."""
    spelled = (variable.text or b"").decode().lower().strip("$@{}").removeprefix("script:")
    drive, colon, _ = spelled.partition(":")
    return drive + colon


def is_set(variable: Node) -> bool:
    """Tell whether a variable gets its value here: as a parameter, by a loop or by `=`."""
    node: Node | None = variable
    if variable.parent is not None and variable.parent.type == "foreach_statement":
        return True
    while node is not None:
        if node.type in {"script_parameter", "left_assignment_expression"}:
            return True
        node = node.parent
    return False


@pytest.mark.parametrize("script", POWERSHELL_SCRIPTS)
def test_nothing_but_the_verdict_goes_to_stdout(script: str) -> None:
    lines = [line.strip() for line in text(script).splitlines()]

    said = [line for line in lines if line.startswith("Write-Output")]
    assert all("kanade-backend" in line or "on disk" in line for line in said)
    assert len(said) == {"deploy-backend.ps1": 1, "probe-backend.ps1": 5}[script]
    assert "Write-Host" not in words(script, "command_name")


def test_both_scripts_find_the_running_image_in_the_same_way() -> None:
    shared = [
        text(script).partition("# ---- The service and")[2].partition("# ---- The end of")[0]
        for script in POWERSHELL_SCRIPTS
    ]

    assert shared[0].replace("# ----", "").strip() == shared[1].replace("# ----", "").strip()
    assert "function Test-RunningImage" in shared[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "download failed: HTTP status ",
        "download failed: The transfer encountered an error: ",
        "does not begin with http:// or https://",
        "sha256 mismatch ",
        "the package is not what it is published as: kanade-backend ",
        "is QUARANTINED by the boot sentinel on this host",
        "is running",
        "service did not start: ",
        "is back and runs",
        "agent mode only upgrades; install the first one by hand",
    ],
)
def test_both_platforms_say_the_same_words(sentence: str) -> None:
    assert sentence in text("deploy-backend.ps1")
    assert sentence in (SCRIPTS / "deploy-backend.sh").read_text("utf-8")


def test_both_platforms_have_the_same_exit_codes() -> None:
    tables = []
    for script in ("deploy-backend.ps1", "deploy-backend.sh"):
        head = (SCRIPTS / script).read_text("utf-8").splitlines()[:40]
        codes = [line for line in head if re.match(r"#\s+\d+  ", line)]
        tables.append([re.sub(r"[\s\\|/]+", " ", line).partition(": knobs")[0] for line in codes])

    assert tables[0] == tables[1]
    assert len(tables[0]) == 9
