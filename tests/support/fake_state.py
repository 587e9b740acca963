"""The fakes of our own state: leadership, the fenced records, and the status, over a `World`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from reconciler.errors import LeaseLost
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.identity import HostName, ObjectRef, PackageName, ReleaseName
from reconciler.model.observed import Owned, Requests
from reconciler.model.proof import Proof
from reconciler.model.status import Event, Status
from reconciler.ports import Clock
from reconciler.state.lease import LENGTH
from tests.support.fake_world import World

_MARGIN = timedelta(seconds=3)


class FakeLeadership:
    """Implements `ports.Leadership`: whoever sees one beat for its whole length takes over."""

    def __init__(self, world: World, instance: str, clock: Clock | None = None) -> None:
        self._world = world
        self._instance = instance
        self._clock = clock or world.clock
        self._term: int | None = None
        self._good_until = 0.0
        self._seen: tuple[int, float] | None = None

    @property
    def leads(self) -> bool:
        return self._left() > 0

    def fence(self) -> None:
        """See that the term is still ours, as the server does at every write.

        Raises:
            LeaseLost: it is not.
        """
        if self._term is None or self._term != self._world.own.term:
            raise LeaseLost("another controller leads")

    async def confirm(self, for_at_least: timedelta) -> None:
        if self._left() < for_at_least.total_seconds():
            await self.renew()
        if self._left() < for_at_least.total_seconds():
            raise LeaseLost("the lease has run out, or another controller leads")

    async def attempt(self) -> bool:
        if self.leads:
            return True
        async with self._world.weather.around("lease.attempt"):
            own = self._world.own
            if own.holder not in ("", self._instance) and not self._has_run_out():
                return False
            own.term, own.holder = self._world.next_sequence(), self._instance
            self._term = own.term
        await self.renew()
        return True

    async def renew(self) -> None:
        sent_at = self._clock.monotonic()
        async with self._world.weather.around("lease.renew"):
            try:
                self.fence()
            except LeaseLost:
                self._term = None
                raise
            self._world.own.beat = self._world.next_sequence()
        self._good_until = sent_at + (LENGTH - _MARGIN).total_seconds()

    async def release(self) -> None:
        async with self._world.weather.around("lease.release"):
            term, self._term = self._term, None
            if term is not None and term == self._world.own.term:
                self._world.own.term, self._world.own.holder = self._world.next_sequence(), ""

    def _left(self) -> float:
        return self._good_until - self._clock.monotonic() if self._term is not None else 0.0

    def _has_run_out(self) -> bool:
        now = self._clock.monotonic()
        if self._seen is None or self._seen[0] != self._world.own.beat:
            self._seen = (self._world.own.beat, now)
        return now - self._seen[1] >= LENGTH.total_seconds()


class FakeLedger:
    """Implements `ports.Records`, `ports.Journal` and `ports.Inventory`, each write fenced."""

    def __init__(self, world: World, lease: FakeLeadership) -> None:
        self._world = world
        self._lease = lease
        self._look()

    async def refresh(self) -> None:
        async with self._world.weather.around("records.refresh"):
            self._look()

    async def resync(self) -> None:
        async with self._world.weather.around("records.resync"):
            self._look()

    def attempts(self) -> Mapping[tuple[ReleaseName, HostName, Purpose], Attempt]:
        return self._attempts

    def proofs(self) -> Mapping[tuple[PackageName, HostName], Proof]:
        return self._proofs

    def owned_packages(self) -> Mapping[ObjectRef, Owned]:
        return self._packages

    def owned_scripts(self) -> Mapping[ObjectRef, Owned]:
        return self._scripts

    def requests(self) -> Requests:
        return self._requests

    async def record(self, attempt: Attempt) -> None:
        async with self._world.weather.around("journal.record"):
            self._lease.fence()
            wish = attempt.wish
            self._world.own.attempts[wish.release, wish.host, wish.purpose] = attempt
            self._look()

    async def prove(self, proof: Proof) -> None:
        async with self._world.weather.around("journal.prove"):
            self._lease.fence()
            self._world.own.proofs[proof.package, proof.host] = proof
            self._look()

    async def own_package(self, ref: ObjectRef, owned: Owned) -> None:
        async with self._world.weather.around("inventory.own_package"):
            self._lease.fence()
            self._world.own.packages[ref] = owned
            self._look()

    async def own_script(self, ref: ObjectRef, owned: Owned) -> None:
        async with self._world.weather.around("inventory.own_script"):
            self._lease.fence()
            self._world.own.scripts[ref] = owned
            self._look()

    def _look(self) -> None:
        own = self._world.own
        self._attempts, self._proofs = dict(own.attempts), dict(own.proofs)
        self._packages, self._scripts = dict(own.packages), dict(own.scripts)
        self._requests = own.requests


class FakeBoard:
    """Implements `ports.StatusBoard`."""

    def __init__(self, world: World, lease: FakeLeadership) -> None:
        self._world = world
        self._lease = lease

    def read(self) -> Status:
        return self._world.own.status

    async def tell(self, status: Status, events: Sequence[Event]) -> None:
        async with self._world.weather.around("board.tell"):
            if status == self._world.own.status:
                return
            self._lease.fence()
            told = self._world.own.events
            told += [event for event in events if event not in told]
            self._world.own.status = status
