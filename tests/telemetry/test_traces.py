"""One trace from a commit to its proof, over passes, controllers and restarts."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from reconciler.cli.tracing import open_traces
from reconciler.model.identity import Revision
from reconciler.model.outcome import Applied
from reconciler.model.plan import Plan
from reconciler.model.status import Change, ControllerStatus, ReleaseStatus, Status
from reconciler.telemetry.otel import Traces
from reconciler.telemetry.spans import spans
from tests.notify.far_end import far_end
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.fake_agents import FakeAgent, Order, Run
from tests.support.simulation import INSTALL, TOOL, Simulation
from tests.support.small_fleet import commit
from tests.support.virtual_time import in_virtual_time

CHAIN = ["change", "plan", "step", "command"]


@dataclass
class Collector:
    """Where spans arrive, from however many controllers."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def traces(self) -> Traces:
        return Traces(SimpleSpanProcessor(self.exporter), "one", "0.1.0")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def way_to(self, span: ReadableSpan) -> list[str]:
        """Return the names from the root down to *span*."""
        by_id = {item.context.span_id: item for item in self.spans if item.context is not None}
        names = [span.name]
        while span.parent is not None:
            span = by_id[span.parent.span_id]
            names.insert(0, span.name)
        return names


async def bump(fleet: Simulation, *onlookers: Traces) -> None:
    """Converge on 1.0.0, then commit 2.0.0 and converge on that."""
    async with fleet.living(), fleet.controller("one", *onlookers) as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"))
        fleet.world.repository.commit(commit("2.0.0"))
        controller.wake_source()
        await fleet.until(lambda: fleet.all_run("2.0.0"))


@in_virtual_time
async def test_a_bump_is_one_trace_from_its_commit_to_its_proof() -> None:
    collector = Collector()

    await bump(Simulation.of(commit("1.0.0")), collector.traces())

    snapshot = commit("2.0.0")
    traces = {span.context.trace_id for span in collector.spans if span.context is not None}
    assert [f"{trace:032x}" for trace in traces] == [snapshot.commit.revision[:32]]
    (change,) = collector.named("change")
    assert change.parent is None
    assert (change.attributes or {})["version"] == "2.0.0"
    assert change.start_time == int(snapshot.commit.committed_at.timestamp()) * 10**9
    assert [collector.way_to(span) for span in collector.named("source.fetch")] == [
        ["change", "source.fetch"]
    ]
    for end in ("result", "proof"):
        found = collector.named(end)
        assert {(item.attributes or {})["host"] for item in found} == {"pc-01", "pc-02"}
        assert [collector.way_to(item) for item in found] == [[*CHAIN, end]] * 2
    assert {span.status.status_code for span in collector.spans} == {StatusCode.OK}
    assert max(span.end_time or 0 for span in collector.spans) == change.end_time


@in_virtual_time
async def test_no_span_is_told_twice() -> None:
    collector = Collector()

    await bump(Simulation.of(commit("1.0.0")), collector.traces())

    counted = Counter(span.context.span_id for span in collector.spans if span.context is not None)
    assert set(counted.values()) == {1}


@in_virtual_time
async def test_two_controllers_tell_the_same_spans() -> None:
    """As one does that is restarted: where one left off the other adds to the same trace."""
    one, other = Collector(), Collector()

    await bump(Simulation.of(commit("1.0.0")), one.traces(), other.traces())

    ids = [
        {span.context.span_id for span in collector.spans if span.context is not None}
        for collector in (one, other)
    ]
    assert ids[0] == ids[1]


def ended(collector: Collector) -> list[tuple[object, StatusCode]]:
    """Return the version and the status of each change that has ended."""
    return [
        ((span.attributes or {})["version"], span.status.status_code)
        for span in collector.named("change")
    ]


@in_virtual_time
async def test_a_change_that_fails_ends_its_trace() -> None:
    fleet, collector = Simulation.of(commit("1.0.0")), Collector()
    async with fleet.living(), fleet.controller("one", collector.traces()) as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"))
        for agent in fleet.agents.values():
            agent.scripted[INSTALL].append(fails)
        fleet.world.repository.commit(commit("2.0.0"))
        controller.wake_source()
        await fleet.until(lambda: bool(collector.named("change")))

        (root,) = collector.named("change")
        change = fleet.world.own.status.releases[TOOL].change
        assert ended(collector) == [("2.0.0", StatusCode.ERROR)]
        assert change is not None
        assert change.failed_at is not None
        assert root.end_time == int(change.failed_at.timestamp()) * 10**9

        fleet.world.repository.commit(commit("3.0.0"))
        controller.wake_source()
        await fleet.until(lambda: fleet.all_run("3.0.0"))

    assert ended(collector) == [("2.0.0", StatusCode.ERROR), ("3.0.0", StatusCode.OK)]


