"""The hosts as kanade shows them: heartbeats, pings, groups, command slots, and the freeze."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import structlog
from nats import errors as nats_errors
from nats.aio.msg import Msg

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.mirror import Mirror
from reconciler.jetstream.subscription import Subscription
from reconciler.kanade import codec
from reconciler.kanade.freeze import Window
from reconciler.kanade.names import (
    AGENT_GROUPS,
    AGENT_GROUPS_DERIVED,
    ALL_HEARTBEATS,
    COMMANDS_OF_HOSTS,
    EXEC,
    FLEET_CONFIG,
    FREEZE_KEY,
    heartbeats_of,
    kill_of,
    ping_of,
)
from reconciler.kanade.presence import Roll
from reconciler.kanade.view import Following, View, optional_view
from reconciler.model.identity import ExecId, GroupName, HostName, JobId, RequestId, Version
from reconciler.model.observed import Freeze, HostState, Presence, Slot
from reconciler.ports import Clock, Wake

_ANSWER_WITHIN = timedelta(seconds=2)

_Groups = frozenset[GroupName]
_United = tuple[Mapping[str, _Groups], Mapping[str, _Groups], Mapping[HostName, _Groups]]

log = structlog.get_logger()


class NatsFleet:
    """Implements `ports.Fleet`; one subscription and a few mirrors, however many hosts."""

    def __init__(self, connection: Connection, clock: Clock, changed: Wake = lambda: None) -> None:
        self._connection = connection
        self._clock = clock
        self._changed = changed
        self._roll = Roll(clock)
        self._subscription: Subscription | None = None
        self._stop_listening: Wake = lambda: None
        slots = Mirror(connection, EXEC, f"{COMMANDS_OF_HOSTS}>", changed)
        self._slots = View(slots, slot_of, COMMANDS_OF_HOSTS)
        self._groups = [
            optional_view(connection, bucket, _groups, changed)
            for bucket in (AGENT_GROUPS, AGENT_GROUPS_DERIVED)
        ]
        self._settings = optional_view(connection, FLEET_CONFIG, Window.read, changed)
        self._united: _United = ({}, {}, {})
        self._followed: tuple[Following, ...] = (slots, *self._groups, self._settings)

    async def start(self) -> None:
        """Listen, and read what is stored.

        Raises:
            Unauthorized: heartbeats may not be heard: every host would seem offline.
            KanadeRefused: there is no EXEC stream, or it may not be read.
        """
        self._stop_listening = self._connection.listen(self._connection_changed)
        self._subscription = await self._connection.subscribe(ALL_HEARTBEATS, self._hear)
        self._connection_changed()
        await self._slots.mirror.start()
        await self.refresh()

    async def stop(self) -> None:
        """Stop listening."""
        self._stop_listening()
        if self._subscription is not None:
            await self._connection.unsubscribe(self._subscription)
        await asyncio.gather(*(each.stop() for each in self._followed))

    async def refresh(self) -> None:
        """See `ports.Fleet`."""
        await asyncio.gather(*(each.refresh() for each in self._followed))

    async def resync(self) -> None:
        """Read everything again; raises what `refresh` raises."""
        await asyncio.gather(*(each.resync() for each in self._followed))

    def hosts(self) -> Mapping[HostName, HostState]:
        """See `ports.Fleet`: every host that was heard or pinged, or that is in a group."""
        return self._roll.states(self._grouped())

    def slots(self) -> Mapping[HostName, Slot]:
        """See `ports.Fleet`; a command that cannot be read is one of which nothing is known."""
        return cast("Mapping[HostName, Slot]", self._slots.read())

    def presence(self, host: HostName) -> Presence:
        """See `ports.Fleet`."""
        return self._roll.presence(host)

    def slot_sequence(self, host: HostName) -> int:
        """See `ports.Fleet`."""
        message = self._slots.mirror.messages.get(f"{COMMANDS_OF_HOSTS}{host}")
        return message.sequence if message is not None else 0

    def freeze(self) -> Freeze:
        """See `ports.Fleet`."""
        window = self._settings.read().get(FREEZE_KEY)
        return Freeze(frozen=False) if window is None else window.at(self._clock.now())

    async def ping(self, hosts: frozenset[HostName]) -> None:
        """See `ports.Fleet`; a host without an agent is known to be offline at once."""
        waiting = {
            host: await self._connection.send_request(ping_of(host)) for host in sorted(hosts)
        }
        if waiting:
            await asyncio.wait(waiting.values(), timeout=_ANSWER_WITHIN.total_seconds())
        for host, future in waiting.items():
            if not future.done():
                future.cancel()
            elif future.exception() is None:
                self._take(future.result(), host)
            elif isinstance(future.exception(), nats_errors.NoRespondersError):
                self._roll.hear_nobody(host)

    async def kill(self, exec_id: ExecId) -> None:
        """See `ports.Fleet`."""
        await self._connection.publish(kill_of(exec_id))

    async def _hear(self, message: Msg) -> None:
        self._take(message, None)

    def _take(self, message: Msg, pinged: HostName | None) -> None:
        """Take in a heartbeat; one in the name of another host is nobody's."""
        try:
            heartbeat = codec.decode(message.data, codec.Heartbeat, message.subject)
        except codec.Unreadable as error:
            log.debug("heartbeat unreadable", error=str(error))
            return
        host = HostName(heartbeat.pc_id)
        genuine = host == pinged if pinged else message.subject == heartbeats_of(host)
        if genuine and self._roll.hear(heartbeat, pinged=pinged is not None):
            self._changed()

    def _grouped(self) -> Mapping[HostName, frozenset[GroupName]]:
        """Return the union of both kinds of groups, computed again when one of them has changed."""
        by_hand, derived = (view.read() for view in self._groups)
        if by_hand is not self._united[0] or derived is not self._united[1]:
            united = {
                HostName(host): by_hand.get(host, frozenset()) | derived.get(host, frozenset())
                for host in by_hand.keys() | derived.keys()
            }
            self._united = (by_hand, derived, united)
        return self._united[2]

    def _connection_changed(self) -> None:
        self._roll.listen(connected=self._connection.connected)


def slot_of(message: Message) -> Slot:
    """Return what lies in a host's slot; of a command that cannot be read nothing is known."""
    try:
        found = codec.decode(message.data, codec.SlotCommand, message.subject)
    except codec.Unreadable as error:
        log.warning("command unreadable", subject=message.subject, error=str(error))
        return _unknown_slot(message)
    exec_id = found.exec_id or found.job_id
    return Slot(
        sequence=message.sequence,
        at=message.timestamp,
        request_id=RequestId(found.request_id),
        exec_id=None if exec_id is None else ExecId(exec_id),
        job=JobId(found.id),
        version=Version(found.version),
        script_sha256=found.script_object_sha256,
    )


def _unknown_slot(message: Message) -> Slot:
    return Slot(
        sequence=message.sequence,
        at=message.timestamp,
        request_id=None,
        exec_id=None,
        job=None,
        version=None,
        script_sha256=None,
    )


def _groups(message: Message) -> frozenset[GroupName]:
    try:
        found = codec.decode(message.data, codec.AgentGroups, message.subject)
    except codec.Unreadable as error:
        log.warning("groups unreadable", subject=message.subject, error=str(error))
        return frozenset()
    return frozenset(GroupName(name) for name in found.groups)
