"""How large an artifact is, wherever it comes from, and whether a host gets it in time."""

from pathlib import Path

import pytest
from aiohttp import web

from reconciler.cli.checks.artifacts import artifacts
from reconciler.lab.fleet import Lab
from tests.cli.checks.conftest import Files, changed, files, surveyed, told
from tests.cli.conftest import Office
from tests.source.test_download import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

LARGE = 900 * 1000 * 1000
SHORT = (
    "tool: execute.timeout of 300 s is short for 900,000,000 bytes of tool 1.0.1: a host needs "
    "3.0 MB/s, or is killed half-way; raise it in jobs/install-tool.yaml"
)


def from_place(lab: Lab, place: str) -> Files:
    """Return a commit whose artifact, of a version that nobody has, comes from *place*."""
    made = files(lab.backend_url, version="1.0.1")
    return changed(made, "{path: artifacts/tool, ", f"{{{place}")


def sparse(file: Path, size_bytes: int) -> None:
    with file.open("wb") as stream:
        stream.truncate(size_bytes)


async def test_what_is_stored_is_measured_there(desk: Office, lab: Lab) -> None:
    """The file of its release need not be there any more."""
    made = changed(files(lab.backend_url), "{path: artifacts/tool, ", "{file: gone/tool, ")

    found = await told(artifacts, surveyed(desk, made))

    assert found == ["ok", "tool: 2,400 bytes within 5m: also by a slow link"]


async def test_a_large_file_is_told_with_what_a_host_needs(desk: Office, lab: Lab) -> None:
    sparse(desk.folder / "tool", LARGE)
    made = from_place(lab, "file: tool, ")

    roots = f"controller.artifact_roots={desk.folder}"
    found = await told(artifacts, surveyed(desk, made, roots))

    assert found == ["ok", SHORT]


async def test_a_file_that_is_not_there_is_missing(desk: Office, lab: Lab) -> None:
    made = from_place(lab, "file: tool, ")

    roots = f"controller.artifact_roots={desk.folder}"
    mark, line = await told(artifacts, surveyed(desk, made, roots))

    assert (mark, line.startswith("tool: artifact file tool: ")) == ("FAIL", True)


async def test_an_address_is_asked_and_nothing_is_fetched(desk: Office, lab: Lab) -> None:
    sent = 0

    async def large(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Length": str(LARGE)})
        await response.prepare(request)
        for _ in range(LARGE // 100_000):
            await response.write(b"x" * 100_000)
            sent += 100_000
        return response

    async with serving(large) as url:
        made = from_place(lab, f"url: '{url}tool', ")
        survey = surveyed(desk, made, "controller.allow_http_loopback=true")
        found = await told(artifacts, survey)

    assert found == ["ok", SHORT]
    assert sent < LARGE / 2


async def test_an_address_that_has_nothing_is_no_good(desk: Office, lab: Lab) -> None:
    async def nothing(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async with serving(nothing) as url:
        made = from_place(lab, f"url: '{url}tool', ")
        survey = surveyed(desk, made, "controller.allow_http_loopback=true")
        found = await told(artifacts, survey)

    assert found == ["FAIL", f"tool: {url}tool: answered 404: only 200 brings a file"]


async def test_what_somebody_else_publishes_is_not_known_before(desk: Office, lab: Lab) -> None:
    found = await told(artifacts, surveyed(desk, from_place(lab, "")))

    assert found == ["ok", "tool: how large it is is not known yet"]
