"""From our stream to a target: each event once, in order, whatever fails in between."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from reconciler.errors import (
    NotificationNotDelivered,
    ReconcilerError,
    SecretUnavailable,
    Undeliverable,
)
from reconciler.jetstream import api, queue
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.queue import Queue
from reconciler.model.identity import ReleaseName
from reconciler.model.status import Event
from reconciler.notify import courier
from reconciler.notify.courier import Courier, delay_before
from reconciler.notify.post import Poster
from reconciler.notify.target import Target
from reconciler.notify.webhook import Webhook
from reconciler.state.codec import encode
from reconciler.state.events import EventLog
from reconciler.state.names import ALL_EVENTS, EVENTS_OF_RELEASES, EVENTS_STREAM, EVENTS_SUBJECT
from tests.notify.far_end import FarEnd, Reply
from tests.notify.happenings import (
    APPLIED,
    CONVERGED,
    ON_HOST,
    PROGRESSING,
    STALLED,
    UNREAD,
)
from tests.support.clock import FakeClock
from tests.support.nats import eventually
from tests.support.streams import connected

STORY = (APPLIED, PROGRESSING, STALLED, CONVERGED)
TOOL = ReleaseName("tool")


@dataclass
class Friend:
    """A provider that fails as often as the test says, and keeps what it was told."""

    fails: deque[ReconcilerError] = field(default_factory=deque)
    told: list[str] = field(default_factory=list)
    tried: int = 0

    async def send(self, event: Event) -> None:
        self.tried += 1
        if self.fails:
            raise self.fails.popleft()
        self.told.append(event.id)


@dataclass(kw_only=True)
class Office:
    """Our stream, and couriers that come and go."""

    connection: Connection
    friend: Friend = field(default_factory=Friend)
    tallied: list[str] = field(default_factory=list)
    leads: bool = True
    subjects: str = ALL_EVENTS

    def courier(self, target: Target | None = None) -> Courier:
        return Courier(
            target=target or Target(name="ops", provider=self.friend),
            queue=Queue(self.connection, EVENTS_STREAM, self.subjects, "notify-ops"),
            leads=lambda: self.leads,
            clock=FakeClock(),
            tally=lambda _, result: self.tallied.append(result),
        )

    async def tell(self, *events: Event) -> None:
        await EventLog(self.connection).publish(events)

    @asynccontextmanager
    async def carrying(self, target: Target | None = None) -> AsyncIterator[None]:
        """Let a courier carry for as long as the context lasts; its end comes without a warning."""
        carrier = self.courier(target)
        await carrier.queue.open()
        task = asyncio.ensure_future(carrier.run())
        yield
        task.cancel()
        await asyncio.wait([task])

    async def until(self, true: Callable[[], bool]) -> None:
        await eventually(true)

    async def settled(self) -> None:
        """Wait until all that was told so far is settled; only the server knows."""
        stream = await api.stream_info(self.connection, EVENTS_STREAM)
        async with asyncio.timeout(60):
            while await self._floor() < stream.state.last_seq:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)

    async def asked(self) -> None:
        """Wait until the next event is asked for; only the server knows."""
        async with asyncio.timeout(60):
            while not await self._waits():  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)

    async def _waits(self) -> bool:
        found = await self._consumer()
        return found is not None and found.num_waiting > 0

    async def _floor(self) -> int:
        found = await self._consumer()
        return 0 if found is None else found.ack_floor.stream_seq

    async def _consumer(self) -> api.ConsumerInfo | None:
        return await api.consumer_info(self.connection, EVENTS_STREAM, "notify-ops")


@pytest.fixture
async def office(nats_account: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(courier, "_FIRST_DELAY", timedelta(milliseconds=10))
    async with connected(nats_account) as connection:
        await EventLog(connection).create()
        yield Office(connection=connection)


def ids(*events: Event) -> list[str]:
    return [event.id for event in events]


async def test_everything_is_told_once_and_in_order(office: Office) -> None:
    async with office.carrying():
        await office.tell(*STORY)
        await office.until(lambda: len(office.friend.told) >= 4)

    assert office.friend.told == ids(*STORY)
    assert office.tallied == ["sent"] * 4


async def test_a_new_target_is_not_told_of_the_past(office: Office) -> None:
    await office.tell(APPLIED, PROGRESSING)
    async with office.carrying():
        await office.tell(CONVERGED)
        await office.until(lambda: bool(office.friend.told))

    assert office.friend.told == ids(CONVERGED)


async def test_what_happens_while_nobody_carries_is_told_afterwards(office: Office) -> None:
    async with office.carrying():
        await office.tell(APPLIED)
        await office.settled()
    await office.tell(PROGRESSING, CONVERGED)

    async with office.carrying():
        await office.until(lambda: len(office.friend.told) >= 3)

    assert office.friend.told == ids(APPLIED, PROGRESSING, CONVERGED)


async def test_what_does_not_get_through_is_told_before_what_came_later(office: Office) -> None:
    """Or a light that has turned green would turn red again."""
    office.friend.fails.extend([NotificationNotDelivered("busy")] * 3)
    async with office.carrying():
        await office.tell(STALLED, CONVERGED)
        await office.until(lambda: len(office.friend.told) >= 2)

    assert office.friend.told == ids(STALLED, CONVERGED)
    assert office.tallied == ["put_off", "put_off", "put_off", "sent", "sent"]


async def test_after_so_many_attempts_it_is_given_up(office: Office) -> None:
    office.friend.fails.extend([SecretUnavailable("no such file")] * 3)
    target = Target(name="ops", provider=office.friend, attempts=3)
    async with office.carrying(target):
        await office.tell(STALLED, CONVERGED)
        await office.until(lambda: bool(office.friend.told))

    assert office.friend.told == ids(CONVERGED)
    assert office.tallied == ["put_off", "put_off", "given_up", "sent"]


async def test_a_plain_no_is_not_asked_again(office: Office) -> None:
    office.friend.fails.append(Undeliverable("404"))
    async with office.carrying():
        await office.tell(STALLED, CONVERGED)
        await office.until(lambda: bool(office.friend.told))

    assert (office.friend.told, office.friend.tried) == (ids(CONVERGED), 2)
    assert office.tallied == ["given_up", "sent"]


async def test_a_standby_tells_nobody_anything(office: Office) -> None:
    office.leads = False
    async with office.carrying():
        await office.tell(*STORY)
        for _ in range(50):
            await asyncio.sleep(0)
        assert office.friend.tried == 0

        office.leads = True
        await office.until(lambda: len(office.friend.told) >= 4)

    assert office.friend.told == ids(*STORY)


async def test_an_event_that_is_stored_twice_is_told_once(office: Office) -> None:
    """A leader may tell again, long after a crash, what it had told before it."""
    async with office.carrying():
        await office.tell(STALLED)
        again = f"{EVENTS_SUBJECT}.tool.again"
        await api.store(office.connection, EVENTS_STREAM, again, encode(STALLED))
        await office.tell(CONVERGED)
        await office.until(lambda: len(office.friend.told) >= 2)

    assert office.friend.told == ids(STALLED, CONVERGED)


async def test_what_is_no_event_holds_up_nothing(office: Office) -> None:
    async with office.carrying():
        subject = f"{EVENTS_SUBJECT}.tool.x"
        await api.store(office.connection, EVENTS_STREAM, subject, b"not json")
        await office.tell(CONVERGED)
        await office.until(lambda: bool(office.friend.told))

    assert office.friend.told == ids(CONVERGED)


async def test_hosts_are_in_nobodys_way_who_did_not_ask_for_them(office: Office) -> None:
    """Ten thousand of them are passed over by the server, and another day may be asked for."""
    office.subjects = EVENTS_OF_RELEASES
    async with office.carrying():
        await office.tell(ON_HOST, CONVERGED)
        await office.settled()
    assert office.tallied == ["sent"]

    office.subjects = ALL_EVENTS
    async with office.carrying(Target(name="ops", provider=office.friend, hosts=True)):
        await office.tell(replace(ON_HOST, id="e-another"), UNREAD)
        await office.until(lambda: len(office.friend.told) >= 3)

    assert office.friend.told == ["e-converged", "e-another", "e-unread"]


async def test_a_lost_consumer_is_made_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_PAUSE", timedelta(milliseconds=10))
    async with office.carrying():
        await office.tell(APPLIED)
        await office.settled()
        await office.asked()
        await api.delete_consumer(office.connection, EVENTS_STREAM, "notify-ops")
        await office.asked()
        await office.tell(CONVERGED)
        await office.until(lambda: len(office.friend.told) >= 2)

    assert office.friend.told == ids(APPLIED, CONVERGED)


async def test_a_restart_in_the_middle_loses_none_and_doubles_none_that_can_be_told(
    office: Office, end: FarEnd, poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies while the far end has the event, and its answer has not come."""
    monkeypatch.setattr(queue, "SETTLE_WITHIN", timedelta(seconds=2))
    end.replies.extend([Reply(), Reply(silent=True)])
    hook = Webhook(poster=poster, address=lambda: f"{end.address}/hook", instance="one")
    target = Target(name="ops", provider=hook)
    async with office.carrying(target):
        await office.tell(*STORY)
        await office.until(lambda: len(end.requests) >= 2)

    async with office.carrying(target):
        await office.until(lambda: len(end.requests) >= 5)

    keys = [request.headers["Idempotency-Key"] for request in end.requests]
    assert keys == ids(APPLIED, PROGRESSING, PROGRESSING, STALLED, CONVERGED)
    assert list(dict.fromkeys(keys)) == ids(*STORY)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (APPLIED, STALLED, CONVERGED, UNREAD)),
        ({"hosts": True}, (APPLIED, STALLED, CONVERGED, UNREAD, ON_HOST)),
        ({"errors_only": True}, (STALLED, UNREAD)),
        ({"releases": frozenset({TOOL})}, (STALLED, CONVERGED)),
        ({"releases": frozenset({ReleaseName("other")})}, ()),
    ],
)
def test_a_target_is_told_what_it_asked_for(
    changes: dict[str, object], expected: tuple[Event, ...]
) -> None:
    target = replace(Target(name="ops", provider=Friend()), **changes)  # type: ignore[arg-type]  # the test names real fields
    events = (APPLIED, STALLED, CONVERGED, UNREAD, ON_HOST)

    assert [event for event in events if target.wants(event)] == list(expected)


def test_the_wait_grows_unless_the_far_end_names_one() -> None:
    busy = NotificationNotDelivered("busy")
    assert [delay_before(n, busy).total_seconds() for n in (1, 2, 3, 9, 99)] == [1, 2, 4, 256, 300]
    asked = NotificationNotDelivered("busy", timedelta(seconds=42))
    assert delay_before(1, asked) == delay_before(9, asked) == timedelta(seconds=42)
    assert delay_before(1, NotificationNotDelivered("busy", timedelta(0))) == timedelta(seconds=1)
    assert delay_before(1, NotificationNotDelivered("busy", timedelta(days=9))) == timedelta(
        hours=1
    )
