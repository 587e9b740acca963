"""What is told of releases, hosts, jobs and kanade itself, beside the conditions of a release."""

import pytest
from msgspec import structs

from reconciler.errors import KanadeUnavailable
from reconciler.model.condition import Truth
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName, JobId, Version
from reconciler.model.observed import LiveJob, Observed
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import Plan
from reconciler.status.conditions import reachability
from reconciler.status.summarize import summarize_hosts, summarize_jobs
from tests.status.situations import BAD, GOOD, ITEM, LATER, MOVING, applied, told
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.steps import step


def test_a_release_is_told_with_what_it_is() -> None:
    status = told(applied(GOOD, MOVING))

    assert (status.name, status.package, status.version) == ("tool", "tool", "2.0.0")
    assert (status.fingerprint, status.job) == (ITEM.fingerprint, "install-tool")
    assert (status.revision, status.waits_for) == (REVISION, "")
    assert dict(status.counts) == {"converged": 1, "running": 1}


def test_a_host_is_told_with_what_its_last_run_said() -> None:
    outcome = builders.outcome(
        FailureClass.SERVICE_DID_NOT_START, exit_code=3, last_line="no, it does not start"
    )
    install = builders.attempt(ITEM, "pc-02", number=2, outcome=outcome)
    bad = structs.replace(
        BAD,
        install=install,
        running=Version("1.0.0"),
        running_digest=builders.digest_of("tool 1.0.0"),
        drifted=True,
    )

    found = summarize_hosts(builders.desired(ITEM), applied(GOOD, bad).plan, LATER)

    assert list(found) == [(ITEM.name, "pc-01"), (ITEM.name, "pc-02")]
    status = found[ITEM.name, HostName("pc-02")]
    assert (status.state, status.reason, status.fix) == (
        "failed",
        "ServiceDidNotStart",
        "publish a version that starts",
    )
    assert (status.wanted, status.running) == ("2.0.0", "1.0.0")
    assert status.sha256 == builders.digest_of("tool 1.0.0").hex
    assert (status.exit_code, status.last_line) == (3, "no, it does not start")
    assert (status.exec_id, status.result_id, status.attempt) == (install.exec_id, "result-1", 2)
    assert (status.drifted, status.install_intact) == (True, True)
    fresh = found[ITEM.name, HostName("pc-01")]
    assert (fresh.exec_id, fresh.exit_code, fresh.attempt, fresh.install_intact) == (
        None,
        None,
        0,
        None,
    )


def live(pin: str, *, revoked: bool = False) -> LiveJob:
    return LiveJob(id=ITEM.job.id, manifest={}, pin=Version(pin), revoked=revoked)


def written(state: StepState) -> Applied:
    outcome = StepOutcome(step=step("install-tool"), state=state)
    return Applied(plan=Plan(revision=REVISION, steps=(outcome.step,)), outcomes=(outcome,))


NOTHING_DONE = Applied(plan=Plan(revision=REVISION))


@pytest.mark.parametrize(
    ("catalogue", "done", "registered", "reason"),
    [
        (None, NOTHING_DONE, None, "Missing"),
        (None, written(StepState.FAILED), None, "JobMissing"),
        (None, written(StepState.SKIPPED), None, "JobMissing"),
        (None, written(StepState.DONE), "2.0.0", "InSync"),
        (live("1.0.0"), written(StepState.DONE), "2.0.0", "InSync"),
        (live("1.0.0"), NOTHING_DONE, "1.0.0", "VersionDiffers"),
        (live("2.0.0"), NOTHING_DONE, "2.0.0", "InSync"),
        (live("2.0.0", revoked=True), NOTHING_DONE, "2.0.0", "Revoked"),
    ],
)
def test_a_job_is_told_as_the_pass_has_left_it(
    catalogue: LiveJob | None, done: Applied, registered: str | None, reason: str
) -> None:
    jobs = {ITEM.job.id: catalogue} if catalogue is not None else {}

    found = summarize_jobs(builders.desired(ITEM), Observed(jobs=jobs), done)

    status = found[ITEM.job.id]
    assert (status.release, status.version) == ("tool", "2.0.0")
    assert (status.registered, status.reason) == (registered, reason)
    probe = found[JobId("version-tool")]
    assert (probe.release, probe.version, probe.reason) == (None, "1", "Missing")


def test_whether_kanade_can_be_read_keeps_its_time_while_it_says_the_same() -> None:
    silent = KanadeUnavailable("no answer from NATS")
    first = reachability(silent, (), NOON)
    again = reachability(KanadeUnavailable("no answer from NATS"), (first,), LATER)
    back = reachability(None, (again,), LATER)

    assert (first.status, first.reason, first.message) == (
        Truth.FALSE,
        "KanadeUnavailable",
        "no answer from NATS",
    )
    assert again == first
    assert (back.status, back.reason, back.since) == (Truth.TRUE, "Reachable", LATER)
