"""One action, one port call, and nothing is ours before it is seen to be there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.last_look import LastLook
from reconciler.apply.perform import Performer
from reconciler.apply.removal import Remover
from reconciler.apply.revert import Reverter
from reconciler.apply.way import Way
from reconciler.desired.knobs import render_with
from reconciler.desired.load import load
from reconciler.errors import (
    ArtifactRefused,
    Conflict,
    DigestMismatch,
    KanadeUnavailable,
    LeaseLost,
    NoRoom,
    ReconcilerError,
    SecretUnavailable,
)
from reconciler.model.action import (
    Action,
    ExecJob,
    ProbeHost,
    PublishPackage,
    PublishScript,
    ReadBack,
    ResendCommand,
    Stored,
    UpsertJob,
)
from reconciler.model.attempt import Purpose, Via
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, Json, ObjectRef, SecretName, Version
from reconciler.model.observed import Owned
from reconciler.model.plan import Step
from reconciler.plan.manifest import complete, manifest_digest
from reconciler.ports import BytesContent, Content
from reconciler.state.lease import LENGTH
from tests.support import builders
from tests.support.fake_agent_releases import FakeAgents
from tests.support.fake_agents import FakeAgent
from tests.support.fake_fleet import FakeFleet, FakeHttpRunner, FakeNatsRunner
from tests.support.fake_source import FakeArtifacts, FakeReverts, FakeSecrets
from tests.support.fake_state import hold_state
from tests.support.fake_stores import FakeCatalogue, FakeJobs, FakeObjects
from tests.support.fake_world import World
from tests.support.small_fleet import binary_of, commit

SNAPSHOT = commit("2.0.0")
DESIRED = load(SNAPSHOT)
(TOOL,) = DESIRED.releases
PACKAGE, SCRIPT = ObjectRef("tool", "2.0.0"), ObjectRef("deploy-tool", "2.0.0")
TOKEN = SecretName("tool-token")
MANIFEST: Mapping[str, Json] = {"version": "2.0.0", "execute": {"shell": "sh", "script": "true"}}
PUBLISH_PACKAGE = PublishPackage(release=TOOL.name, ref=PACKAGE, artifact=TOOL.artifact)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A performer over one world, where the backend's way leads to another one."""

    world: World
    behind_backend: World
    performer: Performer
    artifacts: FakeArtifacts

    async def perform(self, action: Action, via: Via = Via.NATS) -> None:
        step = Step(action=action, release=TOOL.name, reason="", message="")
        await self.performer.perform(step, via, SNAPSHOT)

    @property
    def calls(self) -> list[str]:
        return self.world.weather.calls


def way(world: World, own: World, via: Via) -> Way:
    return Way(
        packages=FakeObjects(world, "app_packages"),
        scripts=FakeObjects(world, "scripts"),
        jobs=FakeJobs(world, FakeCatalogue(world)),
        runner=FakeNatsRunner(own) if via is Via.NATS else FakeHttpRunner(own),
        agents=FakeAgents(own),
    )


@pytest.fixture
async def bench() -> Bench:
    world, behind = World(), World()
    world.secrets[TOKEN] = "a viewer's token"
    own = hold_state(world)
    lease, ledger, artifacts = own.lease, own.ledger, FakeArtifacts(world=world)
    await lease.attempt()
    fleet = FakeFleet(world)
    FakeAgent(name=HostName("pc-01"), world=world).go_online()
    world.weather.calls.clear()
    performer = Performer(
        ways={Via.NATS: way(world, world, Via.NATS), Via.HTTP: way(behind, world, Via.HTTP)},
        artifacts=artifacts,
        secrets=FakeSecrets(world),
        inventory=ledger,
        archive=ledger,
        dispatcher=Dispatcher(
            journal=ledger,
            lease=lease,
            last_look=LastLook(fleet=fleet, records=own.records, clock=world.clock),
            clock=world.clock,
        ),
        remover=Remover(inventory=ledger, archive=ledger, records=own.records, lease=lease),
        reverter=Reverter(reverts=FakeReverts(world), secrets=FakeSecrets(world), archive=ledger),
    )
    return Bench(world=world, behind_backend=behind, performer=performer, artifacts=artifacts)


def publish_script(bench: Bench) -> PublishScript:
    """Return the action as it is planned with today's secrets."""
    text = render_with(TOOL.script, FakeSecrets(bench.world))
    return PublishScript(release=TOOL.name, ref=SCRIPT, script=TOOL.script, digest=Digest.of(text))


