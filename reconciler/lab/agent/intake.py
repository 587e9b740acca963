"""Two ways in for a command: the live subscription, and the replay of what was missed.

Both lead to the same ledger, so that a command that comes by both runs once. The stream keeps
one command a subject: of two that were sent to a host that was away only the last is replayed.
"""

import asyncio
import re
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

from reconciler.lab import names
from reconciler.lab.agent.command import Command, parse_command
from reconciler.lab.agent.ledger import Ledger, Refusal, Ticket
from reconciler.lab.agent.log import Log

_RETRY_SECONDS = 0.2
_FETCH_SECONDS = 2.0
_FETCH_BATCH = 10


class Intake:
    """Everything that is addressed to one host."""

    def __init__(
        self, client: Client, host: str, ledger: Ledger, launch: Callable[[Ticket], None], log: Log,
        *, refuse: Callable[[Command], None] | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._host = host
        self._ledger = ledger
        self._launch = launch
        self._log = log
        self._refuse = refuse
        self._groups: frozenset[str] = frozenset()
        self._regrouped = asyncio.Event()
        self._group_subscriptions: dict[str, Subscription] = {}

    async def listen(self) -> None:
        """Subscribe to the host's own subjects; once this returns nothing live is missed."""
        await self._client.subscribe(names.COMMANDS_ALL, cb=self._take)
        await self._client.subscribe(names.commands_pc(self._host), cb=self._take)
        await self._client.flush()

    async def regroup(self, groups: frozenset[str]) -> None:
        """Take commands for exactly *groups* from now on."""
        for gone in self._group_subscriptions.keys() - groups:
            await self._group_subscriptions.pop(gone).unsubscribe()
        for new in sorted(groups - self._group_subscriptions.keys()):
            subject = names.commands_group(new)
            self._group_subscriptions[new] = await self._client.subscribe(subject, cb=self._take)
        self._groups = groups
        self._regrouped.set()

    async def replay(self) -> None:
        """Work off what the stream holds for this host, for ever."""
        await self._regrouped.wait()
        while True:
            try:
                await self._replay_until_regrouped()
            except (NatsError, JetStreamError, OSError):
                await asyncio.sleep(_RETRY_SECONDS)

    async def _replay_until_regrouped(self) -> None:
        self._regrouped.clear()
        name = "agent_replay_" + re.sub(r"[^A-Za-z0-9_-]", "_", self._host)
        jetstream = self._client.jetstream()
        await jetstream.add_consumer(
            names.EXEC,
            ConsumerConfig(
                durable_name=name,
                ack_policy=AckPolicy.EXPLICIT,
                deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
                filter_subjects=self._subjects(),
            ),
        )
        consumer = await jetstream.pull_subscribe_bind(name, stream=names.EXEC)
        try:
            while not self._regrouped.is_set():
                try:
                    messages = await consumer.fetch(_FETCH_BATCH, timeout=_FETCH_SECONDS)
                except TimeoutError:
                    continue
                for message in messages:
                    await self._take(message)
                    await message.ack()
        finally:
            await consumer.unsubscribe()

    def _subjects(self) -> list[str]:
        groups = [names.commands_group(group) for group in sorted(self._groups)]
        return [names.COMMANDS_ALL, names.commands_pc(self._host), *groups]

    async def _take(self, message: Msg) -> None:
        command = parse_command(message.data)
        if command is None:
            self._log.say(f"{message.subject}: not a command, dropped")
            return
        if self._refuse is not None:
            self._log.say(f"{message.subject}: {command.request_id}: refused, it is not signed")
            self._refuse(command)
            return
        ticket = self._ledger.admit(command, message.data)
        if isinstance(ticket, Refusal):
            self._log.say(f"{message.subject}: {command.request_id}: {ticket.value}")
            return
        self._log.say(f"{message.subject}: {command.request_id}: taken")
        self._launch(ticket)
