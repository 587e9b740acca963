import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.upload import Target, upload
from reconciler.kanade import output, reports
from reconciler.kanade.reports import NatsReports
from reconciler.model.digest import Digest
from reconciler.model.identity import JobId, Json
from reconciler.model.report import RunFinished, RunStarted
from reconciler.ports import BytesContent, Delivery
from tests.support.nats import eventually

DATA = Path(__file__).with_name("data") / "nats"
GOOD: dict[str, object] = {
    "result_id": "id-1",
    "request_id": "r1",
    "pc_id": "PC-1",
    "exit_code": 0,
    "skipped": False,
    "stdout": "",
    "stderr": "",
    "manifest_id": "install",
}


class Heard:
    """Reports, and the bell that they ring."""

    def __init__(self, connection: Connection, wanted: Callable[[JobId], bool]) -> None:
        self.connection = connection
        self.rung = asyncio.Event()
        self.reports = NatsReports(connection, self.rung.set, wanted)

    async def next(self, count: int = 1) -> list[Delivery]:
        taken: list[Delivery] = []
        async with asyncio.timeout(60):
            while True:
                self.rung.clear()
                taken += await self.reports.take()
                if len(taken) >= count:
                    return taken
                await self.rung.wait()

    async def passes_over(self, count: int) -> None:
        """Wait until so many have been unreadable: each stream is followed for itself."""
        async with asyncio.timeout(60):
            while self.reports.unreadable < count:
                self.rung.clear()
                await self.reports.take()
                if self.reports.unreadable < count:
                    await self.rung.wait()

    async def finish(self, *, subject: str | None = None, **change: object) -> None:
        result = {key: value for key, value in {**GOOD, **change}.items() if value is not ...}
        await self.publish(subject or f"results.{result.get('request_id')}", result)

    async def publish(self, subject: str, document: object) -> None:
        stream = "RESULTS" if subject.startswith("results") else "EVENTS"
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        await api.store(self.connection, stream, subject, data)


@pytest.fixture
async def heard(kanade: Connection) -> AsyncIterator[Heard]:
    heard = Heard(kanade, lambda job: job != "uninteresting")
    await heard.reports.start()
    yield heard
    await heard.reports.stop()


async def finished(heard: Heard) -> RunFinished:
    report = (await heard.next())[0].report
    assert isinstance(report, RunFinished)
    return report


async def test_a_result_of_the_real_agent_becomes_a_report(heard: Heard) -> None:
    captured = json.loads((DATA / "result-success.json").read_text())["result"]
    await heard.publish(f"results.{captured['request_id']}", captured)
    report = await finished(heard)

    assert (report.host, report.job, report.exec_id) == ("backend-01", "fixture", "exec-success")
    assert (report.exit_code, report.skipped) == (0, False)
    assert report.last_line == "kanade-backend 0.101.0"
    assert report.stdout_tail == "out\nkanade-backend 0.101.0\n"
    assert report.stderr_tail == "err\n"
    assert report.at.year >= 2026


async def test_an_event_of_the_real_agent_becomes_a_report(
    heard: Heard, captured: Callable[[str], Json]
) -> None:
    recorded = json.loads((DATA / "event-started.json").read_text())[0]
    await heard.publish(recorded["subject"], recorded["data"])
    (delivery,) = await heard.next()

    assert isinstance(delivery.report, RunStarted)
    assert (delivery.report.host, delivery.report.version) == ("backend-01", "1")
    assert delivery.report.result_id == "9d10f7aa-1c8d-488f-89a6-44b6556d60ff"
    assert callable(captured)


async def test_reports_come_in_the_order_in_which_they_were_stored(heard: Heard) -> None:
    event = {"result_id": "i", "exec_id": "e", "pc_id": "PC-1", "manifest_id": "m", "version": "1"}
    for number in range(5):
        await heard.publish("events.started.e.PC-1", {**event, "request_id": f"r{number}"})
        await heard.finish(request_id=f"r{number}")
    feeds = (heard.reports._results, heard.reports._started)
    await eventually(lambda: all(len(feed._waiting) == 5 for feed in feeds))
    taken = await heard.next(10)

    assert [(type(item.report), item.report.request_id) for item in taken] == [
        (kind, f"r{number}") for number in range(5) for kind in (RunStarted, RunFinished)
    ]


