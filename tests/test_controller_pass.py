"""One pass: reports are kept before they are acknowledged, and a look changes nothing."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.desired.load import load
from reconciler.errors import KanadeUnavailable, LeaseLost
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import Desired
from reconciler.model.identity import (
    ExecId,
    HostName,
    ObjectRef,
    RequestId,
    ResultId,
    SecretName,
)
from reconciler.model.observed import BackendState
from reconciler.model.report import RunStarted
from reconciler.revisions import Standing
from tests.support.fake_agents import FakeAgent
from tests.support.fake_world import Crash, World
from tests.support.fakes import Fakes, connect, populate
from tests.support.small_fleet import commit

SNAPSHOT = commit("1.0.0", hosts=("pc-01",))
PC = HostName("pc-01")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A fleet of one host, and the controller that leads."""

    world: World
    fakes: Fakes
    agent: FakeAgent
    desired: Desired

    async def make(self) -> None:
        assert await self.fakes.work.make(self.fakes.revisions.standing) is not None
        self.world.clock.advance(timedelta(seconds=1))

    async def take_reports(self) -> list[str]:
        """Take what has come in, and return which calls that were."""
        before = len(self.world.weather.calls)
        try:
            await self.fakes.work.take_reports(self.desired)
        finally:
            calls = self.world.weather.calls[before:]
        return calls

    def attempt(self, purpose: Purpose) -> Attempt:
        (release,) = self.desired.releases
        return self.world.own.attempts[release.name, PC, purpose]


@pytest.fixture
async def scene() -> Scene:
    world = World()
    world.secrets[SecretName("tool-token")] = "a viewer's token"
    world.repository.commit(SNAPSHOT)
    desired = load(SNAPSHOT)
    fakes = connect(world)
    agent = populate(world, desired)[PC]
    await fakes.lease.attempt()
    await fakes.revisions.fetch()
    return Scene(world=world, fakes=fakes, agent=agent, desired=desired)


async def test_a_few_passes_bring_a_fleet_from_nothing_to_where_it_should_be(scene: Scene) -> None:
    for _ in range(4):
        await scene.make()
        scene.agent.work()

    (release,) = scene.desired.releases
    assert scene.agent.runs == {release.package: ("1.0.0", release.artifact.digest)}
    assert set(scene.world.own.packages) == {ObjectRef("tool", "1.0.0")}
    assert scene.world.own.status.releases[release.name].counts == {"converged": 1}
    assert scene.world.reports == []


async def test_without_a_revision_nothing_is_read_and_the_status_says_why(scene: Scene) -> None:
    nothing = Standing()
    before = len(scene.world.weather.calls)

    assert await scene.fakes.work.make(nothing) is None

    assert scene.world.weather.calls[before:] == ["board.publish", "lease.renew"]
    assert scene.world.own.status.controller.revision is None


async def test_what_arrives_during_a_pass_is_the_next_ones(scene: Scene) -> None:
    """Each revision is announced once, with what was planned for it and not for another."""
    before = scene.fakes.revisions.standing
    later = commit("2.0.0", hosts=("pc-01",))
    scene.world.repository.commit(later)
    await scene.fakes.revisions.fetch()

    await scene.fakes.work.make(before)
    first = scene.world.own.status.controller.revision
    await scene.make()

    assert (first, scene.world.own.status.controller.revision) == (
        SNAPSHOT.commit.revision,
        later.commit.revision,
    )
    told = [event for event in scene.world.own.events if event.kind == "RevisionApplied"]
    assert [event.revision for event in told] == [SNAPSHOT.commit.revision, later.commit.revision]


async def test_a_look_plans_and_changes_nothing(scene: Scene) -> None:
    before = len(scene.world.weather.calls)

    _, plan = await scene.fakes.work.preview(scene.desired)

    assert [step.reason for step in plan.steps][:2] == ["JobMissing", "PackageMissing"]
    calls = scene.world.weather.calls[before:]
    assert {call for call in calls if not call.endswith((".refresh", ".room"))} == {"backend.state"}


@pytest.mark.parametrize("resync", [False, True])
async def test_only_a_pass_anew_trusts_no_copy_and_sweeps_the_stores(
    scene: Scene, *, resync: bool
) -> None:
    before = len(scene.world.weather.calls)

    await scene.fakes.work.make(scene.fakes.revisions.standing, resync=resync)

    calls = scene.world.weather.calls[before:]
    assert (calls.count("fleet.resync"), calls.count("fleet.refresh")) == (resync, not resync)
    assert ("scripts.sweep" in calls) is resync


async def test_a_report_is_proved_then_kept_then_acknowledged(scene: Scene) -> None:
    await scene.make()
    scene.agent.work()

    assert await scene.take_reports() == [
        "records.refresh",
        "reports.take",
        "journal.record",
        "reports.acknowledge",
        "journal.prove",
        "journal.record",
        "reports.acknowledge",
    ]
    probe = scene.attempt(Purpose.PROBE)
    assert probe.outcome is not None
    assert (probe.started_at, probe.outcome.last_line) == (scene.world.clock.now(), "tool absent")


@pytest.mark.parametrize("call", ["journal.record", "journal.prove"])
async def test_a_report_that_could_not_be_kept_comes_again(scene: Scene, call: str) -> None:
    await scene.make()
    scene.agent.work()
    scene.world.weather.spoil(call, KanadeUnavailable("silent"))
    with pytest.raises(KanadeUnavailable):
        await scene.take_reports()
    assert scene.world.reports

    await scene.take_reports()

    assert scene.world.reports == []
    assert scene.attempt(Purpose.PROBE).settled
    assert len(scene.world.own.proofs) == 1


