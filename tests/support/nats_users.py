"""Users of NATS that are permitted what their role needs, and a log in which no refusal may be."""

import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.cli.roles import Role, permissions_text
from reconciler.cli.settings import load_settings
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.options import NatsOptions
from tests.support.streams import connected

PASSWORD = "test"
_VIOLATION = re.compile(r'/user:(\S+)" - (\w+) Violation - (.*)')


def options_for(role: Role, url: str) -> NatsOptions:
    """Return how to connect in that *role* to a server with the users of `authorization`."""
    return NatsOptions(servers=(url,), user=role, password=PASSWORD, inbox_prefix=role.inbox_prefix)


def account_of(url: str) -> str:
    """Return what the names of an account's users end with."""
    return urlsplit(url).username or ""


def connected_as(role: Role, url: str) -> AbstractAsyncContextManager[Connection]:
    """Connect to the account that *url* names its master of, as its user for *role*."""
    parts = urlsplit(url)
    place = f"{role}-{account_of(url)}:{PASSWORD}@{parts.hostname}:{parts.port}"
    return connected(f"nats://{place}", role.inbox_prefix)


def authorization() -> str:
    """Return a block with a user for each role, and one for whoever brings no credential."""
    told = load_settings(environment={"HOME": "/"})
    permissions = ((role, permissions_text(told, role)) for role in Role)
    users = "\n".join(
        f"{{ user: {role}, password: {PASSWORD}, permissions: {{\n{text}}} }}"
        for role, text in permissions
    )
    anybody = f"{{ user: anybody, password: {PASSWORD} }}"
    return f"no_auth_user: anybody\nauthorization {{ users: [\n{anybody}\n{users}\n] }}"


def violations(log: Path, account: str = "") -> list[str]:
    """Return what the server refused the users whose names end so: who, what and which subject."""
    found = (_VIOLATION.search(line) for line in log.read_text(errors="replace").splitlines())
    return [" ".join(one.groups()) for one in found if one and one[1].endswith(account)]


@contextmanager
def permitted(log: Path, url: str) -> Iterator[None]:
    """See at the end that nothing was refused to any user of the account."""
    yield
    refused = violations(log, account_of(url))
    assert refused == []