async def test_what_was_acknowledged_is_not_told_again(heard: Heard) -> None:
    await heard.finish()
    (delivery,) = await heard.next()
    await delivery.acknowledge()
    await heard.connection.rtt()
    await heard.reports.stop()
    await heard.reports.start()
    await heard.finish(request_id="r2")

    assert [item.report.request_id for item in await heard.next()] == ["r2"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exit_code": "0"}, "result from PC-1 unreadable: exit_code must be an integer"),
        ({"exit_code": None}, "result from PC-1 unreadable: exit_code must be an integer"),
        ({"exit_code": 2**63}, "result from PC-1 unreadable: exit_code must be an integer"),
        ({"exit_code": ...}, "result from PC-1 unreadable: exit_code is missing"),
        ({"subject": "results.other"}, "result from PC-1 unreadable: it is on results.other"),
        ({"stdout_object": "r2/PC-1/stdout"}, "stdout_object must be r1/PC-1/stdout"),
        ({"stdout_object": "r1/PC-2/stdout"}, "stdout_object must be r1/PC-1/stdout"),
        ({"pc_id": 7}, "result from results.r1 unreadable: pc_id must be a string"),
    ],
)
async def test_a_result_that_does_not_fit_is_named_counted_and_passed_over(
    heard: Heard,
    change: dict[str, object],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await heard.finish(**change)  # type: ignore[arg-type]
    await heard.finish(request_id="good")
    taken = await heard.next()

    assert [item.report.request_id for item in taken] == ["good"]
    assert heard.reports.unreadable == 1
    assert said in capsys.readouterr().out
    async with asyncio.timeout(60):  # the server takes an acknowledgement in its own time
        while await unacknowledged(heard) != 1:
            pass


async def unacknowledged(heard: Heard) -> object:
    verb = "CONSUMER.INFO.RESULTS.kanade-reconciler"
    info = await api.call(heard.connection, verb, {}, dict[str, object], "RESULTS")
    return info["num_ack_pending"]


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b'{"a":' * 10_000, json.dumps(GOOD).encode()[:-20]]
)
async def test_garbage_does_not_stop_the_reports(heard: Heard, data: bytes) -> None:
    await heard.publish("results.r1", data)
    await heard.publish("events.started.e.PC-1", data)
    await heard.finish(request_id="good")

    assert [item.report.request_id for item in await heard.next()] == ["good"]
    await heard.passes_over(2)


async def test_ten_megabytes_of_output_leave_their_last_line(heard: Heard) -> None:
    """Kanade keeps what is larger than 256 KiB apart; inline it is as large as a message may be."""
    apart, key = b"x\n" * 5_000_000 + b"tool 2.0\n", "r1/PC-1/stdout"
    target = Target(bucket="result_output", name=key, digest=Digest.of(apart), replaces=0)
    await upload(heard.connection, target, BytesContent(apart))
    await heard.finish(stdout_object=key)
    await heard.finish(request_id="r2", stdout="y\n" * 300_000 + "tool 2.0\n")

    for item in await heard.next(2):
        assert isinstance(item.report, RunFinished)
        assert (item.report.last_line, len(item.report.stdout_tail)) == ("tool 2.0", output.TAIL)
    assert heard.reports.unreadable == 0


@pytest.mark.parametrize(
    ("change", "skipped"),
    [
        ({"skipped": True, "exit_code": 124}, True),
        ({"skipped": False, "exit_code": 126, "stderr": "skipped: not really"}, False),
        ({"skipped": ..., "exit_code": 125, "stderr": "skipped: deadline expired"}, True),
        ({"skipped": ..., "exit_code": 126, "stderr": "sh: x: Permission denied"}, False),
        ({"skipped": None, "exit_code": 0}, False),
    ],
)
async def test_old_agents_do_not_say_whether_they_skipped(
    heard: Heard,
    change: dict[str, object],
    *,
    skipped: bool,
) -> None:
    await heard.finish(**change)  # type: ignore[arg-type]

    assert (await finished(heard)).skipped is skipped


async def test_a_result_without_an_id_gets_the_one_that_kanade_gives_it(heard: Heard) -> None:
    await heard.finish(result_id=...)
    await heard.finish(result_id=..., pc_id="PC-2")
    one, two = (item.report.result_id for item in await heard.next(2))

    assert one == "be3488a7-992c-5dd8-9395-d1e321ad6dba"
    assert two != one


async def test_an_output_that_is_kept_apart_is_read_from_its_end(heard: Heard) -> None:
    text = b"x" * 3_000_000 + b"\n\xff\x1b[31mtool 2.0\n\n"
    key = "r1/PC-1/stdout"
    target = Target(bucket="result_output", name=key, digest=Digest.of(text), replaces=0)
    await upload(heard.connection, target, BytesContent(text))
    await heard.finish(stdout_object=key)
    report = await finished(heard)

    assert report.last_line == "\ufffd\x1b[31mtool 2.0"
    assert len(report.stdout_tail) == output.TAIL
    assert report.stdout_tail.endswith("\ufffd\x1b[31mtool 2.0\n\n")


async def test_an_output_that_is_gone_leaves_a_report_without_one(heard: Heard) -> None:
    await heard.finish(stdout_object="r1/PC-1/stdout")
    report = await finished(heard)

    assert (report.last_line, report.stdout_tail) == ("", "")


async def test_the_output_of_a_job_of_no_interest_is_not_fetched(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def must_not_be_called(*_: object) -> str:
        raise AssertionError

    monkeypatch.setattr(reports, "fetch_tail", must_not_be_called)
    await heard.finish(stdout_object="r1/PC-1/stdout", manifest_id="uninteresting")

    assert (await finished(heard)).last_line == ""


async def test_a_result_whose_output_cannot_be_had_now_is_told_later(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> str:
        raise KanadeUnavailable("silent")

    monkeypatch.setattr(reports, "fetch_tail", silent)
    await heard.finish(stdout_object="r1/PC-1/stdout")
    await heard.finish(request_id="r2")
    taken = await heard.next()

    assert [item.report.request_id for item in taken] == ["r2"]
    assert await unacknowledged(heard) == 2
    assert heard.reports.unreadable == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("one", "one"),
        ("one\ntwo\n\n", "two"),
        ("one\r\n two \r\n", "two"),
        ("a\n" + "x" * 10_000, "x" * output.TAIL),
        ("one\n\x1b[0m", "\x1b[0m"),
    ],
)
def test_the_last_line_is_the_last_that_is_not_blank(text: str, line: str) -> None:
    assert output.last_line(text) == line
