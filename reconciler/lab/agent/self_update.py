"""The agent's own update: set to another `target_version`, it becomes that version.

There is only one program, so what changes is what the agent calls itself; a release that is not
in the store is not gone to, as with the real one.
"""

import asyncio
from collections.abc import Callable

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from reconciler.lab import names, wire
from reconciler.lab.bucket import Bucket
from reconciler.lab.objects import ObjectStore

_RECHECK_SECONDS = 5


class SelfUpdate:
    """Follows the version that one host is set to run."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._key = names.config_of(host)
        self._config = Bucket(client.jetstream(), names.AGENT_CONFIG)
        self._releases = ObjectStore(client, names.AGENT_RELEASES)

    async def follow(self, become: Callable[[str], None]) -> None:
        """Call *become* with every version that the host is set to run and that is published."""
        wake = asyncio.Event()

        async def check_again(_: object) -> None:
            wake.set()

        await self._client.subscribe(f"$KV.{names.AGENT_CONFIG}.{self._key}", cb=check_again)
        while True:
            wake.clear()
            target = await self._target()
            if target is not None:
                become(target)
            try:
                async with asyncio.timeout(_RECHECK_SECONDS):
                    await wake.wait()
            except TimeoutError:
                continue

    async def _target(self) -> str | None:
        try:
            value = await self._config.get(self._key)
            target = wire.document(value).get("target_version") if value is not None else None
            if not isinstance(target, str):
                return None
            for key in names.release_keys(target):
                info = await self._releases.info(key)
                if info is not None and not info.deleted:
                    return target
        except (NatsError, JetStreamError, OSError):
            pass
        return None
