"""Whatever is changed over HTTP, the lease is renewed before, for longer than it may take."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.agents import HttpAgentRollout
from reconciler.kanade.http import Answer, Ask, BackendClient, BackendOptions
from reconciler.kanade.http_jobs import HttpJobs, HttpRunner
from reconciler.kanade.http_objects import HttpObjects
from reconciler.kanade.http_write import WRITE_WITHIN, BackendWriter
from reconciler.kanade.jobs import NatsCatalogue
from reconciler.kanade.objects import NatsObjects
from reconciler.model.action import UpsertJob
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, JobId, ObjectRef, Version
from reconciler.ports import BytesContent
from tests.support.builders import attempt, job, release
from tests.support.clock import FakeClock
from tests.support.lease import LeaseOfOne

SPEC, KEPT = job("install-tool"), JobId("kept")
UPSERT = UpsertJob(job=SPEC, manifest={**SPEC.manifest, "version": "2"}, version=Version("2"))
REF, SMALL, LARGE = ObjectRef("tool", "2.0"), b"small", bytes(3_000_000)


class Wire(BackendClient):
    """A client whose requests are answered here; it notes how often was confirmed before each."""

    def __init__(self, lease: LeaseOfOne, *statuses: int) -> None:
        self._tokens = iter(f"token-{number}" for number in range(100))
        options = BackendOptions(url="http://backend", token=lambda: next(self._tokens))
        super().__init__(options, FakeClock())
        self._lease = lease
        self._statuses = list(statuses)
        self.sent: list[tuple[Ask, int]] = []
        self.body = b""

    async def _send(self, ask: Ask, token: str | None) -> Answer:
        del token
        self.sent.append((ask, len(self._lease.asked)))
        if ask.body is not None and not isinstance(ask.body, bytes):
            self.body = b"".join([block async for block in ask.body])
        status = self._statuses.pop(0) if self._statuses else 200
        return Answer(status, "application/json", "", None, b"{}")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Every adapter that writes over HTTP, and the lease that it asks."""

    lease: LeaseOfOne
    writer: BackendWriter
    catalogue: NatsCatalogue
    packages: NatsObjects


async def _publish(bench: Bench, data: bytes) -> None:
    objects = HttpObjects(bench.writer, bench.packages)
    await objects.publish(REF, BytesContent(data), Digest.of(data), replaces=0)


async def _delete_object(bench: Bench) -> None:
    done = await bench.packages.publish(REF, BytesContent(b"x"), Digest.of(b"x"), replaces=0)
    await HttpObjects(bench.writer, bench.packages).delete(REF, sequence=done.sequence)


async def _exec(bench: Bench) -> None:
    runner = HttpRunner(bench.writer, FakeClock())
    await runner.send(runner.prepare(attempt(release(), sent=False), {}))


WRITES: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "exec": _exec,
    "job": lambda bench: HttpJobs(bench.writer, bench.catalogue).upsert(UPSERT, "id: it\n"),
    "job away": lambda bench: HttpJobs(bench.writer, bench.catalogue).delete(KEPT),
    "unrevoke": lambda bench: HttpJobs(bench.writer, bench.catalogue).unrevoke(KEPT),
    "agent": lambda bench: HttpAgentRollout(bench.writer).roll_out(HostName("pc"), Version("1")),
    "small object": lambda bench: _publish(bench, SMALL),
    "large object": lambda bench: _publish(bench, LARGE),
    "object away": _delete_object,
}


@pytest.fixture
async def parts(kanade: Connection) -> AsyncIterator[tuple[NatsCatalogue, NatsObjects]]:
    await Bucket(kanade, "jobs").put(KEPT, b'{"id": "kept"}')
    catalogue, packages = NatsCatalogue(kanade), NatsObjects(kanade, "app_packages")
    for part in (catalogue, packages):
        await part.start()
    yield catalogue, packages
    for part in (catalogue, packages):
        await part.stop()


def _bench(parts: tuple[NatsCatalogue, NatsObjects], wire: Wire, lease: LeaseOfOne) -> Bench:
    writer = BackendWriter(wire, lease)
    return Bench(lease=lease, writer=writer, catalogue=parts[0], packages=parts[1])


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_the_lease_is_renewed_for_each_request_and_outlasts_it(
    parts: tuple[NatsCatalogue, NatsObjects], write: Callable[[Bench], Awaitable[None]]
) -> None:
    lease = LeaseOfOne()
    wire = Wire(lease, 401)
    with suppress(ReconcilerError):  # what it answers is nobody's concern here
        await write(_bench(parts, wire, lease))

    assert [confirmed for _, confirmed in wire.sent] == list(range(1, len(wire.sent) + 1))
    is_whole = all(isinstance(ask.body, bytes | None) for ask, _ in wire.sent)
    assert len(wire.sent) == (2 if is_whole else 1)
    for ask, _ in wire.sent:
        assert ask.within == WRITE_WITHIN or not is_whole
    assert all(span > WRITE_WITHIN and anew for span, anew in lease.asked)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_who_does_not_lead_any_more_sends_nothing(
    parts: tuple[NatsCatalogue, NatsObjects], write: Callable[[Bench], Awaitable[None]]
) -> None:
    lease = LeaseOfOne(lost_after=0)
    wire = Wire(lease)

    with pytest.raises(LeaseLost):
        await write(_bench(parts, wire, lease))

    assert wire.sent == []


async def test_an_upload_is_given_its_end_only_while_we_lead(
    parts: tuple[NatsCatalogue, NatsObjects],
) -> None:
    lease = LeaseOfOne(lost_after=1)
    wire = Wire(lease)

    with pytest.raises(LeaseLost):
        await _publish(_bench(parts, wire, lease), LARGE)

    assert (len(wire.sent), wire.body) == (1, b"")
