"""Services are asked beside the passes: how often, how patiently, and what is remembered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.model.desired import HealthCheck
from reconciler.model.identity import HostName, ReleaseName, Version
from reconciler.model.observed import Health, Observed
from reconciler.model.proof import Proof
from reconciler.observe.health import HealthWatch, targets_to_ask
from reconciler.ports import HealthTarget
from tests.support import builders
from tests.support.builders import NOON
from tests.support.virtual_time import LoopClock, in_virtual_time

KEY = (ReleaseName("tool"), HostName("pc-01"))
CHECK = HealthCheck(url="http://{host}:8080/health", every=timedelta(seconds=30), failures=3)
TARGET = HealthTarget(CHECK, mark="result-1")


@dataclass
class Scripted:
    """Implements `ports.Services`: says what it is told to, and notes when it was asked."""

    wrong: str | None = None
    wrong_version: dict[Version, str] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)

    async def ask(self, url: str, version: Version | None = None, /) -> str | None:
        self.asked.append((asyncio.get_running_loop().time(), url))
        if version is not None:
            return self.wrong_version.get(version)
        return self.wrong


WITH_VERSION = replace(CHECK, version_url="http://{host}:8080/api/version")


@dataclass
class Ground:
    services: Scripted
    watch: HealthWatch
    wakes: list[float]

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def known(self) -> Health | None:
        return self.watch.read().get(KEY)


@asynccontextmanager
async def watching(wrong: str | None = None) -> AsyncIterator[Ground]:
    services, wakes = Scripted(wrong), list[float]()
    loop = asyncio.get_running_loop()
    watch = HealthWatch(services, LoopClock(), lambda: wakes.append(loop.time()))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watch.run())
        watch.follow({KEY: TARGET})
        yield Ground(services, watch, wakes)
        running.cancel()


@in_virtual_time
async def test_a_service_is_asked_at_once_and_then_again_and_again() -> None:
    async with watching() as ground:
        await ground.pass_time(65)

    url = "http://pc-01:8080/health"
    assert ground.services.asked == [(0, url), (30, url), (60, url)]
    assert ground.known() == Health(ok=True, since=NOON)
    assert ground.wakes == [0]


@in_virtual_time
async def test_it_takes_bad_answers_in_a_row_to_be_unhealthy() -> None:
    async with watching() as ground:
        await ground.pass_time(1)
        ground.services.wrong = "it answers 500"
        await ground.pass_time(60)
        assert ground.known() == Health(ok=True, since=NOON)
        await ground.pass_time(30)

        assert ground.known() == Health(
            ok=False, since=NOON + timedelta(seconds=90), message="it answers 500"
        )
        ground.services.wrong = None
        await ground.pass_time(30)

        assert ground.known() == Health(ok=True, since=NOON + timedelta(seconds=120))
        assert ground.wakes == [0, 90, 120]


@in_virtual_time
async def test_before_enough_answers_nothing_is_known() -> None:
    async with watching("it cannot be reached") as ground:
        await ground.pass_time(59)
        assert ground.known() is None
        await ground.pass_time(2)

        found = ground.known()
        assert found is not None
        assert not found.ok


@in_virtual_time
async def test_what_was_said_before_an_install_is_not_held_against_it() -> None:
    async with watching("it answers 500") as ground:
        await ground.pass_time(70)
        assert ground.known() is not None

        ground.watch.follow({KEY: HealthTarget(CHECK, mark="result-2")})

        assert ground.known() is None
        await ground.pass_time(59)
        assert ground.known() is None


@in_virtual_time
async def test_who_is_not_wanted_any_more_is_not_asked() -> None:
    async with watching() as ground:
        await ground.pass_time(1)
        ground.watch.follow({})
        await ground.pass_time(100)

    assert len(ground.services.asked) == 1
    assert ground.known() is None


@in_virtual_time
async def test_a_service_that_is_well_must_tell_the_version_that_is_wanted() -> None:
    old, new = Version("1.0.0"), Version("2.0.0")
    async with watching() as ground:
        ground.services.wrong_version[new] = "it shows version 1.0.0"
        for version in (old, new):
            ground.watch.follow({KEY: HealthTarget(WITH_VERSION, mark=version, version=version)})
            await ground.pass_time(70)
            known = ground.known()
            assert known is not None
            assert known.ok is (version == old)
            assert known.message == ground.services.wrong_version.get(version, "")


@in_virtual_time
async def test_a_service_that_is_not_well_is_not_asked_for_its_version() -> None:
    async with watching("it answers 500") as ground:
        ground.watch.follow({KEY: HealthTarget(WITH_VERSION, mark="r", version=Version("2.0.0"))})
        await ground.pass_time(65)

    assert {url for _, url in ground.services.asked} == {"http://pc-01:8080/health"}


async def test_whoever_only_looks_on_may_ask_once() -> None:
    services = Scripted()
    watch = HealthWatch(services, LoopClock(), lambda: None)
    assert not await watch.ask_due()
    watch.follow({KEY: TARGET})

    assert await watch.ask_due()
    assert not await watch.ask_due()

    assert watch.read()[KEY].ok
    assert len(services.asked) == 1


def test_a_result_that_is_newer_than_the_last_probe_is_what_is_asked_about() -> None:
    """A release may have lost its probe since: what that saw then is nothing to wait for."""
    item = builders.release("2.0.0", hosts=["pc-01"])
    item = replace(item, verify=replace(item.verify, http=WITH_VERSION))
    newer = builders.evidence("2.0.0", name="newer")
    proof = Proof(
        package=item.package,
        host=HostName("pc-01"),
        by_probe=builders.evidence("1.0.0", sha=builders.digest_of("old"), ago=timedelta(hours=2)),
        by_result=newer,
    )
    observed = replace(Observed(), proofs={(item.package, proof.host): proof})

    found = targets_to_ask(builders.desired(item), observed)

    assert [(one.mark, one.version) for one in found.values()] == [(newer.id, "2.0.0")]


def test_the_version_to_tell_is_that_of_the_bytes_that_run() -> None:
    """While hosts go back it is not the one that git asks for."""
    item = builders.release("2.0.0", hosts=["pc-01", "pc-02"])
    item = replace(item, verify=replace(item.verify, http=WITH_VERSION))
    old = builders.release("1.0.0", hosts=["pc-01", "pc-02"])
    runs = {"pc-01": old, "pc-02": item}
    observed = replace(
        Observed(),
        proofs={
            (item.package, HostName(host)): Proof(
                package=item.package,
                host=HostName(host),
                by_probe=builders.evidence(one.version, sha=one.artifact.digest),
            )
            for host, one in runs.items()
        },
        records={(item.name, old.fingerprint): builders.record(old)},
        quarantine={(item.name, item.fingerprint): builders.quarantine(item)},
    )

    found = targets_to_ask(builders.desired(item), observed)

    assert {host: target.version for (_, host), target in found.items()} == {
        "pc-01": "1.0.0",
        "pc-02": "2.0.0",
    }
