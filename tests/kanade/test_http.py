import asyncio
import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from aiohttp import web

from reconciler.errors import (
    KanadeRefused,
    KanadeUnavailable,
    NoRoom,
    ReconcilerError,
    Unauthorized,
    UsageError,
)
from reconciler.kanade import http as http_module
from reconciler.kanade.http import Ask, BackendClient, BackendOptions, NoBackend
from reconciler.kanade.http_errors import one_line, read_json
from reconciler.kanade.http_hosts import known_hosts
from reconciler.model.observed import BackendState
from tests.support.backend import Reply, answers, scripted
from tests.support.clock import FakeClock

GET = Ask(method="GET", path="/api/freeze", within=timedelta(minutes=1))


def client(url: str, token: Callable[[], str | None] = lambda: "t0ken") -> BackendClient:
    return BackendClient(BackendOptions(url=url, token=token), FakeClock())


async def test_a_request_carries_the_token_and_who_asks() -> None:
    async with scripted(answers(200, "null", "application/json")) as backend:
        async with client(f"{backend.url}/") as asking:
            answer = await asking.request(
                replace(GET, method="POST", body=b"hello", content_type="application/yaml")
            )

        assert (answer.data, answer.content_type) == (b"null", "application/json")
        (asked,) = backend.asked
        assert (asked.method, asked.path, asked.body) == ("POST", "/api/freeze", b"hello")
        assert asked.headers["authorization"] == "Bearer t0ken"
        assert asked.headers["x-kanade-source"] == "kanade-reconciler"
        assert asked.headers["content-type"] == "application/yaml"


async def test_without_a_token_none_is_sent() -> None:
    async with scripted(answers(200)) as backend, client(backend.url, lambda: None) as asking:
        await asking.request(GET)

        assert "authorization" not in backend.asked[0].headers


async def test_a_host_that_the_backend_lists_twice_is_one_host() -> None:
    """Its list comes in one piece; a heartbeat meanwhile may repeat a row."""
    rows = '[{"pc_id":"a","os":"linux"},{"pc_id":"b"},{"pc_id":"a","os":"windows"}]'
    async with scripted(answers(200, rows, "application/json")) as backend:
        async with client(backend.url) as asking:
            assert await known_hosts(asking) == {"a", "b"}

        assert [asked.path for asked in backend.asked] == ["/api/agents"]


@pytest.mark.parametrize(
    ("status", "text", "kind", "said"),
    [
        (400, "parse YAML body: unknown field(s): vresion", KanadeRefused, "vresion (400)"),
        (404, "job 'x' not found in catalog", KanadeRefused, "job 'x' not found in catalog (404)"),
        (403, "viewer may not", Unauthorized, "viewer may not (403)"),
        (409, "", KanadeRefused, "no reason given (409)"),
        (
            504,
            "",
            KanadeUnavailable,
            "no reason given (504); see its log, and the disk of nats-server",
        ),
        (413, "length limit exceeded", NoRoom, "delete old versions"),
        (500, "failed chunk ack: maximum bytes exceeded", NoRoom, "maximum bytes exceeded (500)"),
        (500, "database is locked", KanadeUnavailable, "database is locked (500)"),
        (502, "publish to commands.pc.x: closed", KanadeUnavailable, "closed (502)"),
        (503, "<html>\n<h1>Bad \x07 Gateway</h1>", KanadeUnavailable, "<h1>Bad ? Gateway</h1>"),
        (408, "slow", KanadeUnavailable, "slow (408)"),
        (301, "", KanadeRefused, "redirected to http://elsewhere/ (301)"),
        (307, "", KanadeRefused, "redirected to http://elsewhere/ (307)"),
        (304, "", KanadeRefused, "(304)"),
    ],
)
async def test_an_answer_that_is_none_is_an_error_in_the_backends_words(
    status: int, text: str, kind: type[ReconcilerError], said: str
) -> None:
    reply = answers(status, text, Location="http://elsewhere/")
    async with scripted(reply) as backend, client(backend.url) as asking:
        with pytest.raises(kind) as caught:
            await asking.request(GET)

        assert type(caught.value) is kind
        assert str(caught.value).startswith(f"backend {backend.url}: GET /api/freeze: ")
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(backend.asked) == 1


async def test_a_refused_token_is_read_anew_once() -> None:
    tokens = iter(["old", "new", "new"])
    refuse, accept = answers(401, "invalid token"), answers(200, "ok")
    async with scripted(refuse, accept) as backend:
        async with client(backend.url, lambda: next(tokens)) as asking:
            assert (await asking.request(GET)).data == b"ok"
            await asking.request(GET)

        sent = [asked.headers["authorization"] for asked in backend.asked]
        assert sent == ["Bearer old", "Bearer new", "Bearer new"]


async def test_a_token_that_is_refused_twice_is_left_alone_for_a_minute() -> None:
    tokens = iter(["old", "new", "new", "new"])
    async with scripted(answers(401, "invalid token")) as backend:
        async with client(backend.url, lambda: next(tokens)) as asking:
            for _ in range(2):
                with pytest.raises(Unauthorized, match=r"backend refused the token \(401\)"):
                    await asking.request(GET)

        assert len(backend.asked) == 2


