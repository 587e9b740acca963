import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from reconciler.errors import KanadeRefused, KanadeUnavailable, Unauthorized, UsageError
from reconciler.jetstream import api
from reconciler.jetstream.connection import connect
from reconciler.jetstream.options import NatsOptions, without_credentials
from tests.support.nats import NatsProcess, eventually, running
from tests.support.streams import connected, create_stream

PERMISSIONS = """
authorization { users: [
  {user: limited, password: "s3cret", permissions: {
    publish: {deny: ["forbidden.>", "$JS.API.STREAM.INFO.Closed"]},
    subscribe: {deny: ["heartbeat.>"]}
  }}
] }
"""


async def test_wrong_credentials_are_refused_at_once_and_not_shown(tmp_path: Path) -> None:
    deadline = timedelta(minutes=2)
    with running(tmp_path, PERMISSIONS) as server:
        options = NatsOptions(
            servers=(server.url,), user="limited", password="wr0ng", connect_timeout=deadline
        )
        async with asyncio.timeout(60):
            with pytest.raises(Unauthorized) as caught:
                await connect(options)

    assert server.url in str(caught.value)
    assert "wr0ng" not in str(caught.value)


async def test_a_server_that_is_not_there_is_unavailable_at_the_deadline() -> None:
    options = NatsOptions(
        servers=("nats://u:s3cret@127.0.0.1:1",), connect_timeout=timedelta(seconds=0.5)
    )

    with pytest.raises(KanadeUnavailable) as caught:
        await connect(options)

    assert "nats://127.0.0.1:1 cannot be reached" in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_a_server_that_is_too_old_is_refused() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"version":"2.11.9","max_payload":1048576}\r\n')
        await reader.readuntil(b"PING\r\n")
        writer.write(b"PONG\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(old, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(KanadeRefused, match=r"2\.11\.9 at .* too old: 2\.12\.3 or newer"):
            await connect(NatsOptions(servers=(f"nats://127.0.0.1:{port}",)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"servers": ()}, "no NATS server"),
        ({"servers": ("nats://h",), "token": "t", "user": "u", "password": "p"}, "not several"),
        ({"servers": ("nats://h",), "user": "u"}, "a user needs a password"),
        ({"servers": ("http://h",)}, "http://h is no server; expected nats://host:port"),
        ({"servers": ("nats://u:p@h:port",)}, "NATS: nats://h:port is no server"),
        ({"servers": ("nats://",)}, "NATS: nats:// is no server"),
        ({"servers": ("nats://h", "ws://h")}, "cannot be mixed"),
    ],
)
def test_options_that_contradict_themselves_are_refused(
    given: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        NatsOptions(**given)  # type: ignore[arg-type]


def test_a_credentials_file_must_be_there(tmp_path: Path) -> None:
    options = NatsOptions(servers=("nats://h",), credentials=tmp_path / "user.creds")

    with pytest.raises(UsageError, match=r"nats\.creds: .*user\.creds: cannot be read"):
        options.check_credentials()


def test_a_certificate_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        options = NatsOptions(servers=("tls://h",), ca=tmp_path / name)
        with pytest.raises(UsageError, match=r"nats\.tls\.\w+: .*: "):
            options.tls_context()


def test_credentials_of_a_url_are_not_shown() -> None:
    assert without_credentials("nats://token@host:4222") == "nats://host:4222"
    assert without_credentials("user:pass@host:4222") == "nats://host:4222"


async def test_what_may_not_be_published_or_heard_is_named(tmp_path: Path) -> None:
    with running(tmp_path, PERMISSIONS) as server:
        options = NatsOptions(servers=(server.url,), user="limited", password="s3cret")
        async with await connect(options) as connection:
            for _ in range(20):
                with pytest.raises(Unauthorized, match=r"not permitted: publish to forbidden\.A"):
                    await connection.publish("forbidden.A")
            with pytest.raises(Unauthorized, match=r"not permitted: subscribe to heartbeat\.>"):
                await connection.subscribe("heartbeat.>", _ignore)
            with pytest.raises(Unauthorized, match=r"publish to \$JS\.API\.STREAM\.INFO\.Closed"):
                await api.stream_info(connection, "Closed")

            await connection.publish("allowed.a")


async def test_a_subject_too_long_for_the_server_does_not_end_the_connection(
    nats_account: str,
) -> None:
    async with connected(nats_account) as connection:
        with pytest.raises(KanadeRefused, match="subject of 5000 bytes"):
            await connection.publish("x" * 5000)

        assert connection.connected
        await connection.rtt()


async def test_a_stream_that_is_not_there_is_named(nats_account: str) -> None:
    async with connected(nats_account) as connection:
        with pytest.raises(KanadeRefused, match=r"bucket jobs on .*: not found; is the kanade b"):
            await api.stream_info(connection, "KV_jobs")
        with pytest.raises(KanadeRefused, match=r"bucket jobs on .*: not found"):
            await api.store(connection, "KV_jobs", "$KV.jobs.a", b"")


async def test_a_lost_connection_ends_what_is_under_way_and_comes_back(
    own_server: NatsProcess, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[bool] = []
    async with connected(own_server.url) as connection:
        await create_stream(connection, "S", "s.>")
        connection.listen(lambda: told.append(connection.connected))
        own_server.suspend()
        under_way = await connection.send_request("$JS.API.STREAM.INFO.S")
        own_server.kill()
        with pytest.raises(KanadeUnavailable, match="what was under way is unknown"):
            await connection.answer(under_way, what="stream S")

        said = connection.trouble
        assert said == "unexpected EOF"
        own_server.start()
        info = await api.stream_info(connection, "S")

        assert info.config.name == "S"
        assert told == [False, True]
        assert connection.trouble is None
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


async def test_a_link_that_the_server_has_ended_for_good_is_replaced(nats_account: str) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message: object) -> None:
        await heard.put(getattr(message, "data", b""))

    async with connected(nats_account) as connection:
        await connection.subscribe("news", hear)
        closed = asyncio.Event()
        connection.listen(closed.set)
        await connection._link.client.publish("x" * 5000)
        async with asyncio.timeout(60):
            await closed.wait()
        await connection.publish("news", b"still here")

        async with asyncio.timeout(60):
            assert await heard.get() == b"still here"


async def test_a_link_that_cannot_be_replaced_is_tried_once_for_all_who_wait(
    own_server: NatsProcess,
) -> None:
    async with connected(own_server.url) as connection:
        await create_stream(connection, "S", "s.>")
        closed = asyncio.Event()
        connection.listen(closed.set)
        await connection._link.client.publish("x" * 5000)
        async with asyncio.timeout(60):
            await closed.wait()
        own_server.kill()
        closed.clear()
        patient = connection._options
        connection._options = replace(patient, connect_timeout=timedelta(seconds=0.5))
        answers = await asyncio.gather(
            *(api.stream_info(connection, "S") for _ in range(8)), return_exceptions=True
        )

        assert {type(answer) for answer in answers} == {KanadeUnavailable}
        assert connection._attempt == 1
        assert not closed.is_set()
        connection._options = patient
        own_server.start()
        assert (await api.stream_info(connection, "S")).config.name == "S"
        assert closed.is_set()


async def test_a_frozen_server_is_unavailable_and_is_left(own_server: NatsProcess) -> None:
    async with connected(own_server.url) as connection:
        await create_stream(connection, "S", "s.>")
        own_server.suspend()
        for _ in range(2):
            with pytest.raises(KanadeUnavailable, match="no answer in time"):
                await connection.request(
                    "$JS.API.INFO", what="JetStream", within=timedelta(seconds=0.2)
                )

        assert not connection.connected
        own_server.resume()
        assert (await api.stream_info(connection, "S")).config.name == "S"


async def _ignore(_: object) -> None:
    return


async def test_an_answer_that_nobody_waits_for_any_more_does_no_harm(
    own_server: NatsProcess, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[bool] = []
    async with connected(own_server.url) as connection:
        connection.listen(lambda: told.append(connection.connected))
        own_server.suspend()
        asking = asyncio.ensure_future(connection.rtt())
        await eventually(lambda: bool(connection._link.client._pongs))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        own_server.resume()
        await connection.rtt()

        assert (told, caplog.records) == ([], [])


async def test_a_server_is_not_left_for_the_silence_of_somebody_behind_it(nats_url: str) -> None:
    async with connected(nats_url) as connection, connected(nats_url) as other:
        await other.subscribe("mute", _say_nothing)
        changes: list[bool] = []
        connection.listen(lambda: changes.append(connection.connected))

        for _ in range(4):
            with pytest.raises(KanadeUnavailable, match="no answer in time"):
                await connection.request("mute", what="it", within=timedelta(seconds=0.1))

        assert connection.connected
        assert changes == []


async def _say_nothing(_: Msg) -> None:
    """Hear, and keep the sender waiting."""
