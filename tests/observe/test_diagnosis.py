"""Every failure of the guide, every synthetic exit code, as the real agent tells them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import pytest

from reconciler.model.failure import FailureClass, Next
from reconciler.model.identity import HostName, JobId, RequestId, ResultId
from reconciler.model.report import RunFinished
from reconciler.observe.diagnosis import diagnose
from reconciler.observe.failure_table import EXITS, ROWS
from tests.scripts.host import SCRIPTS
from tests.support.builders import NOON

_DATA = Path(__file__).parent / "data"
_LINE = "kanade-backend 0.101.0"
REFUSAL = ResultId("291b83e0-eb95-54de-adc4-7d826668b748")


class _Result(TypedDict, total=False):
    result_id: str
    request_id: str
    pc_id: str
    manifest_id: str
    exit_code: int
    skipped: bool
    stdout: str
    stderr: str


def _report(result: _Result) -> RunFinished:
    lines = [line for line in result["stdout"].splitlines() if line.strip()]
    return RunFinished(
        result_id=ResultId(result["result_id"]),
        request_id=RequestId(result["request_id"]),
        exec_id=None,
        host=HostName(result["pc_id"]),
        job=JobId(result["manifest_id"]),
        exit_code=result["exit_code"],
        skipped=result["skipped"],
        last_line=lines[-1] if lines else "",
        stdout_tail=result["stdout"],
        stderr_tail=result["stderr"],
        at=NOON,
    )


def report(
    exit_code: int = 1, *, stderr: str = "", stdout: str = "", skipped: bool = False
) -> RunFinished:
    return _report(
        {
            "result_id": "r",
            "request_id": "q",
            "pc_id": "pc-01",
            "manifest_id": "job",
            "exit_code": exit_code,
            "skipped": skipped,
            "stdout": stdout,
            "stderr": stderr,
        }
    )


@pytest.mark.parametrize(
    ("capture", "kind", "then"),
    [
        ("timeout", FailureClass.TIMEOUT, Next.PROBE),
        ("deadline", FailureClass.DEADLINE_EXPIRED, Next.WAIT),
        ("version-pin", FailureClass.VERSION_PIN, Next.WAIT),
        ("revoked", FailureClass.REVOKED, Next.STOP),
        ("killed", FailureClass.KILLED, Next.STOP),
        ("no-shell", FailureClass.SHELL_MISSING, Next.STOP),
        ("script-digest", FailureClass.SCRIPT_DIGEST_MISMATCH, Next.REPUBLISH),
        ("script-missing", FailureClass.SCRIPT_MISSING, Next.REPUBLISH),
        ("failure", FailureClass.DIGEST_MISMATCH, Next.STOP),
    ],
)
def test_what_the_real_agent_answers_is_recognised(
    capture: str, kind: FailureClass, then: Next
) -> None:
    result = json.loads((_DATA / f"result-{capture}.json").read_text())["result"]

    failure = diagnose(_report(result), _LINE)

    assert failure is not None
    assert (kind, then) == (failure.kind, failure.next)
    assert failure.cause
    assert failure.fix


_BEFORE = "command failed before it produced an outcome: "


@pytest.mark.parametrize(
    "why",
    [
        "object_store.get deploy/1: nats: timeout",
        "get_object_store scripts: timed out",
        "read script object 'deploy/1': no responders",
    ],
)
def test_a_script_that_nats_did_not_give_has_not_run(why: str) -> None:
    failure = diagnose(report(-1, stderr=_BEFORE + why), _LINE)
    told_by_a_script = diagnose(report(1, stderr=why), _LINE)

    assert failure is not None
    assert told_by_a_script is not None
    assert (failure.kind, failure.next) == (FailureClass.SCRIPT_UNAVAILABLE, Next.WAIT)
    assert told_by_a_script.kind is FailureClass.SCRIPT_FAILED


def test_a_success_of_the_real_agent_is_one() -> None:
    result = json.loads((_DATA / "result-success.json").read_text())["result"]

    assert diagnose(_report(result), _LINE) is None


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        ("Start-BitsTransfer : HTTP status 401", FailureClass.BACKEND_UNAUTHORIZED),
        (
            "Start-BitsTransfer : The transfer encountered an error",
            FailureClass.TRANSFER_FAILED,
        ),
        ("BITS: TransientError", FailureClass.TRANSFER_FAILED),
        ("curl: (22) The requested URL returned error: 401", FailureClass.BACKEND_UNAUTHORIZED),
        (
            "download failed: HTTP status 403: the token was refused: http://backend-01/api",
            FailureClass.BACKEND_UNAUTHORIZED,
        ),
        ("wget: HTTP request: 403 Forbidden", FailureClass.BACKEND_UNAUTHORIZED),
        (
            "the package is not what it is published as: kanade-backend 2 says that it is 3",
            FailureClass.SCRIPT_FAILED,
        ),
        ("curl: (7) Failed to connect to backend-01 port 8080", FailureClass.TRANSFER_FAILED),
        (
            "At line:1 char:1\n[CmdletBinding()]\nUnexpected attribute 'CmdletBinding'.",
            FailureClass.AGENT_TOO_OLD,
        ),
        ("param : The term 'param' is not recognized as the name", FailureClass.AGENT_TOO_OLD),
        ("service did not start: see its log", FailureClass.SERVICE_DID_NOT_START),
        (
            "kanade-backend 0.43.0 is QUARANTINED by the boot sentinel on this host",
            FailureClass.QUARANTINED,
        ),
        ("[backend: reaped after 24h]", FailureClass.OUTCOME_UNKNOWN),
        ("no idea", FailureClass.SCRIPT_FAILED),
    ],
)
def test_what_goes_wrong_as_the_guide_tells_it(stderr: str, kind: FailureClass) -> None:
    failure = diagnose(report(stderr=stderr), _LINE)

    assert failure is not None
    assert kind == failure.kind


def test_the_last_words_of_a_service_are_not_the_scripts() -> None:
    stderr = "| cannot reach NATS: Connection refused\nservice did not start: it ended at once"

    failure = diagnose(report(15, stderr=stderr), _LINE)

    assert failure is not None
    assert failure.kind is FailureClass.SERVICE_DID_NOT_START


def test_a_host_whose_service_is_down_is_told_apart() -> None:
    stderr = "service did not start: x; the previous program is back, and does not run either: y"

    failure = diagnose(report(16, stderr=stderr), _LINE)

    assert failure is not None
    assert failure.kind is FailureClass.SERVICE_DID_NOT_START
    assert not failure.install_intact
    assert "down" in failure.fix


def test_a_run_that_met_another_one_is_tried_again() -> None:
    failure = diagnose(report(17, stderr="another deploy of x is running: process 3"), _LINE)

    assert failure is not None
    assert failure.next is Next.RETRY


def test_a_digest_mismatch_says_that_the_old_install_is_intact() -> None:
    failure = diagnose(report(stderr="sha256 mismatch — expected=aa actual=bb"), _LINE)

    assert failure is not None
    assert failure.install_intact
    assert "intact" in failure.cause


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (122, FailureClass.UNSUPPORTED),
        (124, FailureClass.VERSION_PIN),
        (125, FailureClass.DEADLINE_EXPIRED),
        (126, FailureClass.REVOKED),
        (127, FailureClass.STALE),
    ],
)
def test_a_synthetic_code_counts_only_when_the_agent_skipped(code: int, kind: FailureClass) -> None:
    skipped, ran = diagnose(report(code, skipped=True), _LINE), diagnose(report(code), _LINE)

    assert skipped is not None
    assert ran is not None
    assert (kind, FailureClass.SCRIPT_FAILED) == (skipped.kind, ran.kind)


def test_an_agent_that_went_away_leaves_the_outcome_unknown() -> None:
    stderr = "agent restarted during execution; outcome unknown (the command is not relaunched)"

    failure = diagnose(report(121, stderr=stderr), _LINE)

    assert failure is not None
    assert (failure.kind, failure.next) == (FailureClass.OUTCOME_UNKNOWN, Next.PROBE)


def test_exit_0_without_the_line_proves_nothing() -> None:
    failure = diagnose(report(0, stdout="kanade-backend 0.100.0\n"), _LINE)

    assert failure is not None
    assert failure.kind == FailureClass.UNPROVED
    assert "'kanade-backend 0.100.0'" in failure.cause


def test_exit_0_of_a_skipped_run_is_no_success() -> None:
    assert diagnose(report(0, skipped=True, stdout=_LINE), _LINE) is not None


def test_a_refused_signature_is_known_by_the_results_own_id() -> None:
    """As kanade 0.101.0 derives it, for request `q` on `pc-01`; it is not told as a skip."""
    refused = replace(report(123, stderr="refused: unsigned"), result_id=REFUSAL)

    failure, by_a_script = diagnose(refused, _LINE), diagnose(report(123), _LINE)
    skipped = diagnose(report(123, skipped=True), _LINE)

    assert failure is not None
    assert (failure.kind, failure.next) == (FailureClass.SIGNATURE_REFUSED, Next.STOP)
    assert failure.install_intact
    assert by_a_script is not None
    assert by_a_script.kind is FailureClass.SCRIPT_FAILED
    assert skipped is not None
    assert skipped.kind is FailureClass.SCRIPT_FAILED


@pytest.mark.parametrize(
    ("code", "kind", "intact"),
    [
        (10, FailureClass.BACKEND_UNAUTHORIZED, True),
        (11, FailureClass.TRANSFER_FAILED, True),
        (12, FailureClass.DIGEST_MISMATCH, True),
        (13, FailureClass.SCRIPT_FAILED, True),
        (14, FailureClass.QUARANTINED, True),
        (15, FailureClass.SERVICE_DID_NOT_START, True),
        (16, FailureClass.SERVICE_DID_NOT_START, False),
        (17, FailureClass.SCRIPT_FAILED, True),
    ],
)
def test_an_exit_code_of_our_scripts_tells_where_no_words_do(
    code: int, kind: FailureClass, *, intact: bool
) -> None:
    silent, said = diagnose(report(code), _LINE), diagnose(report(code, stderr="odd"), _LINE)

    assert silent is not None
    assert (kind, intact) == (silent.kind, silent.install_intact)
    assert said is not None
    assert said.cause.endswith(": odd")


@pytest.mark.parametrize("code", range(10, 18))
def test_each_code_that_the_scripts_tell_of_is_known(code: int) -> None:
    assert f"#   {code}  " in (SCRIPTS / "deploy-backend.sh").read_text("utf-8")
    assert code in EXITS


def test_a_refused_token_names_the_knob_of_either_script() -> None:
    failure = diagnose(report(10, stderr="HTTP status 401"), _LINE)

    assert failure is not None
    assert "AGENT_SOURCE_AUTH_TOKEN" in failure.fix
    assert "$AgentSourceAuthToken" in failure.fix


@pytest.mark.parametrize(
    "kind",
    [
        *(FailureClass.AGENT_TOO_OLD, FailureClass.BACKEND_UNAUTHORIZED, FailureClass.KILLED),
        *(FailureClass.SIGNATURE_REFUSED, FailureClass.SHELL_MISSING, FailureClass.UNSUPPORTED),
        *(FailureClass.REVOKED, FailureClass.VERSION_PIN, FailureClass.DEADLINE_EXPIRED),
        *(FailureClass.STALE, FailureClass.SCRIPT_DIGEST_MISMATCH, FailureClass.SCRIPT_MISSING),
        *(FailureClass.SCRIPT_UNAVAILABLE, FailureClass.TRANSFER_FAILED),
    ],
)
def test_what_says_nothing_of_the_version_does_not_blame_it(kind: FailureClass) -> None:
    rows = [row for row in ROWS if row.kind is kind]

    assert rows
    assert not any(row.failure().blames_version for row in rows)


@pytest.mark.parametrize(
    "kind", [FailureClass.SERVICE_DID_NOT_START, FailureClass.QUARANTINED, FailureClass.TIMEOUT]
)
def test_what_the_version_did_blames_it(kind: FailureClass) -> None:
    assert all(row.failure().blames_version for row in ROWS if row.kind is kind)


@pytest.mark.parametrize(
    ("said", "proved"),
    [
        (_LINE, True),
        (f"done:\t{_LINE}", True),
        (f"not{_LINE}", False),
        (f"{_LINE}.1", False),
        (_LINE.partition(" ")[2], False),
        ("", False),
    ],
)
def test_the_last_line_ends_with_what_is_expected_as_words_of_their_own(
    said: str, *, proved: bool
) -> None:
    assert (diagnose(report(0, stdout=said), _LINE) is None) is proved
