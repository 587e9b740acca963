"""What the real backend answers, refusals included, through our own eyes."""

import json
from pathlib import Path

import pytest

from reconciler.errors import KanadeRefused, Unauthorized
from reconciler.kanade.http import Ask, BackendClient, BackendOptions
from reconciler.kanade.http_jobs import HttpRunner
from reconciler.kanade.http_write import BackendWriter
from tests.support.backend import Reply, answers, scripted
from tests.support.builders import attempt, release
from tests.support.clock import FakeClock
from tests.support.lease import LeaseOfOne

DATA = Path(__file__).with_name("data") / "http"
CAPTURED = {path.stem: json.loads(path.read_text()) for path in sorted(DATA.glob("*.json"))}
REFUSALS = sorted(name for name, answer in CAPTURED.items() if answer["status"] >= 400)
TAKEN = sorted(CAPTURED.keys() - set(REFUSALS))


def reply_of(name: str) -> Reply:
    answer = CAPTURED[name]
    kind = (answer["content_type"] or "text/plain").partition(";")[0]
    body = answer["body"]
    return answers(answer["status"], body if isinstance(body, str) else json.dumps(body), kind)


def ask_of(name: str) -> Ask:
    method, _, path = CAPTURED[name]["request"].partition(" ")
    return Ask(method=method, path=path)


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_of_the_real_backend_keeps_its_words(name: str) -> None:
    async with scripted(reply_of(name)) as backend:
        options = BackendOptions(url=backend.url, token=lambda: "t0ken")
        async with BackendClient(options, FakeClock()) as asking:
            with pytest.raises(KanadeRefused) as caught:
                await asking.request(ask_of(name))

    if CAPTURED[name]["status"] == 401:
        assert type(caught.value) is Unauthorized
    else:
        assert type(caught.value) is KanadeRefused
        assert CAPTURED[name]["body"] in str(caught.value)


@pytest.mark.parametrize("name", TAKEN)
async def test_an_answer_of_the_real_backend_is_passed_on(name: str) -> None:
    async with scripted(reply_of(name)) as backend:
        options = BackendOptions(url=backend.url, token=lambda: "t0ken")
        async with BackendClient(options, FakeClock()) as asking:
            answer = await asking.request(ask_of(name))

        assert backend.asked[0].path == CAPTURED[name]["request"].partition(" ")[2]
    if CAPTURED[name]["content_type"] == "application/json":
        assert json.loads(answer.data) == CAPTURED[name]["body"]


async def test_an_exec_of_the_real_backend_gives_its_id() -> None:
    async with scripted(reply_of("exec")) as backend:
        options = BackendOptions(url=backend.url, token=lambda: "t0ken")
        async with BackendClient(options, FakeClock()) as asking:
            runner = HttpRunner(BackendWriter(asking, LeaseOfOne()), FakeClock())
            intent = attempt(release("0.101.0"), "ghost-01", sent=False)
            sent = await runner.send(runner.prepare(intent, {}))

    assert sent.exec_id == "b01becb4-8841-4151-b39e-592f2eec0ca6"
