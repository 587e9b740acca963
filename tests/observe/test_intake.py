"""What a report changes, and what it does not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.attempt import Purpose, Via
from reconciler.model.desired import Desired
from reconciler.model.failure import FailureClass
from reconciler.model.identity import ExecId, HostName, JobId, RequestId, ResultId, Version
from reconciler.model.observed import Slot
from reconciler.model.proof import Evidence, Proof
from reconciler.model.report import RunFinished, RunStarted
from reconciler.observe.intake import Learned, Memory, learn
from reconciler.observe.witness import witness
from reconciler.plan.terms import CLOCK_SKEW
from tests.support import builders
from tests.support.builders import NOON

RELEASE = builders.release()
DESIRED = builders.desired(RELEASE)
INSTALL = builders.attempt(RELEASE)
KEY = (RELEASE.name, HostName("pc-01"), Purpose.INSTALL)
SENT = Memory(attempts={KEY: INSTALL})
SHA = RELEASE.artifact.digest.hex
SECOND = timedelta(seconds=1)
LOST = replace(INSTALL, via=Via.HTTP, request_id=None, exec_id=None, sent_at=None)
"""The backend was asked, and its answer was lost."""


def sent_by_the_backend(request: str, execution: str) -> Slot:
    """Return what lies in the host's slot after the backend has sent what it was asked for."""
    return Slot(
        sequence=9,
        at=INSTALL.intended_at + SECOND,
        request_id=RequestId(request),
        exec_id=ExecId(execution),
        job=INSTALL.job,
        version=INSTALL.version,
        script_sha256=INSTALL.script_sha256,
    )


def finished(
    line: str = "tool 2.0.0",
    *,
    exit_code: int = 0,
    request: str = INSTALL.wish_id,
    execution: str | None = None,
    host: str = "pc-01",
    job: str = "install-tool",
    name: str = "result-1",
    seconds: int = 0,
) -> RunFinished:
    return RunFinished(
        result_id=ResultId(name),
        request_id=RequestId(request),
        exec_id=ExecId(execution) if execution is not None else None,
        host=HostName(host),
        job=JobId(job),
        exit_code=exit_code,
        skipped=False,
        last_line=line,
        stdout_tail=line,
        stderr_tail="",
        at=NOON + timedelta(seconds=seconds),
    )


def probed(line: str, *, name: str = "probe-1", seconds: int = 0) -> RunFinished:
    return finished(line, request="probe", job="version-tool", name=name, seconds=seconds)


def proof_of(learned: Learned) -> Proof:
    assert len(learned.proofs) == 1
    return learned.proofs[0]


def fold(*reports: RunFinished, desired: Desired = DESIRED) -> Proof:
    memory, proof = Memory(), None
    for report in reports:
        for proof in learn(report, memory, desired).proofs:
            memory = replace(memory, proofs={(proof.package, proof.host): proof})
    assert proof is not None
    return proof


def test_a_success_settles_the_attempt_and_proves_the_version() -> None:
    learned = learn(finished(), SENT, DESIRED)

    assert learned.attempts[0].outcome is not None
    assert learned.attempts[0].outcome.succeeded
    found = proof_of(learned).by_result
    assert found is not None
    assert (Version("2.0.0"), None, True) == (found.version, found.digest, found.running)


def test_a_success_that_does_not_end_with_the_line_proves_nothing() -> None:
    learned = learn(finished("all good"), SENT, DESIRED)

    outcome = learned.attempts[0].outcome
    assert outcome is not None
    assert outcome.failure is not None
    assert (outcome.failure.kind, learned.proofs) == (FailureClass.UNPROVED, ())


@pytest.mark.parametrize(
    "report",
    [
        finished(host="pc-02", exit_code=1),
        finished(job="cleanup"),
        finished(request="somebody-elses", exit_code=1),
    ],
    ids=["another host", "another job", "another request"],
)
def test_a_report_that_is_not_the_attempts_own_settles_nothing(report: RunFinished) -> None:
    assert Learned() == learn(report, SENT, DESIRED)


