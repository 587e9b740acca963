"""Mail, taken in by a real SMTP server."""

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from reconciler.errors import NotificationNotDelivered, Undeliverable
from reconciler.notify import mail
from reconciler.notify.mail import Mail, Server
from tests.notify.happenings import APPLIED, CONVERGED, EVIL


@dataclass
class Post:
    """An SMTP server that answers DATA with *answer*, and RCPT with *welcome*."""

    answer: str = "250 OK"
    welcome: str = "250 OK"
    login_first: bool = False
    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.login_first and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.welcome.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.welcome

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return self.answer

    def letters(self) -> list[Message]:
        contents = [item.content for item in self.envelopes]
        return [
            email.message_from_bytes(content, policy=default)
            for content in contents
            if isinstance(content, bytes)
        ]


@asynccontextmanager
async def serving(*, login_first: bool = False) -> AsyncIterator[Post]:
    post = Post(login_first=login_first)

    def login(*arguments: object) -> AuthResult:
        post.logins.append(getattr(arguments[-1], "password", b""))
        return AuthResult(success=True)

    taken: list[SMTP] = []

    def take() -> SMTP:
        taken.append(SMTP(post, authenticator=login, auth_require_tls=False))
        return taken[-1]

    server = await asyncio.get_running_loop().create_server(take, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    yield post
    server.close()
    for one in taken:
        if one.transport is not None:
            one.transport.close()
    await asyncio.sleep(0)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with serving() as served:
        yield served


def to(post: Post, **changes: object) -> Mail:
    server = Server(host="127.0.0.1", port=post.port, tls=False, allow_loopback=True)
    server = replace(server, **changes)  # type: ignore[arg-type]  # the test names real fields
    return Mail(
        server=server, sender="fleet@ops.example", recipients=("a@ops.example", "b@ops.example")
    )


async def test_everybody_is_sent_one_plain_message(post: Post) -> None:
    await to(post).send(CONVERGED)

    (letter,) = post.letters()
    assert post.envelopes[0].rcpt_tos == ["a@ops.example", "b@ops.example"]
    assert letter["Subject"] == "[good] tool: Converged"
    assert letter["From"] == "kanade-reconciler <fleet@ops.example>"
    assert letter["Message-ID"] == "<e-converged@kanade-reconciler>"
    assert letter.get_content_type() == "text/plain"
    assert "3 of 3 hosts run tool 2.0.0, proved" in str(letter.get_payload())


async def test_a_revision_comes_with_its_plan(post: Post) -> None:
    await to(post).send(APPLIED)

    assert "  + publish package tool/2.0.0" in str(post.letters()[0].get_payload())


async def test_what_a_host_has_printed_makes_no_header(post: Post) -> None:
    await to(post).send(replace(EVIL, kind="X\r\nBcc: evil@x.example"))

    (letter,) = post.letters()
    assert letter["Bcc"] is None
    assert letter["Subject"] == "[bad] tool: X Bcc: evil@x.example"
    assert post.envelopes[0].rcpt_tos == ["a@ops.example", "b@ops.example"]


async def test_a_login_is_made_where_there_is_one() -> None:
    async with serving(login_first=True) as post:
        await to(post, user="fleet", password=lambda: "CANARY").send(CONVERGED)

        assert post.logins == [b"CANARY"]
        with pytest.raises(Undeliverable, match=r"127\.0\.0\.1: answered 530"):
            await to(post).send(CONVERGED)


@pytest.mark.parametrize(
    ("answer", "kind"), [("451 try again", NotificationNotDelivered), ("554 no", Undeliverable)]
)
async def test_a_no_for_now_is_not_a_no_for_good(
    post: Post, answer: str, kind: type[Exception]
) -> None:
    post.answer = answer
    with pytest.raises(kind, match=rf"127\.0\.0\.1: answered {answer[:3]}"):
        await to(post).send(CONVERGED)

    post.answer, post.welcome = "250 OK", answer
    with pytest.raises(kind, match=rf"no recipient was taken: {answer[:3]}"):
        await to(post).send(CONVERGED)


async def test_who_does_not_speak_tls_is_not_spoken_to_without(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotificationNotDelivered):
        await to(post, tls=True).send(CONVERGED)
    monkeypatch.setattr(mail, "is_loopback", lambda _: False)
    with pytest.raises(NotificationNotDelivered):
        await to(post).send(CONVERGED)

    assert post.envelopes == []


async def test_a_server_that_is_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "_WITHIN_SECONDS", 0.1)

    came, left = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()
        left.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        while not came.is_set():  # a busy machine may not have come so far in time
            with pytest.raises(NotificationNotDelivered, match=r"no answer: \w*TimeoutError"):
                await to(Post(port=port)).send(CONVERGED)
        await left.wait()


async def test_this_machine_is_mailed_by_only_where_the_settings_allow_it(post: Post) -> None:
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(Undeliverable, match="this machine itself"):
            await to(post, host=host, allow_loopback=False).send(CONVERGED)

    assert post.envelopes == []
