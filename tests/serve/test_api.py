"""The JSON API: what it tells of releases, hosts, jobs and events."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from yarl import URL

from reconciler.model.identity import HostName
from reconciler.model.status import ReleaseStatus
from reconciler.serve import views
from tests.serve.controls import BACKEND, HOSTILE, LOG, TOOL, Fleet, fleet, host, many, told
from tests.serve.endpoints import Client, ask, opened, refused


@pytest.fixture
def seen() -> Fleet:
    return fleet()


@pytest.fixture
async def client(seen: Fleet) -> AsyncIterator[Client]:
    async with opened(seen) as made:
        yield made


async def test_releases_are_told_by_how_much_they_need_somebody(
    client: Client, seen: Fleet
) -> None:
    assert [item.name for item in (await ask(client, "/releases", views.Releases)).items] == [
        BACKEND,
        TOOL,
    ]
    told_of = await ask(client, f"/releases/{BACKEND}", ReleaseStatus)
    assert told_of == seen.status.releases[BACKEND]


async def test_a_wave_says_who_runs_what_and_what_keeps_it_shut(client: Client) -> None:
    found = (await ask(client, f"/releases/{BACKEND}/waves", views.Waves)).items

    assert [(wave.name, wave.is_open, wave.versions) for wave in found] == [
        ("canary", True, {"0.43.0": 3}),
        ("office", True, {"0.42.1": 3, "0.43.0": 1}),
        ("rest", False, {"0.42.1": 17}),
    ]
    assert found[2].held is not None
    assert found[2].held.reason == "WaveNotDone"


async def test_hosts_come_by_page_and_those_that_failed_come_first() -> None:
    async with opened(fleet(many(10_000))) as client:
        first = await ask(client, "/hosts", views.Hosts, release=BACKEND, limit="2")
        last = await ask(client, "/hosts", views.Hosts, release=BACKEND, offset="9999")

    assert [item.host for item in first.items] == ["pc-00006", "pc-00013"]
    assert (first.total, first.counts["failed"], first.counts["converged"]) == (10_000, 1428, 4287)
    assert [item.host for item in last.items] == ["pc-09999"]


async def test_hosts_are_found_by_a_part_of_their_name_and_by_state(client: Client) -> None:
    part = await ask(client, "/hosts", views.Hosts, q="OFFICE-0")
    failed = await ask(client, "/hosts", views.Hosts, state="failed")
    waiting = await ask(client, "/hosts", views.Hosts, wave="rest", limit="1")

    assert [item.host for item in part.items] == [f"office-0{number}" for number in (3, 1, 2, 4)]
    assert [item.host for item in failed.items] == ["office-03"]
    assert (failed.total, failed.counts["pending"]) == (1, 17)
    assert waiting.total == 17


async def test_a_host_says_why_it_is_as_it_is(client: Client) -> None:
    (chain,) = (await ask(client, "/hosts/office-03", views.Why)).items

    assert chain.state == "failed"
    assert "ServiceDidNotStart" in chain.links[-1].text
    assert [link.lines for link in chain.links if link.lines] == [LOG.lines]


async def test_a_host_may_be_called_anything() -> None:
    strange = [host(HOSTILE, "failed"), host("a/b c?d#{e}%2F", "offline")]
    async with opened(fleet(strange)) as client:
        for item in strange:
            path = f"/api/v1/hosts/{quote(item.host, safe='')}"
            async with client.get(URL(path, encoded=True)) as reply:
                assert reply.status == 200
                assert (await reply.json())["host"] == item.host


async def test_events_come_newest_first_and_page_by_page(client: Client) -> None:
    newest = await ask(client, "/events", views.Events, limit="3")
    assert newest.older is not None
    older = await ask(client, "/events", views.Events, before=str(newest.older), limit="500")

    assert [entry.sequence for entry in newest.items] == [11, 10, 9]
    assert [entry.sequence for entry in older.items] == list(range(8, 0, -1))
    assert older.older is None


async def test_events_are_those_of_a_release_a_host_or_a_severity(client: Client) -> None:
    of_host = await ask(client, "/events", views.Events, host="office-03")
    bad = await ask(client, "/events", views.Events, severity="error", release=BACKEND)

    assert [entry.event.kind for entry in of_host.items] == ["HostFailed"]
    assert [entry.event.kind for entry in bad.items] == ["ServiceDidNotStart", "HostFailed"]


async def test_a_timeline_goes_from_the_commit_on(client: Client) -> None:
    found = await ask(client, f"/releases/{BACKEND}/timeline", views.Timeline)

    assert [(moment.kind, moment.count) for moment in found.items] == [
        ("Committed", 1),
        ("RevisionApplied", 1),
        ("Progressing", 1),
        ("HostRunning", 3),
        ("HostConverged", 3),
        ("Soaking", 1),
        ("HostFailed", 1),
        ("ServiceDidNotStart", 1),
    ]


async def test_of_a_long_story_the_middle_is_left_out(client: Client, seen: Fleet) -> None:
    for number in range(1000):
        seen.events.add(replace([*told()][-1], kind=f"Kind{number}"))
    found = await ask(client, f"/releases/{BACKEND}/timeline", views.Timeline)

    assert found.left_out + len(found.items) == 1008
    assert (len(found.items), found.items[0].kind) == (300, "Committed")
    assert found.items[-1].kind == "Kind999"


async def test_the_controller_and_its_jobs_are_told(client: Client) -> None:
    found = await ask(client, "/controller", views.Controller)
    jobs = await ask(client, "/jobs", views.Jobs)

    assert (found.releases, found.hosts, found.jobs) == (2, 32, 2)
    assert [job.reason for job in jobs.items] == ["InSync", "Missing"]


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("/releases/kanade-backen", {}, 404, "did you mean kanade-backend?"),
        ("/hosts/nobody", {}, 404, "no host nobody is known"),
        ("/hosts", {"limit": "501"}, 400, "limit"),
        ("/hosts", {"limit": "many"}, 400, "limit"),
        ("/hosts", {"state": "unwell"}, 400, "state"),
        ("/hosts", {"colour": "red"}, 400, "colour"),
        ("/events", {"before": "0"}, 400, "before"),
        ("/nothing", {}, 404, "/api/v1/openapi.json"),
    ],
)
async def test_what_does_not_fit_is_a_problem_in_one_line(
    client: Client, path: str, query: dict[str, str], status: int, said: str
) -> None:
    found, detail = await refused(client, path, **query)

    assert (found, said in detail) == (status, True), detail


async def test_another_method_is_told_which_there_is(client: Client) -> None:
    async with client.delete("/api/v1/releases") as reply:
        assert (reply.status, reply.headers["Allow"]) == (405, "GET")
        assert reply.content_type == "application/problem+json"


async def test_what_is_new_is_heard_at_once(client: Client, seen: Fleet) -> None:
    first = next(told())
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "10"}
    async with client.get("/api/v1/events", headers=headers) as reply:
        assert reply.content_type == "text/event-stream"
        assert await reply.content.readuntil(b"\n\n") == b"retry: 3000\n\n"
        missed = await reply.content.readuntil(b"\n\n")
        seen.events.add(replace(first, host=HostName(HOSTILE)))
        seen.news.notify()
        frames = [await reply.content.readuntil(b"\n\n") for _ in range(2)]

    assert missed.startswith(b"id: 11\nevent: told\ndata: {")
    assert {frame.splitlines()[0] for frame in frames} == {b"event: status", b"id: 12"}