def test_a_second_result_of_the_same_run_changes_nothing() -> None:
    settled = learn(finished(), SENT, DESIRED)
    memory = Memory(
        attempts={KEY: settled.attempts[0]},
        proofs={(RELEASE.package, HostName("pc-01")): settled.proofs[0]},
    )

    assert Learned() == learn(finished(), memory, DESIRED)


def test_a_run_by_hand_is_evidence_too() -> None:
    found = proof_of(learn(finished("tool 1.5.0", request="by-hand"), Memory(), DESIRED))

    assert found.by_result is not None
    assert Version("1.5.0") == found.by_result.version


def test_an_http_run_is_known_by_its_exec_id() -> None:
    attempt = replace(INSTALL, via=Via.HTTP, request_id=None, exec_id=ExecId("exec-9"))
    report = finished(request="made-by-kanade", execution="exec-9")

    learned = learn(report, Memory(attempts={KEY: attempt}), DESIRED)

    assert RequestId("made-by-kanade") == learned.attempts[0].request_id
    assert learned.attempts[0].settled


def test_a_run_after_an_intent_whose_answer_was_lost_is_that_run() -> None:
    """The backend took the request and its answer never came: it is not sent twice."""
    lost = LOST
    memory = Memory(attempts={KEY: lost})

    learned = learn(finished(request="made-by-kanade"), memory, DESIRED)

    assert learned.attempts[0].settled
    earlier = replace(finished(request="older"), at=lost.intended_at - CLOCK_SKEW - SECOND)
    assert learn(earlier, memory, DESIRED).attempts == ()
    assert learn(finished(request="other", exit_code=1), SENT, DESIRED) == Learned()


def test_a_run_that_the_servers_clock_puts_before_the_intent_may_be_that_run() -> None:
    lost = LOST
    report = replace(finished(request="made-by-kanade"), at=lost.intended_at - 2 * SECOND)

    assert learn(report, Memory(attempts={KEY: lost}), DESIRED).attempts[0].settled


@pytest.mark.parametrize("cause", ["result-1", "result-1@2026-11-23T12:00:00+00:00", "other"])
def test_a_result_that_is_told_again_is_not_the_one_whose_answer_was_lost(cause: str) -> None:
    """What it said is the cause of the new attempt, or is known from it as evidence."""
    lost = replace(LOST, wish=replace(LOST.wish, cause=cause))
    old = finished(request="before")
    evidence = replace(builders.evidence("2.0.0"), request_id=RequestId("before"))
    proof = Proof(package=RELEASE.package, host=HostName("pc-01"), by_result=evidence)
    proofs = {(RELEASE.package, HostName("pc-01")): proof} if cause == "other" else {}

    assert learn(old, Memory(attempts={KEY: lost}, proofs=proofs), DESIRED).attempts == ()


def test_an_earlier_run_that_is_told_late_is_not_the_one_whose_answer_was_lost() -> None:
    lost = replace(LOST, earlier=(RequestId("by-hand"),))
    memory = Memory(attempts={KEY: lost})

    assert learn(begun_by_hand(), memory, DESIRED) == Learned()
    assert learn(finished(request="by-hand"), memory, DESIRED).attempts == ()


def test_a_run_of_another_version_is_not_the_one_whose_answer_was_lost() -> None:
    """Somebody has run the job by hand, a version before or after: its host runs that one."""
    lost = LOST

    learned = learn(
        finished("tool 3.0.0", request="by hand"), Memory(attempts={KEY: lost}), DESIRED
    )

    assert learned.attempts == ()
    seen = proof_of(learned).by_result
    assert seen is not None
    assert seen.version == "3.0.0"


def test_a_start_is_noted_once_with_the_streams_time() -> None:
    started = RunStarted(
        result_id=ResultId("r"),
        request_id=RequestId(INSTALL.wish_id),
        exec_id=None,
        host=HostName("pc-01"),
        job=JobId("install-tool"),
        version=Version("2.0.0"),
        at=NOON,
    )

    learned = learn(started, SENT, DESIRED)

    assert [item.started_at for item in learned.attempts] == [NOON]
    assert Learned() == learn(started, Memory(attempts={KEY: learned.attempts[0]}), DESIRED)