async def test_a_package_is_stored_read_back_and_then_written_down_as_ours(bench: Bench) -> None:
    await bench.perform(PUBLISH_PACKAGE)

    assert bench.calls == [
        "artifacts.open",
        "inventory.own_package",
        "app_packages.publish",
        "app_packages.check",
        "inventory.own_package",
    ]
    assert bench.world.stores["app_packages"][PACKAGE].data == binary_of("2.0.0")
    owned = Owned(digest=TOOL.artifact.digest, release=TOOL.name)
    assert bench.world.own.packages == {PACKAGE: owned}


@pytest.mark.parametrize("call", ["artifacts.open", "app_packages.publish", "app_packages.check"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_package_is_ours_by_intent_only_until_all_of_it_went_well(
    bench: Bench, call: str, *, after: bool
) -> None:
    bench.world.weather.spoil(call, KanadeUnavailable("silent"), after=after)

    with pytest.raises(KanadeUnavailable):
        await bench.perform(PUBLISH_PACKAGE)

    owned = bench.world.own.packages.get(PACKAGE)
    assert owned is None or not owned.checked
    assert (owned is None) == (call == "artifacts.open")
    assert bench.calls[-1] == call


async def test_what_was_broken_off_is_read_back_and_then_ours(bench: Bench) -> None:
    bench.world.weather.spoil("app_packages.check", KanadeUnavailable("silent"), after=False)
    with pytest.raises(KanadeUnavailable):
        await bench.perform(PUBLISH_PACKAGE)
    digest = TOOL.artifact.digest
    bench.calls.clear()

    await bench.perform(
        ReadBack(release=TOOL.name, kind=Stored.PACKAGE, ref=PACKAGE, digest=digest)
    )

    assert bench.calls == ["app_packages.check", "inventory.own_package"]
    assert bench.world.own.packages == {PACKAGE: Owned(digest=digest, release=TOOL.name)}


@pytest.mark.parametrize("via", Via)
async def test_who_was_stopped_past_the_lease_begins_nothing(bench: Bench, via: Via) -> None:
    bench.world.own.is_taken_over()
    bench.world.clock.advance(LENGTH)

    with pytest.raises(LeaseLost):
        await bench.perform(PUBLISH_PACKAGE, via)

    assert bench.calls == ["lease.renew"]


async def test_other_bytes_than_the_commit_names_are_not_published(bench: Bench) -> None:
    artifact = replace(TOOL.artifact, digest=builders.digest_of("what was asked for"))

    with pytest.raises(DigestMismatch):
        await bench.perform(replace(PUBLISH_PACKAGE, artifact=artifact))

    assert bench.world.stores["app_packages"] == {}
    assert not any(item.checked for item in bench.world.own.packages.values())


async def test_bytes_that_come_back_changed_are_not_ours(bench: Bench) -> None:
    def tamper() -> None:
        bench.world.put("app_packages", PACKAGE, b"evil", TOOL.artifact.digest)

    bench.world.weather.spoil("app_packages.publish", tamper, after=True)

    with pytest.raises(DigestMismatch):
        await bench.perform(PUBLISH_PACKAGE)

    assert not any(item.checked for item in bench.world.own.packages.values())


async def test_a_binary_of_another_version_is_refused_before_it_is_sent(bench: Bench) -> None:
    bench.artifacts.labels["artifacts/tool"] = Version("1.9.0")

    with pytest.raises(ArtifactRefused, match=r"the binary says it is 1\.9\.0"):
        await bench.perform(PUBLISH_PACKAGE)

    assert bench.calls == ["artifacts.open"]


async def test_only_what_was_observed_is_replaced(bench: Bench) -> None:
    sequence = bench.world.put("app_packages", PACKAGE, b"old", Digest.of(b"old")).sequence
    with pytest.raises(Conflict):
        await bench.perform(PUBLISH_PACKAGE)
    assert bench.world.stores["app_packages"][PACKAGE].data == b"old"

    await bench.perform(replace(PUBLISH_PACKAGE, replaces=sequence))

    assert bench.world.stores["app_packages"][PACKAGE].data == binary_of("2.0.0")


async def test_somebody_may_watch_the_bytes_go_by(bench: Bench) -> None:
    seen: list[tuple[ObjectRef, int]] = []

    def watch(ref: ObjectRef, content: Content) -> Content:
        seen.append((ref, content.size_bytes))
        return BytesContent(b"not these")

    bench_with_a_watch = replace(bench, performer=replace(bench.performer, watch=watch))
    with pytest.raises(DigestMismatch):
        await bench_with_a_watch.perform(PUBLISH_PACKAGE)

    assert seen == [(PACKAGE, len(binary_of("2.0.0")))]


async def test_a_script_is_stored_with_its_secret_and_then_written_down_as_ours(
    bench: Bench,
) -> None:
    action = publish_script(bench)
    await bench.perform(action)

    assert bench.calls == [
        "inventory.own_script",
        "scripts.publish",
        "scripts.check",
        "inventory.own_script",
    ]
    text = bench.world.stores["scripts"][SCRIPT].data.decode()
    assert "VERSION='2.0.0'" in text
    assert "TOKEN='a viewer'\\''s token'" in text
    assert bench.world.own.scripts == {SCRIPT: Owned(digest=action.digest, release=TOOL.name)}


async def test_a_secret_that_changed_since_the_plan_means_look_again(bench: Bench) -> None:
    action = publish_script(bench)
    bench.world.secrets[TOKEN] = "another token"

    with pytest.raises(Conflict, match=r"deploy-tool/2\.0\.0 has changed since") as raised:
        await bench.perform(action)

    assert "token" not in str(raised.value)
    assert (bench.calls, bench.world.stores["scripts"]) == ([], {})


async def test_a_secret_that_is_gone_is_named_and_nothing_is_sent(bench: Bench) -> None:
    action = publish_script(bench)
    bench.world.secrets.clear()

    with pytest.raises(SecretUnavailable, match="tool-token"):
        await bench.perform(action)

    assert bench.calls == []


@pytest.mark.parametrize("call", ["scripts.publish", "scripts.check"])
@pytest.mark.parametrize("error", [NoRoom("full"), KanadeUnavailable("silent")])
async def test_a_script_is_not_ours_unless_all_of_it_went_well(
    bench: Bench, call: str, error: ReconcilerError
) -> None:
    bench.world.weather.spoil(call, error)

    with pytest.raises(type(error)):
        await bench.perform(publish_script(bench))

    assert not any(item.checked for item in bench.world.own.scripts.values())


async def test_a_job_is_written_with_what_its_release_fills_in(bench: Bench) -> None:
    job = replace(TOOL.job, yaml=f"# by hand\n{TOOL.job.yaml}")
    manifest = complete(job, version=TOOL.version, script=SCRIPT, repo=DESIRED.repo)

    await bench.perform(UpsertJob(job=job, manifest=manifest, version=TOOL.version))

    kept = bench.world.jobs[job.id]
    assert kept.manifest == manifest
    assert bench.world.pins[job.id] == "2.0.0"
    assert kept.yaml.startswith("# by hand\n")
    assert "\nversion: 2.0.0\n" in kept.yaml
    assert "script_object: deploy-tool/2.0.0" in kept.yaml
    assert bench.world.own.owned_jobs[job.id].digest == manifest_digest(manifest)
    assert bench.calls == ["jobs.upsert", "jobs.pin", "catalogue.refresh", "inventory.own_job"]


def _attempt(purpose: Purpose) -> Action:
    attempt = builders.attempt(builders.release(), purpose=purpose, sent=False)
    if purpose is Purpose.PROBE:
        return ProbeHost(attempt=attempt, manifest=MANIFEST)
    return ExecJob(attempt=attempt, manifest=MANIFEST)


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_a_command_is_dispatched_once(bench: Bench, purpose: Purpose) -> None:
    await bench.perform(_attempt(purpose))

    assert bench.calls == ["journal.record", "runner.send", "journal.record"]
    (kept,) = bench.world.own.attempts.values()
    assert kept.wish.purpose is purpose


async def test_a_resend_prepares_nothing_anew(bench: Bench) -> None:
    attempt = replace(
        builders.attempt(builders.release(), sent=False), payload='{"the": "very bytes"}'
    )

    await bench.perform(ResendCommand(attempt=attempt))

    assert bench.calls == ["runner.send", "journal.record"]
    assert bench.world.slots[attempt.wish.host].payload == b'{"the": "very bytes"}'


@pytest.mark.parametrize(
    "make", [lambda _: PUBLISH_PACKAGE, publish_script], ids=["package", "script"]
)
async def test_what_is_stored_goes_the_way_that_the_plan_has_chosen(
    bench: Bench, make: Callable[[Bench], Action]
) -> None:
    await bench.perform(make(bench), Via.HTTP)

    assert all(not store for store in bench.world.stores.values())
    assert sum(len(store) for store in bench.behind_backend.stores.values()) == 1