@pytest.mark.parametrize("number", [1, 2])
async def test_a_report_that_is_told_twice_is_kept_once(scene: Scene, number: int) -> None:
    """It was kept, and the controller died before it could say so: of the start, or of the end."""
    await scene.make()
    scene.agent.work()
    for spell in [lambda: None] * (number - 1):
        scene.world.weather.spoil("reports.acknowledge", spell)
    scene.world.weather.spoil("reports.acknowledge", Crash())
    with pytest.raises(Crash):
        await scene.take_reports()
    kept = scene.attempt(Purpose.PROBE)
    assert (kept.started_at is not None, kept.settled) == (True, number == 2)

    scene.world.reports[1:] = []
    calls = await scene.take_reports()

    assert calls == ["records.refresh", "reports.take", "reports.acknowledge"]
    assert scene.attempt(Purpose.PROBE) == kept


async def test_who_does_not_lead_keeps_no_report_and_leaves_it_to_the_leader(scene: Scene) -> None:
    await scene.make()
    scene.agent.work()
    scene.world.own.is_taken_over()

    with pytest.raises(LeaseLost):
        await scene.take_reports()

    assert len(scene.world.reports) == 2


async def test_what_the_slot_gives_away_of_an_exec_over_http_is_kept(scene: Scene) -> None:
    """Its answer was lost, so the ids that the backend made are in the slot alone."""
    scene.world.backend = BackendState.UP
    scene.world.weather.spoil("http.exec", KanadeUnavailable("silent"), after=True)
    await scene.make()
    lost = scene.attempt(Purpose.PROBE)
    assert (lost.via, lost.sent_at, lost.exec_id) == (Via.HTTP, None, None)

    await scene.make()
    await scene.make()

    found = scene.attempt(Purpose.PROBE)
    slot = scene.fakes.fleet.slots()[PC]
    assert (found.request_id, found.exec_id) == (slot.request_id, slot.exec_id)
    assert isinstance(found.request_id, str)
    assert found.request_id.startswith("request-")


async def test_a_run_by_hand_is_not_taken_for_ours_while_ours_is_in_the_slot(scene: Scene) -> None:
    """It waited in the host's queue, and began after our intent, of the very same job."""
    scene.world.backend = BackendState.UP
    scene.world.weather.spoil("http.exec", KanadeUnavailable("silent"), after=True)
    await scene.make()
    lost, ours = scene.attempt(Purpose.PROBE), scene.world.slots[PC]
    started = RunStarted(
        result_id=ResultId("by hand"),
        request_id=RequestId("by hand"),
        exec_id=ExecId("by hand"),
        host=PC,
        job=lost.job,
        version=lost.version,
        at=scene.world.clock.now(),
    )
    scene.world.report(started)

    await scene.take_reports()

    assert scene.attempt(Purpose.PROBE).slot_sequence == ours.sequence
    assert scene.attempt(Purpose.PROBE).request_id != "by hand"


async def test_what_slot_and_reports_do_not_tell_of_an_exec_the_backend_does(scene: Scene) -> None:
    """Somebody's later command is in the slot, and what the agent had said is lost."""
    scene.world.backend = BackendState.UP
    scene.world.weather.spoil("http.exec", KanadeUnavailable("silent"), after=True)
    await scene.make()
    scene.agent.begin()
    scene.world.reports.clear()
    del scene.world.slots[PC]

    calls = await scene.take_reports()

    found = scene.attempt(Purpose.PROBE)
    assert calls[-3:] == ["executions.of_job", "executions.runs_of", "journal.record"]
    ((_, row),) = scene.world.executions
    assert (found.exec_id, found.request_id) == (row.id, scene.world.runs[row.id][PC])
    assert "executions.of_job" not in await scene.take_reports()


async def test_a_result_that_was_evicted_before_anybody_read_it_is_the_backends_to_tell(
    scene: Scene,
) -> None:
    """RESULTS is capped, and whoever leads may have been away for days."""
    await scene.make()
    scene.agent.work()
    scene.world.reports.clear()
    scene.world.clock.advance(timedelta(days=3))

    calls = await scene.take_reports()

    found = scene.attempt(Purpose.PROBE)
    assert calls[-3:] == ["executions.result_of", "journal.prove", "journal.record"]
    assert found.outcome is not None
    assert found.outcome.failure is None
    assert "executions.result_of" not in await scene.take_reports()


async def test_a_report_of_a_run_that_is_not_ours_is_acknowledged_and_proves_all_the_same(
    scene: Scene,
) -> None:
    """Somebody has run the probe by hand."""
    await scene.make()
    report = scene.world.reports
    scene.agent.work()
    mine = report[-1]
    report[:] = [replace(mine, request_id=RequestId("by hand"), exec_id=ExecId("by hand"))]

    await scene.take_reports()

    assert not scene.attempt(Purpose.PROBE).settled
    assert len(scene.world.own.proofs) == 1
    assert scene.world.reports == []


async def test_who_has_just_started_does_not_take_back_what_was_told_before(scene: Scene) -> None:
    """It has not read the repository yet, so that it knows nothing new of it."""
    await scene.make()
    before, told = scene.world.own.status.controller, list(scene.world.own.events)

    fresh = connect(scene.world)
    await fresh.lease.attempt()
    await fresh.work.make(fresh.revisions.standing)
    await fresh.revisions.fetch()
    await fresh.work.make(fresh.revisions.standing)

    after = scene.world.own.status.controller
    assert (after.revision, after.subject) == (before.revision, before.subject)
    kinds = [event.kind for event in scene.world.own.events[len(told) :]]
    assert "RevisionApplied" not in kinds
    assert "Fetched" not in kinds