@pytest.mark.parametrize(
    ("line", "version", "running"),
    [
        (f"tool 2.0.0 sha256={SHA} running", "2.0.0", True),
        (f"tool 2.0.0 sha256={SHA} stopped", "2.0.0", False),
        ("tool absent", None, False),
    ],
)
def test_a_probe_tells_what_runs(line: str, version: str | None, *, running: bool) -> None:
    found = fold(probed(line)).by_probe

    assert found is not None
    assert (version, running) == (found.version, found.running)


@pytest.mark.parametrize(
    "line",
    ["", "tool", "tool 2.0.0", f"other 2.0.0 sha256={SHA} running", "tool 2.0.0 sha256=x running"],
)
def test_a_probe_that_does_not_say_it_is_a_failed_probe(line: str) -> None:
    key = (RELEASE.name, HostName("pc-01"), Purpose.PROBE)
    attempt = builders.attempt(RELEASE, purpose=Purpose.PROBE)
    report = finished(line, request=attempt.wish_id, job="version-tool")

    learned = learn(report, Memory(attempts={key: attempt}), DESIRED)

    assert learned.proofs == ()
    outcome = learned.attempts[0].outcome
    assert outcome is not None
    assert not outcome.succeeded


def test_the_same_fact_seen_again_keeps_its_id_and_its_start() -> None:
    line = f"tool 2.0.0 sha256={SHA} running"

    found = fold(probed(line, name="a"), probed(line, name="b", seconds=60)).by_probe

    assert found is not None
    assert (ResultId("a"), NOON, NOON + timedelta(seconds=60)) == (
        found.id,
        found.first_at,
        found.last_at,
    )


def test_a_new_fact_has_an_id_of_its_own_and_remembers_what_was_before() -> None:
    other = builders.digest_of("rogue").hex

    found = fold(
        probed(f"tool 2.0.0 sha256={SHA} running", name="a"),
        probed(f"tool 2.0.0 sha256={other} running", name="b", seconds=60),
    ).by_probe

    assert found is not None
    assert (ResultId("b"), Version("2.0.0")) == (found.id, found.before)


def seen_by_probes(*lines: str) -> list[Evidence]:
    """Return what is known after each of the probes that say *lines*, one a second."""
    memory, known = Memory(), []
    for number, line in enumerate(lines):
        report = probed(line, name=f"probe-{number}", seconds=number)
        (proof,) = learn(report, memory, DESIRED).proofs
        memory = Memory(proofs={(proof.package, proof.host): proof})
        assert proof.by_probe is not None
        known.append(proof.by_probe)
    return known


def test_a_probe_that_meets_a_swap_by_hand_does_not_forget_what_was_right() -> None:
    """The old bytes still run, and nothing on the host names them: the next probe sees drift."""
    _, nameless, drifted = seen_by_probes(
        f"tool 2.0.0 sha256={SHA} running",
        f"tool unknown sha256={SHA} running",
        f"tool 9.9.9 sha256={'0' * 64} running",
    )

    assert (nameless.version, nameless.id) == ("2.0.0", "probe-0")
    assert (drifted.version, drifted.before) == ("9.9.9", "2.0.0")


def test_bytes_that_get_their_name_back_are_called_by_it() -> None:
    _, named = seen_by_probes(
        f"tool unknown sha256={SHA} running", f"tool 2.0.0 sha256={SHA} running"
    )

    assert (named.version, named.before, named.id) == ("2.0.0", None, "probe-0")


def test_old_news_that_comes_late_changes_nothing() -> None:
    newer = probed(f"tool 2.0.0 sha256={SHA} running", name="b", seconds=60)
    older = probed("tool absent", name="a")

    assert fold(newer) == fold(newer, older)


