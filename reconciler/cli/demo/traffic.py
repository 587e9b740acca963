"""What goes over the wire between kanade and its hosts: heard, not asked of the controller."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nats.aio.msg import Msg

from reconciler.cli.demo.repository import RELEASE
from reconciler.jetstream.connection import Connection
from reconciler.kanade.names import ALL_RESULTS, COMMANDS_OF_HOSTS

_INSTALL = f"install-{RELEASE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """A command to install a version on a host; *at* is of the monotonic clock."""

    host: str
    version: str
    request_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """The installs that were sent, in their order, and when a result of each came back."""

    _sent: list[Install] = field(default_factory=list)
    _ended: dict[str, float] = field(default_factory=dict)

    def installs(self, version: str | None = None) -> list[Install]:
        """Return those of *version*, or all."""
        return [item for item in self._sent if version in (None, item.version)]

    def hosts(self, version: str) -> list[str]:
        """Return the hosts that were sent *version*, in order, twice those sent it twice."""
        return [item.host for item in self.installs(version)]

    def ended(self, install: Install) -> float | None:
        """Return when its result came back; `None` while there is none."""
        return self._ended.get(install.request_id)

    def most_at_once(self, version: str) -> int:
        """Return how many of them were under way at the same time, at most."""
        sent = self.installs(version)
        moments = [(item.at, 1) for item in sent]
        moments += [(self._ended[i.request_id], -1) for i in sent if i.request_id in self._ended]
        under_way = most = 0
        for _, change in sorted(moments):
            under_way += change
            most = max(most, under_way)
        return most

    def hear_command(self, subject: str, payload: Mapping[str, str]) -> None:
        """Take in a message to a host."""
        if payload.get("id") == _INSTALL:
            self._sent.append(
                Install(
                    host=subject.removeprefix(COMMANDS_OF_HOSTS),
                    version=payload["version"],
                    request_id=payload["request_id"],
                    at=time.monotonic(),
                )
            )

    def hear_result(self, _: str, payload: Mapping[str, str]) -> None:
        """Take in what a host says of a command, whichever it was."""
        self._ended.setdefault(payload["request_id"], time.monotonic())


async def listen(connection: Connection) -> Traffic:
    """Return what is heard from now on."""
    traffic = Traffic()
    await _subscribe(connection, f"{COMMANDS_OF_HOSTS}>", traffic.hear_command)
    await _subscribe(connection, ALL_RESULTS, traffic.hear_result)
    return traffic


async def _subscribe(
    connection: Connection, subject: str, hear: Callable[[str, Mapping[str, str]], None]
) -> None:
    async def handle(message: Msg) -> None:
        hear(message.subject, json.loads(message.data))

    await connection.subscribe(subject, handle)
