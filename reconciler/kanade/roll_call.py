"""Which of many hosts are online, with which agent, and what time it is on each.

kanade: `crates/kanade-agent/src/ping.rs`; an answer is a heartbeat, with the host's own clock.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from nats.aio.msg import Msg

from reconciler.jetstream.connection import Connection
from reconciler.kanade import codec
from reconciler.kanade.names import ping_of
from reconciler.model.identity import HostName, Version
from reconciler.ports import Clock

_ANSWER_WITHIN = timedelta(seconds=2)


class _Pong(msgspec.Struct):
    pc_id: str
    agent_version: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a host says of itself."""

    agent: Version
    ahead: timedelta
    """How far its clock is ahead of ours; negative for one that is behind."""
    doubt: timedelta
    """By so much that may be wrong: half of the time that the answer took."""


async def roll_call(
    connection: Connection, hosts: Collection[HostName], clock: Clock
) -> Mapping[HostName, Answer]:
    """Return the answers of those that are online; one that cannot be read is none."""
    asked: dict[HostName, tuple[datetime, asyncio.Future[Msg]]] = {}
    came: dict[asyncio.Future[Msg], datetime] = {}
    for host in sorted(hosts):
        at, future = clock.now(), await connection.send_request(ping_of(host))
        future.add_done_callback(lambda done: came.setdefault(done, clock.now()))
        asked[host] = at, future
    futures = [future for _, future in asked.values()]
    if futures:
        await asyncio.wait(futures, timeout=_ANSWER_WITHIN.total_seconds())
    found: dict[HostName, Answer] = {}
    for host, (at, future) in asked.items():
        if not future.done():
            future.cancel()
        elif future.exception() is None:
            answer = _answer(host, future.result(), at, came.get(future, clock.now()))
            found |= {host: answer} if answer is not None else {}
    return found


def _answer(host: HostName, message: Msg, asked: datetime, came: datetime) -> Answer | None:
    try:
        pong = codec.decode(message.data, _Pong, message.subject)
    except codec.Unreadable:
        return None
    if pong.pc_id != host or pong.at.tzinfo is None:
        return None
    doubt = (came - asked) / 2
    return Answer(agent=Version(pong.agent_version), ahead=pong.at - asked - doubt, doubt=doubt)
