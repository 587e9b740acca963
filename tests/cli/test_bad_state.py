"""Our own state on NATS, as a fault or another version of us may have left it."""

import asyncio
import json

import pytest

from reconciler.jetstream import api
from reconciler.jetstream.kv import encode_key
from reconciler.model.attempt import Purpose, Wish
from reconciler.model.identity import Fingerprint, HostName, ReleaseName
from reconciler.state.names import QUARANTINE, fingerprint_key, journal_key
from tests.cli.answering import answering
from tests.cli.conftest import Office
from tests.support.streams import connected, subjects

GARBAGE = [b"", b"garbage", b"\xff\xfe\x00", b"[]", b'{"schema": 99}', b'{"name": 5}']


async def spoil(url: str, stream: str, content: bytes) -> int:
    """Put *content* in place of everything that the stream has, and return how much that was."""
    async with connected(url) as connection:
        names = [name for name in await subjects(connection, stream) if ".lease." not in name]
        for name in names:
            await api.store(connection, stream, name, content)
        return len(names)


@pytest.mark.parametrize("content", GARBAGE, ids=repr)
def test_a_state_that_cannot_be_read_is_made_anew(kanade: Office, content: bytes) -> None:
    kanade.call("apply")
    told = kanade.call("get", "hosts").out
    assert asyncio.run(spoil(kanade.nats_url, "KV_reconciler_state", content)) > 5

    assert kanade.call("get", "releases").code == 0
    assert kanade.call("apply").code == 0
    assert kanade.call("get", "hosts").out == told


@pytest.mark.parametrize("content", GARBAGE, ids=repr)
def test_what_was_stopped_stays_so_when_nobody_can_read_why(kanade: Office, content: bytes) -> None:
    kanade.call("apply")
    kanade.call("suspend", "tool", "--reason", "the fair is on")
    assert asyncio.run(spoil(kanade.nats_url, "KV_reconciler_requests", content)) == 1

    held = kanade.call("apply")

    assert held.code == 6
    assert "suspended by somebody: the record of it cannot be read; resume the" in held.out
    assert kanade.call("resume", "tool").code == 0
    assert kanade.call("apply").code == 0


@pytest.mark.parametrize("key", [f"returns.{encode_key('tool')}", "returns.=ZZ"])
def test_what_was_to_go_back_stands_still_when_nobody_can_read_where(
    kanade: Office, key: str
) -> None:
    kanade.call("apply")
    store_at(kanade.nats_url, "reconciler_requests", key)

    held = kanade.call("apply")

    ours = key != "returns.=ZZ"
    assert held.code == (6 if ours else 0)
    assert ("suspended by somebody: rolled back, and the record" in held.out) is ours
    assert kanade.call("resume", "tool").code == 0
    assert kanade.call("apply").code == 0


def test_what_has_failed_stands_still_when_nobody_can_read_why(kanade: Office) -> None:
    kanade.call("apply")
    [release] = json.loads(kanade.call("get", "releases", "-o", "json").out)
    store_at(
        kanade.nats_url,
        "reconciler_state",
        fingerprint_key(QUARANTINE, ReleaseName("tool"), Fingerprint(release["fingerprint"])),
    )

    held = kanade.call("apply")

    assert held.code == 6
    said = "Quarantined: 1.0.0 is quarantined, the record of it cannot be read; commit another"
    assert said in " ".join(held.out.split())
    assert kanade.call("retry", "tool").code == 0
    assert kanade.call("apply").code == 0


async def test_a_host_whose_last_install_cannot_be_read_is_sent_nothing(kanade: Office) -> None:
    """It may be running there still: the other host is asked what it runs, as ever."""
    wish = Wish(
        release=ReleaseName("tool"),
        host=HostName("pc-01"),
        fingerprint=Fingerprint("f"),
        purpose=Purpose.INSTALL,
        cause="",
    )
    await asyncio.to_thread(kanade.call, "apply")
    await asyncio.to_thread(store_at, kanade.nats_url, "reconciler_state", journal_key(wish))
    async with answering(kanade, ["pc-01", "pc-02"]):
        done = await asyncio.to_thread(kanade.call, "apply")

    async with connected(kanade.nats_url) as connection:
        assert list(await subjects(connection, "EXEC")) == ["commands.pc.pc-02"]
    assert done.code == 0
    told = " ".join((await asyncio.to_thread(kanade.call, "get", "hosts")).out.split())
    assert "dispatched" in told
    assert "JournalUnreadable: the journal's entry of the last install there cannot be read" in told


def store_at(url: str, bucket: str, key: str) -> None:
    async def store() -> None:
        async with connected(url) as connection:
            await api.store(connection, f"KV_{bucket}", f"$KV.{bucket}.{key}", b"garbage")

    asyncio.run(store())
