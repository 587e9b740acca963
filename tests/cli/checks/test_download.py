"""What a deploy script would download is asked for with its own token, and each no has its fix."""

import hashlib
import json
import socket
from dataclasses import replace

import pytest

from reconciler.cli.checks.download import download
from reconciler.lab.fleet import Lab
from tests.cli.checks.conftest import changed, files, surveyed, told
from tests.cli.conftest import Office
from tests.support.backend import Reply, answers, scripted

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWER = answers(200, json.dumps({"username": "mika", "role": "viewer"}), "application/json")


async def test_a_token_that_the_backend_refuses_is_no_good_to_a_script(
    desk: Office, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_TOKEN", "wrong")

    refused = f"tool: {lab.backend_url} refuses the token (401)"
    fix = "let the secret tool-token be a viewer's token of that backend"
    found = await told(download, surveyed(desk, files(lab.backend_url)))
    assert found == ["FAIL", f"{refused}: {fix}"]


async def test_a_secret_that_is_not_to_be_had_is_told_as_such(
    desk: Office, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_TOKEN")

    found = await told(download, surveyed(desk, files(lab.backend_url)))
    why = "secret tool-token: environment variable DESK_TOKEN is not set"
    assert found == ["FAIL", f"tool: {why}"]


async def test_a_script_without_a_token_is_told_that_it_needs_one(desk: Office, lab: Lab) -> None:
    made = changed(files(lab.backend_url), ", TOKEN: {secret: tool-token}", "")

    refused = f"tool: {lab.backend_url} refuses the token (401)"
    fix = "give the script a knob with {secret: NAME}, a viewer's token of that backend"
    assert await told(download, surveyed(desk, made)) == ["FAIL", f"{refused}: {fix}"]


async def test_what_is_yet_to_be_published_is_not_missing(desk: Office, lab: Lab) -> None:
    made = files(lab.backend_url, version="1.0.1")

    mark, line = await told(download, surveyed(desk, made))

    said = f"tool: {lab.backend_url} takes the token; tool/1.0.1 is published by the next pass"
    assert (mark, line.startswith(said)) == ("ok", True)


async def test_what_somebody_else_should_have_published_is_missing(desk: Office, lab: Lab) -> None:
    made = changed(files(lab.backend_url, version="1.0.1"), "{path: artifacts/tool, ", "{")

    fix = "kanade app publish tool FILE --version 1.0.1"
    assert await told(download, surveyed(desk, made)) == [
        "FAIL",
        f"tool: nobody has published tool/1.0.1 (404): {fix}",
    ]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answers(200, "", "application/octet-stream"), "ok {url} gives tool/1.0.0 for this token"),
        (
            answers(403),
            (
                "FAIL {url} knows the token of knob TOKEN and gives nothing for it (403): let its "
                "account use the page Apps"
            ),
        ),
        (
            answers(404),
            (
                "FAIL {url} has no tool/1.0.0 (404), and kanade's store has: is that this fleet's "
                "backend?"
            ),
        ),
        (
            answers(200, "", "text/html"),
            "FAIL {url} serves web pages: let the knob name kanade's backend",
        ),
        (answers(302, "", Location="http://x/"), "FAIL {url} answers 302: see its log"),
        (answers(503), "FAIL {url} answers 503: see its log"),
    ],
)
async def test_what_a_download_may_be_answered(desk: Office, reply: Reply, expected: str) -> None:
    async with scripted(reply, VIEWER) as backend:
        found = await told(download, surveyed(desk, files(backend.url)))

    mark, said = expected.format(url=backend.url).split(maxsplit=1)
    assert found == [mark, f"tool: {said}"]
    assert backend.asked[0].method == "HEAD"


async def test_nobody_at_the_address_is_no_answer_unless_it_is_our_own_gateway(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", hashlib.sha256(b"key").hexdigest())
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
        served = f'[serve]\nlisten = "{place}"\n[serve.gateway]\nkey = {{ secret = "key" }}\n'
        desk.config.write_text(f'{served}{desk.config.read_text()}key = {{ env = "KEY" }}\n')
        of_backend = files(f"http://{place}")
        of_gateway = changed(of_backend, "{secret: tool-token}", "{gateway: token}")

        mark, line = await told(download, surveyed(desk, of_backend))
        expected = f"tool: nobody answers at http://{place} yet: it is served by `reconciler run`"
        assert await told(download, surveyed(desk, of_gateway)) == ["ok", expected]

    asked = f"backend http://{place}: HEAD /api/app-packages/tool/1.0.0"
    assert (mark, line.startswith(f"tool: {asked}: Cannot connect")) == ("FAIL", True)


async def test_a_script_that_downloads_in_another_way_is_left_alone(desk: Office, lab: Lab) -> None:
    made = changed(files(lab.backend_url), f", URL: '{lab.backend_url}'", "")

    mark, line = await told(download, surveyed(desk, made))

    assert (mark, line.startswith("tool: not tried")) == ("ok", True)


async def test_without_a_release_there_is_nothing_to_try(desk: Office, lab: Lab) -> None:
    survey = surveyed(desk, files(lab.backend_url))
    assert survey.desired is not None
    survey.desired = replace(survey.desired, releases=())

    assert await told(download, survey) == ["ok", "there is no release"]
