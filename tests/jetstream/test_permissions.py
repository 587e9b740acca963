"""What the server says that we may do, and what follows from that."""

from pathlib import Path

import pytest

from reconciler.errors import Unauthorized
from reconciler.jetstream.connection import connect
from reconciler.jetstream.grants import Grants, connected, hearing, sending
from reconciler.jetstream.options import NatsOptions
from reconciler.jetstream.permissions import Permissions, Rule, covers, overlap, whoami
from tests.support.nats import running
from tests.support.nats_users import violations

_USERS = """
authorization { users: [
  { user: free, password: test }
  { user: some, password: test, permissions: {
    publish: { allow: ["$SYS.REQ.USER.INFO", "$KV.jobs.>"], deny: ["$KV.jobs.secret"] }
    subscribe: { allow: ["_INBOX.>"] } } }
  { user: mute, password: test, permissions: { publish: ["nothing"] } }
] }
"""


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a", "a.b", False),
        ("a.b", "a", False),
        ("a.*", "a.b", True),
        ("a.*", "a.*", True),
        ("a.*", "a.>", False),
        ("a.*", "a.b.c", False),
        ("a.b", "a.*", False),
        ("a.>", "a", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a.>", True),
        ("a.>", "a.*.c", True),
        ("a.*.c", "a.*.*", False),
        (">", "a.b", True),
        ("*.>", ">", False),
    ],
)
def test_a_pattern_covers_another(pattern: str, subject: str, *, expected: bool) -> None:
    assert covers(pattern, subject) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "*.b", True),
        ("a.>", "a", False),
        ("a.>", "a.b.c", True),
        ("a.b.c", "a.*", False),
        ("x.>", "a.>", False),
    ],
)
def test_two_patterns_meet(one: str, other: str, *, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def test_what_is_denied_is_lacking_though_it_is_allowed() -> None:
    permissions = Permissions(publish=Rule(allow=("a.>",), deny=("a.b.>",)), subscribe=Rule())

    wanted = sending("a.c", "a.b.c", "b") | hearing("anything")

    assert list(permissions.lacking(wanted)) == ["publish a.b.c", "publish b"]


async def test_the_server_says_what_a_user_may_do(tmp_path: Path) -> None:
    with running(tmp_path, _USERS) as server:

        async def asked(user: str) -> Permissions | None:
            options = NatsOptions(servers=(server.url,), user=user, password="test")
            async with await connect(options) as connection:
                found = await whoami(connection)
                assert found.user == user
                return found.permissions

        some = await asked("some")
        assert some is not None
        wanted = connected("_INBOX") | sending("$KV.jobs.a", "$KV.jobs.secret", "commands.pc.a")
        assert list(some.lacking(wanted)) == ["publish $KV.jobs.secret", "publish commands.pc.a"]
        assert list(some.lacking(Grants(subscribe=frozenset({"heartbeat.>"})))) == [
            "subscribe heartbeat.>"
        ]
        assert await asked("free") is None
        assert violations(server.log) == []

        with pytest.raises(Unauthorized, match=r"publish to \$SYS\.REQ\.USER\.INFO"):
            await asked("mute")
        assert violations(server.log) == ['mute Publish Subject "$SYS.REQ.USER.INFO"']
