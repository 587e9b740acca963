"""What is measured: as Prometheus reads it, and of a controller that lives in virtual time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import ReleaseName
from reconciler.model.outcome import Applied
from reconciler.model.plan import Plan
from reconciler.model.status import ControllerStatus, ReleaseStatus, Status
from reconciler.telemetry.metrics import Metrics
from tests.status.situations import failed_step
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.clock import FakeClock
from tests.support.simulation import Simulation
from tests.support.small_fleet import commit
from tests.support.virtual_time import LoopClock, in_virtual_time
from tests.telemetry.exposed import sample, samples

NOTHING = Status(controller=ControllerStatus(revision=None))
ITEM = builders.release()


def metrics(clock: FakeClock | None = None, leads: Callable[[], bool] = lambda: True) -> Metrics:
    return Metrics(leads, clock or FakeClock(), "0.1.0")


def release(
    reason: str,
    name: str = "tool",
    *,
    hosts: int = 3,
    waits: str = "",
    since: datetime = NOON,
) -> ReleaseStatus:
    ready = Condition(
        type=ConditionType.READY,
        status=Truth.FALSE,
        reason=reason,
        message="",
        revision=REVISION,
        since=since,
    )
    return ReleaseStatus(
        name=ReleaseName(name),
        package=ITEM.package,
        version=ITEM.version,
        fingerprint=ITEM.fingerprint,
        revision=REVISION,
        job=ITEM.job.id,
        conditions=(ready,),
        counts={"running": hosts},
        waits_for=waits,
    )


def status(*releases: ReleaseStatus) -> Status:
    return replace(NOTHING, releases={item.name: item for item in releases})


@pytest.mark.parametrize(
    ("applied", "reason", "result"),
    [
        (None, "KanadeUnavailable", "error"),
        (Applied(plan=Plan(revision=REVISION)), "", "success"),
        (Applied(plan=Plan(revision=REVISION, wake_at=NOON)), "", "requeue_after"),
        (
            Applied(plan=Plan(revision=REVISION), outcomes=(failed_step(transient=True),)),
            "",
            "error",
        ),
        (None, "", "success"),
    ],
)
def test_a_pass_is_counted_by_how_it_ended(
    applied: Applied | None, reason: str, result: str
) -> None:
    measured = metrics()

    measured.passed(timedelta(seconds=0.3), applied, reason)

    results = {"success": 0, "requeue_after": 0, "error": 0} | {result: 1}
    found = {name: sample(measured, "reconcile_total", result=name) for name in results}
    assert found == results
    assert sample(measured, "reconcile_duration_seconds_sum") == 0.3
    assert sample(measured, "reconcile_duration_seconds_bucket", le="0.25") == 0
    assert sample(measured, "reconcile_duration_seconds_bucket", le="0.5") == 1


def test_only_a_repository_that_was_read_moves_its_time() -> None:
    measured = metrics()
    measured.fetched(NOON, NOON, None)
    assert sample(measured, "source_last_success_timestamp_seconds") == 0

    measured.fetched(NOON, NOON + timedelta(seconds=2), REVISION)

    found = sample(measured, "source_last_success_timestamp_seconds")
    assert found == NOON.timestamp() + 2


def test_a_condition_is_one_of_its_three_values() -> None:
    measured = metrics()
    unread = Condition(
        type=ConditionType.SOURCE_READY,
        status=Truth.UNKNOWN,
        reason="R",
        message="",
        revision=None,
        since=NOON,
    )
    told = replace(
        status(release("NoRoom")), controller=ControllerStatus(revision=None, conditions=(unread,))
    )

    measured.published(NOTHING, told)

    ready = [
        sample(measured, "condition", name="tool", type="Ready", status=truth) for truth in Truth
    ]
    source = [
        sample(measured, "condition", name="", type="SourceReady", status=truth) for truth in Truth
    ]
    assert (ready, source) == ([0, 1, 0], [0, 0, 1])


def test_hosts_are_counted_in_every_state_also_where_there_are_none() -> None:
    measured = metrics()

    measured.published(NOTHING, status(release("Progressing")))

    assert sample(measured, "hosts", release="tool", state="running") == 3
    assert sample(measured, "hosts", release="tool", state="failed") == 0


def test_ten_thousand_hosts_are_as_many_series_as_one() -> None:
    few, many = metrics(), metrics()
    few.published(NOTHING, status(release("Progressing", hosts=1)))
    many.published(NOTHING, status(release("Progressing", hosts=10_000)))

    assert len(samples(few)) == len(samples(many)) < 150


def test_what_is_waited_for_longest_counts() -> None:
    clock = FakeClock()
    measured = metrics(clock)
    late = NOON + timedelta(minutes=4)
    told = status(
        release("ApprovalRequired", "a", waits="approval"),
        release("ApprovalRequired", "b", waits="approval", since=late),
        release("OutsideWindow", "c", waits="a window", since=late),
        release("Progressing", "d"),
    )
    measured.published(NOTHING, told)

    clock.advance(timedelta(minutes=5))

    waiting = {labels: value for (name, labels), value in samples(measured).items()
               if name == "rollout_waiting_seconds"}  # fmt: skip
    assert waiting == {(("on", "ApprovalRequired"),): 300, (("on", "OutsideWindow"),): 60}


def test_a_standby_says_that_it_is_one_and_nothing_of_the_fleet() -> None:
    leads = True
    measured = metrics(leads=lambda: leads)
    measured.published(NOTHING, status(release("Progressing")))
    assert sample(measured, "leader") == 1

    leads = False

    assert sample(measured, "leader") == 0
    assert sample(measured, "hosts", release="tool", state="running") is None


@in_virtual_time
async def test_a_bump_is_measured_from_its_commit_to_its_proof() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    measured = metrics(LoopClock())
    async with fleet.living(), fleet.controller("one", measured) as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"))
        assert sample(measured, "changes_converged_total", release="tool") == 0

        fleet.world.repository.commit(commit("2.0.0"))
        controller.wake_source()
        await fleet.until(lambda: fleet.all_run("2.0.0"))

    assert sample(measured, "changes_converged_total", release="tool") == 1
    assert sample(measured, "changes_failed_total", release="tool") == 0
    assert sample(measured, "change_lead_time_seconds_count", release="tool") == 1
    assert sample(measured, "hosts", release="tool", state="converged") == 2
    assert sample(measured, "condition", name="tool", type="Ready", status="True") == 1
    assert sample(measured, "condition", name="", type="SourceReady", status="True") == 1
    assert (sample(measured, "source_last_success_timestamp_seconds") or 0) > 0
