"""One request: to where the settings say, bounded, and read for what to do next."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from reconciler.errors import NotificationNotDelivered, Undeliverable
from reconciler.notify import post
from reconciler.notify.post import Poster
from tests.notify.far_end import FarEnd, Reply
from tests.support.builders import NOON
from tests.support.clock import FakeClock

HEADERS = {"X-Test": "yes"}


async def ask(poster: Poster, address: str) -> bytes:
    return await poster.ask("POST", address, headers=HEADERS, body=b"{}")


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_what_was_taken_is_taken(end: FarEnd, poster: Poster, status: int) -> None:
    end.otherwise = Reply(status=status, body="thanks")

    assert await ask(poster, f"{end.address}/hook?x=1") == b'"thanks"'

    (request,) = end.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook?x=1", b"{}")
    assert request.headers["X-Test"] == "yes"


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        (Reply(status=500), None),
        (Reply(status=502), None),
        (Reply(status=408), None),
        (Reply(status=429), None),
        (Reply(status=429, headers={"Retry-After": "7"}), timedelta(seconds=7)),
        (Reply(status=503, headers={"Retry-After": "0"}), timedelta(0)),
        (
            Reply(
                status=429,
                headers={"Retry-After": format_datetime(NOON + timedelta(seconds=90), usegmt=True)},
            ),
            timedelta(seconds=90),
        ),
        (Reply(status=429, headers={"Retry-After": "soon"}), None),
        (
            Reply(
                status=403,
                headers={
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": str(int(NOON.timestamp()) + 60),
                },
            ),
            timedelta(seconds=60),
        ),
    ],
)
async def test_what_may_pass_is_sent_again_when_the_far_end_says(
    end: FarEnd, poster: Poster, reply: Reply, after: timedelta | None
) -> None:
    end.otherwise = reply

    with pytest.raises(
        NotificationNotDelivered, match=rf"^127\.0\.0\.1: answered {reply.status}"
    ) as refused:
        await ask(poster, f"{end.address}/CANARY")

    assert refused.value.after == after


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_a_plain_no_is_one_and_shows_nothing_but_the_host(
    end: FarEnd, poster: Poster, status: int
) -> None:
    end.otherwise = Reply(status=status, body="CANARY")

    with pytest.raises(Undeliverable, match=rf"^127\.0\.0\.1: answered {status}") as refused:
        await ask(poster, f"{end.address}/services/CANARY?key=CANARY")

    assert "CANARY" not in str(refused.value)


async def test_a_redirect_is_not_followed(end: FarEnd, poster: Poster) -> None:
    end.otherwise = Reply(status=302, headers={"Location": f"{end.address}/elsewhere"})

    with pytest.raises(Undeliverable, match="write the address that it leads to"):
        await ask(poster, end.address)

    assert len(end.requests) == 1


async def test_who_does_not_answer_is_not_waited_for(
    end: FarEnd, poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "_WITHIN_SECONDS", 0.1)
    end.otherwise = Reply(silent=True)

    with pytest.raises(NotificationNotDelivered, match=r"no answer within 0\.1 s"):
        await ask(poster, end.address)


async def test_who_is_not_there_may_come_back(poster: Poster) -> None:
    with pytest.raises(NotificationNotDelivered, match="no answer: ClientConnectorError"):
        await ask(poster, "http://127.0.0.1:1/CANARY")


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/x",
        "https://169.254.169.254/latest",
        "https://0.0.0.0/x",
        "https://user:CANARY@hooks.example/x",
        "ftp://hooks.example/x",
        "https:///x",
        "not an address",
    ],
)
async def test_an_address_that_nothing_may_be_fetched_from_is_not_posted_to(address: str) -> None:
    poster = Poster(clock=FakeClock(), allow_loopback=True)

    with pytest.raises(Undeliverable) as refused:
        await ask(poster, address)

    assert "CANARY" not in str(refused.value)


async def test_this_machine_is_posted_to_only_where_the_settings_allow_it(end: FarEnd) -> None:
    name = end.address.replace("127.0.0.1", "localhost").replace("http:", "https:")
    for address in (end.address, name):
        with pytest.raises(Undeliverable):
            await ask(Poster(clock=FakeClock()), address)

    assert end.requests == []
