"""The page: what it shows, to whom, and that nothing in it is taken for markup."""

from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from yarl import URL

from reconciler.model.condition import Truth
from reconciler.model.identity import HostName
from reconciler.model.status import ControllerStatus, Status
from reconciler.serve.authenticator import Keys
from tests.serve.controls import BACKEND, HOSTILE, LOG, FakeEntries, Fleet, fleet, host, many, told
from tests.serve.endpoints import KEYS, Client, opened

PAGES = (
    "/",
    f"/releases/{BACKEND}",
    "/hosts",
    "/hosts/office-03",
    "/jobs",
    "/events",
    "/sign-in",
)


class Reading(HTMLParser):
    """The text of a page, and the names of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


async def read(client: Client, path: str) -> Reading:
    async with client.get(URL(path, encoded=True)) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html"), await reply.text()
        reading = Reading()
        reading.feed(await reply.text())
        return reading


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with opened(fleet()) as made:
        yield made


async def test_releases_are_shown_with_what_holds_them(client: Client) -> None:
    shown = await read(client, "/")

    assert "it needs 1 approval" in shown.text
    assert "wave office is not done" in shown.text
    assert shown.elements.count("g") > 32, "a square for each host"


async def test_a_release_is_told_from_its_commit_on(client: Client) -> None:
    shown = await read(client, f"/releases/{BACKEND}")

    kinds = ["Committed", "RevisionApplied", "HostRunning", "HostConverged", "HostFailed"]
    places = [shown.text.index(kind) for kind in kinds]
    assert places == sorted(places)


async def test_a_host_says_what_to_do_next(client: Client) -> None:
    assert (
        "publish a version that starts, or roll back"
        in (await read(client, "/hosts/office-03")).text
    )


async def test_a_host_shows_what_its_agent_had_written_as_it_is(client: Client) -> None:
    shown = await read(client, "/hosts/office-03")

    assert "30 lines" in shown.text
    assert "\n".join(LOG.lines) in shown.text


async def test_hosts_are_searched_filtered_and_paged() -> None:
    async with opened(fleet(many(10_000))) as client:
        first = await read(client, "/hosts?q=&release=kanade-backend&state=pending")
        (onwards,) = (link for link in first.links if "offset=50" in link)
        second = await read(client, onwards)

    assert "1 to 50 of 1428" in first.text
    assert "51 to 100 of 1428" in second.text
    assert "/hosts/pc-00004" in first.links


async def test_events_are_paged() -> None:
    seen = fleet()
    for _ in range(100):
        seen.events.add(next(told()))
    async with opened(seen) as client:
        first = await read(client, "/events")
        (onwards,) = (link for link in first.links if "before=" in link)
        second = await read(client, onwards)

    assert onwards == "/events?before=62"
    assert any("before" not in link for link in second.links if link.startswith("/events?"))


@pytest.fixture
def hostile() -> Fleet:
    """Everything that comes from outside is somebody's attempt."""
    seen = fleet([host(HOSTILE, "failed", message=HOSTILE, last_line=HOSTILE, wave=HOSTILE)])
    backend = seen.status.releases[BACKEND]
    named = replace(backend, waits_for=HOSTILE, held=(replace(backend.held[0], message=HOSTILE),))
    seen.status = replace(
        seen.status,
        controller=replace(seen.status.controller, subject=HOSTILE),
        releases={BACKEND: named},
    )
    seen.events = FakeEntries()
    seen.events.add(replace(next(told()), message=HOSTILE, host=HostName(HOSTILE)))
    return seen


@pytest.mark.parametrize(
    "path",
    ["/", f"/releases/{BACKEND}", "/hosts", f"/hosts/{quote(HOSTILE, safe='')}", "/events"],
)
async def test_what_comes_from_outside_is_text_and_stays_so(hostile: Fleet, path: str) -> None:
    async with opened(hostile) as client:
        shown = await read(client, path)

    assert "<script>alert(1)</script>&\"'" in shown.text
    assert shown.elements.count("script") == 1
    assert "\u202e" not in shown.text


@pytest.mark.parametrize("path", [*PAGES, "/static/page.css", "/nothing", "/api/v1/hosts"])
async def test_every_answer_says_what_a_browser_may_do(client: Client, path: str) -> None:
    async with client.get(path) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"


async def test_nothing_on_a_page_stands_where_the_policy_forbids_it(client: Client) -> None:
    for path in PAGES:
        async with client.get(path) as reply:
            text = await reply.text()
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<style" not in text
        assert "//" not in text.replace("<!doctype html>", ""), "no address of elsewhere"


async def test_who_must_sign_in_is_brought_back_afterwards() -> None:
    async with opened(fleet(), KEYS) as client:
        async with client.get("/hosts?q=a", allow_redirects=False) as reply:
            assert (reply.status, reply.headers["Location"]) == (
                303,
                "/sign-in?next=/hosts?q%3Da",
            )
        async with client.get("/sign-in") as reply:
            assert reply.status == 200


async def test_an_empty_fleet_is_a_page_too() -> None:
    seen = fleet()
    seen.status = Status(controller=ControllerStatus(revision=None))
    seen.events = FakeEntries()
    async with opened(seen) as client:
        for path in ("/", "/hosts", "/jobs", "/events"):
            await read(client, path)
        assert "No revision is in force yet" in (await read(client, "/")).text


async def test_a_person_who_goes_astray_is_shown_a_way_on(client: Client) -> None:
    async with client.get("/relases", headers={"Accept": "text/html"}) as reply:
        shown = Reading()
        shown.feed(await reply.text())

    assert (reply.status, reply.content_type) == (404, "text/html")
    assert "there is no page /relases" in shown.text
    assert {"/", "/hosts", "/jobs", "/events"} <= set(shown.links)


async def test_a_program_that_goes_astray_is_told_so_in_plain_words(client: Client) -> None:
    async with client.get("/relases") as reply:
        assert (reply.status, reply.content_type) == (404, "text/plain")


@pytest.mark.parametrize("truth", list(Truth))
async def test_an_approval_is_offered_only_where_it_is_waited_for(truth: Truth) -> None:
    seen = fleet()
    backend = seen.status.releases[BACKEND]
    approved = replace(backend.conditions[-1], status=truth)
    backend = replace(backend, conditions=(*backend.conditions[:-1], approved))
    seen.status = replace(seen.status, releases={BACKEND: backend})
    async with opened(seen) as client:
        headers = {"Authorization": "Bearer alices-token"}
        async with client.get(f"/releases/{BACKEND}", headers=headers) as reply:
            text = await reply.text()

    assert (f"Approve {backend.version}" in text) is (truth is Truth.FALSE)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/hosts/nobody", 404, "no host nobody is known"),
        ("/releases/kanade-backen", 404, "did you mean kanade-backend?"),
        ("/hosts?state=unwell", 400, "the query does not fit"),
    ],
)
async def test_what_is_not_there_is_said_in_words(path: str, status: int, said: str) -> None:
    async with opened(fleet(), Keys()) as client, client.get(path) as reply:
        assert reply.status == status
        assert said in await reply.text()
