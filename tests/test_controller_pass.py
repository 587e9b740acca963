"""One pass: reports are kept before they are acknowledged, and a look changes nothing."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.desired.load import load
from reconciler.errors import KanadeUnavailable, LeaseLost
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.desired import Desired
from reconciler.model.identity import ExecId, HostName, ObjectRef, RequestId, SecretName
from reconciler.model.observed import BackendState
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
        assert await self.fakes.work.make(self.fakes.revisions) is not None
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
    await fakes.revisions.look()
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
    scene.fakes.revisions.in_force = None
    before = len(scene.world.weather.calls)

    assert await scene.fakes.work.make(scene.fakes.revisions) is None

    assert scene.world.weather.calls[before:] == ["board.tell"]
    assert scene.world.own.status.controller.revision is None


async def test_a_look_plans_and_changes_nothing(scene: Scene) -> None:
    before = len(scene.world.weather.calls)

    _, plan = await scene.fakes.work.look(scene.desired)

    assert [step.reason for step in plan.steps][:2] == ["JobMissing", "PackageMissing"]
    calls = scene.world.weather.calls[before:]
    assert {call for call in calls if not call.endswith(".refresh")} == {"backend.state"}


@pytest.mark.parametrize("anew", [False, True])
async def test_only_a_pass_anew_trusts_no_copy_and_sweeps_the_stores(
    scene: Scene, *, anew: bool
) -> None:
    before = len(scene.world.weather.calls)

    await scene.fakes.work.make(scene.fakes.revisions, anew=anew)

    calls = scene.world.weather.calls[before:]
    assert (calls.count("fleet.resync"), calls.count("fleet.refresh")) == (anew, not anew)
    assert ("scripts.sweep" in calls) is anew


async def test_a_report_is_kept_then_proved_then_acknowledged(scene: Scene) -> None:
    await scene.make()
    scene.agent.work()

    assert await scene.take_reports() == [
        "records.refresh",
        "reports.take",
        "journal.record",
        "reports.acknowledge",
        "journal.record",
        "journal.prove",
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
    scene.world.own.term = scene.world.next_sequence()

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
