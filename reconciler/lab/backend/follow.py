"""Reading a stream from its beginning and for ever, over any number of broken connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

_BATCH = 200
_FETCH_SECONDS = 2.0
_RETRY_SECONDS = 0.2
_FORGET_AFTER = timedelta(seconds=60)


async def follow(
    client: Client,
    stream: str,
    subject: str,
    take: Callable[[Msg], Awaitable[None]],
    caught_up: asyncio.Event,
) -> None:
    """Hand every message to *take*, once and in order; set *caught_up* after the old ones."""
    last = 0
    while True:
        try:
            async for message in _messages(client, stream, subject, last + 1, caught_up):
                await take(message)
                last = message.metadata.sequence.stream
        except (NatsError, JetStreamError, OSError):
            await asyncio.sleep(_RETRY_SECONDS)


async def _messages(
    client: Client, stream: str, subject: str, start: int, caught_up: asyncio.Event
) -> AsyncIterator[Msg]:
    jetstream = client.jetstream()
    info = await jetstream.add_consumer(
        stream,
        ConsumerConfig(
            filter_subject=subject,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_FORGET_AFTER.total_seconds(),
        ),
    )
    waiting = info.num_pending or 0
    consumer = await jetstream.pull_subscribe_bind(info.name, stream=stream)
    try:
        while True:
            if waiting <= 0:
                caught_up.set()
            try:
                batch = await consumer.fetch(_BATCH, timeout=_FETCH_SECONDS)
            except TimeoutError:
                continue
            for message in batch:
                waiting -= 1
                yield message
    finally:
        await consumer.unsubscribe()