@in_virtual_time
async def test_a_change_that_is_replaced_ends_its_trace() -> None:
    fleet, collector = Simulation.of(commit("1.0.0")), Collector()
    async with fleet.living(), fleet.controller("one", collector.traces()) as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"))
        for version in ("2.0.0", "3.0.0"):
            fleet.world.repository.commit(commit(version))
            controller.wake_source()
            await fleet.until(partial(is_asked_for, fleet, version))
        await fleet.until(lambda: fleet.all_run("3.0.0"))

    assert ended(collector) == [("2.0.0", StatusCode.ERROR), ("3.0.0", StatusCode.OK)]


@in_virtual_time
async def test_a_change_whose_release_is_removed_ends_its_trace() -> None:
    fleet, collector = Simulation.of(commit("1.0.0")), Collector()
    asked = commit("2.0.0")
    gone = ("releases/tool.yaml", "jobs/install-tool.yaml")
    rest = {path: blob for path, blob in asked.files.items() if path not in gone}
    removal = replace(asked, files=rest, commit=replace(asked.commit, revision=Revision("d" * 40)))
    async with fleet.living(), fleet.controller("one", collector.traces()) as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"))
        fleet.world.repository.commit(asked)
        controller.wake_source()
        await fleet.until(partial(is_asked_for, fleet, "2.0.0"))
        removed_at = fleet.world.clock.now()
        fleet.world.repository.commit(removal)
        controller.wake_source()
        await fleet.until(lambda: TOOL not in fleet.world.own.status.releases)
        await fleet.until(lambda: bool(collector.named("change")))

    (root,) = collector.named("change")
    assert ended(collector) == [("2.0.0", StatusCode.ERROR)]
    assert (root.attributes or {})["error.type"] == "Removed"
    assert (root.end_time or 0) >= int(removed_at.timestamp()) * 10**9


def test_what_was_proved_or_has_failed_before_it_was_removed_has_ended_already() -> None:
    asked = Change(revision=REVISION, committed_at=NOON)
    applied = Applied(plan=Plan(revision=REVISION), planned=NOON)
    nothing = replace(status_with(asked), releases={})

    assert [span.ended for span in spans(status_with(asked), nothing, applied, None)] == [NOON]
    for ended_before in (replace(asked, proved_at=NOON), replace(asked, failed_at=NOON)):
        assert list(spans(status_with(ended_before), nothing, applied, None)) == []


def test_a_failed_change_that_is_proved_after_all_says_when_it_was_mended() -> None:
    failed = Change(revision=REVISION, committed_at=NOON, failed_at=NOON + timedelta(minutes=1))
    proved = replace(failed, proved_at=NOON + timedelta(minutes=5))
    before, after = status_with(failed), status_with(proved)

    told = spans(before, after, Applied(plan=Plan(revision=REVISION)), None)

    assert [(span.name, span.failed, span.ended) for span in told] == [
        ("change", True, NOON + timedelta(minutes=1)),
        ("mended", False, NOON + timedelta(minutes=5)),
    ]


def fails(_: FakeAgent, __: Order) -> Run:
    return Run(exit_code=15, stderr="service did not start: 1.0.0 is back and runs")


def is_asked_for(fleet: Simulation, version: str) -> bool:
    return fleet.world.own.status.releases[TOOL].version == version


def status_with(change: Change) -> Status:
    item = builders.release()
    release = ReleaseStatus(
        name=item.name,
        package=item.package,
        version=item.version,
        fingerprint=item.fingerprint,
        revision=REVISION,
        job=item.job.id,
        conditions=(),
        change=change,
    )
    return Status(controller=ControllerStatus(revision=REVISION), releases={item.name: release})


@in_virtual_time
async def test_what_was_wanted_before_anybody_looked_has_no_trace() -> None:
    fleet, collector = Simulation.of(commit("1.0.0")), Collector()
    async with fleet.living(), fleet.controller("one", collector.traces()):
        await fleet.until(lambda: fleet.all_run("1.0.0"))

    assert collector.spans == ()


async def test_a_collector_that_is_named_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Change(revision=REVISION, committed_at=NOON)
    before = status_with(asked)
    after = status_with(replace(asked, proved_at=NOON + timedelta(minutes=1)))
    async with far_end() as end:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", end.address)
        async with open_traces("one", os.environ) as (traces,):
            traces.published(before, after)
            traces.passed(timedelta(seconds=1), Applied(plan=Plan(revision=REVISION)), "")

        (request,) = end.requests
    assert (request.method, request.path) == ("POST", "/v1/traces")
    assert b"kanade-reconciler" in request.body
    assert bytes.fromhex(REVISION[:32]) in request.body


async def test_nobody_who_does_not_ask_loads_the_library() -> None:
    async with open_traces("one", {}) as onlookers:
        assert onlookers == ()
    told = "import reconciler.cli.main, sys; print('opentelemetry' in sys.modules)"
    done = subprocess.run(  # noqa: ASYNC221 (nothing else is under way)
        [sys.executable, "-c", told], capture_output=True, check=True, text=True
    )

    assert done.stdout == "False\n"
