"""An event by e-mail: plain text, over TLS unless the server is this very machine."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from reconciler.errors import (
    ArtifactRefused,
    NotificationNotDelivered,
    ReconcilerError,
    Undeliverable,
)
from reconciler.model.status import Event
from reconciler.notify.page import NOWHERE, Page
from reconciler.notify.wording import CONTROLLER, facts, mood, text, title
from reconciler.source.address import AddressRules
from reconciler.source.location import is_loopback

_WITHIN_SECONDS = 30
_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server that takes our messages in."""

    host: str
    port: int
    tls: bool
    """From the first byte on; else by STARTTLS."""
    user: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)
    allow_loopback: bool = False

    async def check(self) -> None:
        """See that its address is one that we may connect to.

        Raises:
            ArtifactRefused: it is not.
        """
        rules = AddressRules(
            hosts=frozenset({self.host.lower()}), allow_loopback=self.allow_loopback
        )
        found = await asyncio.get_running_loop().getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM
        )
        rules.check_host(self.host, [str(entry[4][0]) for entry in found])


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message an event; its Message-ID is the event's, so that a second copy is recognised."""

    server: Server
    sender: str
    recipients: tuple[str, ...]
    page: Page = NOWHERE

    async def send(self, event: Event) -> None:
        """See `target.Provider`."""
        server = self.server
        try:
            async with asyncio.timeout(_WITHIN_SECONDS):
                await server.check()
                await aiosmtplib.send(
                    self.message(event),
                    sender=self.sender,
                    recipients=self.recipients,
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password() if server.password is not None else None,
                    use_tls=server.tls,
                    start_tls=None if is_loopback(server.host) or server.tls else True,
                    timeout=_WITHIN_SECONDS,
                )
        except ArtifactRefused as error:
            raise Undeliverable(f"{server.host}: {error}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(f"{server.host}: answered {error.code}", error.code) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = min(refused.code for refused in error.recipients)
            raise _refused(f"{server.host}: no recipient was taken: {code}", code) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotificationNotDelivered(
                f"{server.host}: no answer: {type(error).__name__}"
            ) from error

    def message(self, event: Event) -> bytes:
        """Return the message; every header is one line."""
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(CONTROLLER, addr_spec=self.sender)
        message["To"] = ", ".join(self.recipients)
        message["Subject"] = f"[{mood(event)}] {title(event)}"
        message["Date"] = format_datetime(event.at)
        message["Message-ID"] = f"<{event.id}@{CONTROLLER}>"
        message["Auto-Submitted"] = "auto-generated"
        lines = [text(event), "", *(f"{name}: {value}" for name, value in facts(event))]
        link = self.page.link(event)
        if link is not None:
            lines += ["", link]
        if event.details:
            lines += ["", event.details]
        message.set_content("\n".join(lines) + "\n")
        return message.as_bytes()


def _refused(message: str, code: int) -> ReconcilerError:
    return Undeliverable(message) if code >= _PERMANENT else NotificationNotDelivered(message)