def test_the_slot_gives_away_the_ids_of_what_the_backend_sent() -> None:
    attempt, slot = LOST, sent_by_the_backend("made-by-kanade", "exec-9")

    seen = witness(attempt, slot)

    assert seen is not None
    assert (seen.request_id, seen.exec_id, seen.slot_sequence) == ("made-by-kanade", "exec-9", 9)
    assert witness(replace(attempt, exec_id=ExecId("exec-9")), slot) == seen
    assert witness(replace(attempt, exec_id=ExecId("answered")), slot) is None
    assert witness(attempt, replace(slot, version=Version("1.0.0"))) is None
    assert witness(attempt, replace(slot, at=attempt.intended_at - 2 * SECOND)) is not None
    assert witness(attempt, replace(slot, at=attempt.intended_at - CLOCK_SKEW - SECOND)) is None
    assert witness(INSTALL, slot) is None


def test_what_is_later_than_the_intent_is_told_by_its_place_and_not_by_clocks() -> None:
    slot = sent_by_the_backend("made-by-kanade", "exec-9")
    early = replace(slot, at=INSTALL.intended_at - timedelta(hours=1))

    assert witness(replace(LOST, slot_before=8), early) is not None
    assert witness(replace(LOST, slot_before=9), slot) is None


def test_another_script_than_was_asked_for_proves_nothing() -> None:
    """The backend has answered, and its command is another: script or job had changed by then."""
    answered = replace(LOST, exec_id=ExecId("exec-9"), script_sha256="aa" * 32)
    slot = replace(sent_by_the_backend("made-by-kanade", "exec-9"), script_sha256="bb" * 32)

    seen = witness(answered, slot)

    assert seen is not None
    assert (seen.request_id, seen.is_other_script) == ("made-by-kanade", True)
    learned = learn(finished(request="made-by-kanade"), Memory(attempts={KEY: seen}), DESIRED)
    outcome = learned.attempts[0].outcome
    assert outcome is not None
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureClass.SCRIPT_DIGEST_MISMATCH
    assert learned.proofs == ()
    unanswered = replace(answered, exec_id=None)
    assert witness(unanswered, slot) is None


def begun_by_hand(seconds: int = 0, job: str = "install-tool") -> RunStarted:
    return RunStarted(
        result_id=ResultId("result-1"),
        request_id=RequestId("by-hand"),
        exec_id=ExecId("by-hand"),
        host=HostName("pc-01"),
        job=JobId(job),
        version=Version("2.0.0"),
        at=NOON + seconds * SECOND,
    )


def test_a_run_of_our_job_that_somebody_has_begun_is_kept_until_its_result() -> None:
    run = begun_by_hand()
    key = (run.job, run.host)

    assert learn(run, SENT, DESIRED) == Learned(begun=(run,))
    under_way = replace(SENT, runs={key: run})
    assert learn(run, under_way, DESIRED) == Learned()
    assert learn(begun_by_hand(-60), under_way, DESIRED) == Learned()
    assert learn(finished(request="another"), under_way, DESIRED).ended == ()
    ended = learn(finished(request="by-hand"), under_way, DESIRED)
    assert (ended.ended, len(ended.proofs)) == ((key,), 1)


def test_a_run_of_a_job_that_is_not_ours_is_nobodys_business() -> None:
    assert learn(begun_by_hand(job="cleanup"), SENT, DESIRED) == Learned()


def test_a_start_that_is_told_after_its_result_holds_nobody() -> None:
    (proof,) = learn(finished(request="by-hand"), SENT, DESIRED).proofs
    memory = replace(SENT, proofs={(proof.package, proof.host): proof})

    assert learn(begun_by_hand(), memory, DESIRED) == Learned()


def test_nor_does_one_of_ours_that_is_told_after_the_next_command() -> None:
    ours = replace(INSTALL, earlier=(RequestId("by-hand"),))

    assert learn(begun_by_hand(), Memory(attempts={KEY: ours}), DESIRED) == Learned()