async def test_peace_is_kept_when_it_is_asked_for() -> None:
    async with scripted(answers(429, "slow down", Retry_After="7")) as backend:
        async with client(backend.url) as asking:
            with pytest.raises(KanadeUnavailable, match=r"slow down \(429\)"):
                await asking.request(GET)
            with pytest.raises(KanadeUnavailable, match="asks for 7 s of peace"):
                await asking.request(GET)

        assert len(backend.asked) == 1


async def test_a_backend_that_is_not_there_is_unavailable() -> None:
    async with client("http://127.0.0.1:1") as asking:
        with pytest.raises(KanadeUnavailable, match=r"backend http://127\.0\.0\.1:1: GET "):
            await asking.request(GET)
        assert await asking.state() is BackendState.DOWN
        assert asking.trouble is not None


async def test_a_slow_backend_is_given_up_at_the_deadline() -> None:
    stop = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await stop.wait()
        return web.Response()

    async with scripted(wait) as backend, client(backend.url) as asking:
        with pytest.raises(KanadeUnavailable):
            await asking.request(replace(GET, within=timedelta(seconds=0.2)))
        stop.set()


async def test_an_answer_that_breaks_off_is_unavailable() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"exec_id":')
        assert request.transport is not None
        request.transport.close()
        return response

    async with scripted(break_off) as backend, client(backend.url) as asking:
        with pytest.raises(KanadeUnavailable):
            await asking.request(GET)


async def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "_MAX_ANSWER_BYTES", 1000)
    async with scripted(answers(200, "x" * 100_000)) as backend, client(backend.url) as asking:
        with pytest.raises(KanadeUnavailable, match="an answer of more than 1,000 bytes"):
            await asking.request(GET)


async def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b"0" * 1_000_000)

    async def bomb(_: web.Request) -> web.StreamResponse:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with scripted(bomb) as backend, client(backend.url) as asking:
        assert (await asking.request(GET)).data == packed
        assert backend.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, BackendState.UP),
        (500, BackendState.DOWN),
        (302, BackendState.DOWN),
    ],
)
async def test_a_backend_is_up_when_it_answers_our_token(status: int, state: BackendState) -> None:
    reply = answers(status, "null", "application/json")
    async with scripted(reply) as backend, client(backend.url) as asking:
        assert await asking.state() is state
        assert (asking.trouble is None) is (state is BackendState.UP)


async def test_a_backend_is_up_in_a_freeze() -> None:
    frozen = answers(200, '{"until":"2026-12-01","tz":"local"}', "application/json")
    async with scripted(frozen) as backend, client(backend.url) as asking:
        assert await asking.state() is BackendState.UP


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (
            answers(200, "<html>Welcome to nginx!</html>", "text/html"),
            (
                "expected JSON, got text/html (<html>Welcome to nginx!</html>); is this kanade's "
                "backend?"
            ),
        ),
        (answers(200, ""), "expected JSON, got text/plain (); is this kanade's backend?"),
        (
            answers(200, '{"status":"ok"}', "application/json"),
            "no freeze in the answer; is this kanade's backend?",
        ),
        (answers(200, "[]", "application/json"), "answer unreadable: expected an object"),
    ],
)
async def test_another_web_server_is_no_backend(reply: Reply, trouble: str) -> None:
    async with scripted(reply) as backend, client(backend.url) as asking:
        assert await asking.state() is BackendState.DOWN
        assert asking.trouble is not None
        assert asking.trouble.endswith(trouble)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_backend_that_refuses_the_token_is_not_taken_for_one_that_is_away(
    status: int,
) -> None:
    async with scripted(answers(status, "null")) as backend, client(backend.url) as asking:
        with pytest.raises(Unauthorized):
            await asking.state()


async def test_no_backend_is_none() -> None:
    assert await NoBackend().state() is BackendState.NONE


@pytest.mark.parametrize(
    "url",
    ["", "host:8080", "ftp://h", "http://", "http://u:p@h", "http://h?x", "http://h:port", "http://h#f"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(UsageError, match="the url must be like http://host:8080") as caught:
        client(url)

    assert "u:p" not in str(caught.value)


class Row(msgspec.Struct):
    exec_id: str


@pytest.mark.parametrize(
    ("data", "kind", "said"),
    [
        (b"<html><body>Sign in</body></html>", "text/html", "expected JSON, got text/html"),
        (b"", "", "expected JSON, got nothing"),
        (b'{"exec_id":', "application/json", "answer unreadable: not JSON"),
        (b'{"exec_id":1}', "application/json", "answer unreadable: exec_id must be a string"),
        (b"[]", "application/json", "answer unreadable: expected an object"),
    ],
)
def test_an_answer_of_another_kind_leaves_it_unknown(data: bytes, kind: str, said: str) -> None:
    with pytest.raises(KanadeUnavailable) as caught:
        read_json(data, kind, Row, "backend http://h: POST /x")

    assert said in str(caught.value)


def test_words_are_one_short_line() -> None:
    assert one_line(b"  a\r\n\tb \x1b[31m\xff ") == "a b ?[31m\ufffd"
    assert len(one_line(b"x" * 100_000)) == 300
