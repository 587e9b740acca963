"""Artifacts that a server gives otherwise than asked: one line, code 5, and nothing is left."""

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from tests.cli.conftest import Office
from tests.cli.test_bad_commits import stored
from tests.source.repository import names_in
from tests.source.test_download import serving
from tests.support import small_fleet
from tests.support.command_line import Done

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

WANTED = small_fleet.binary_of("1.0.0")
BOMB = gzip.compress(bytes(10**7))
KEY = f"publish-package/tool/1.0.0/{hashlib.sha256(WANTED).hexdigest()[:12]}"


def applied(office: Office, url: str, *words: str) -> Done:
    files = small_fleet.files("1.0.0")
    release = str(files["releases/tool.yaml"])
    asked = release.replace("path: artifacts/tool", f'url: "{url}"')
    office.repository.commit({**files, "releases/tool.yaml": asked})
    return office.call(*words, "--set", "controller.allow_http_loopback=true", "apply")


def line_of(done: Done) -> str:
    """Return why the package was not published, the only step that has failed."""
    assert done.code == 5, done
    (line,) = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    return line.removeprefix(f"failed: {KEY}: ")


async def nothing_of_the_package(office: Office) -> bool:
    spool = names_in(office.folder / "state" / "spool")
    return spool == [] and not any("app_packages" in name for name in await stored(office.nats_url))


def bytes_of(content: bytes, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, headers=headers)

    return answer


def redirect(target: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    return answer


def differing(content: bytes) -> str:
    expected, found = (hashlib.sha256(each).hexdigest() for each in (WANTED, content))
    return (
        f"tool/1.0.0: expected sha256 {expected}, got {found}; publish the right file or correct "
        "the sha256"
    )


LIMIT = ("--set", "controller.max_artifact_bytes=1000")


@pytest.mark.parametrize(
    ("handler", "words", "line"),
    [
        (bytes_of(b"x" * 5000), LIMIT, "{url}: more than 1,000 bytes (the limit)"),
        (bytes_of(b""), (), "{url}: the file is empty"),
        (bytes_of(b"other"), (), differing(b"other")),
        (bytes_of(BOMB, **{"Content-Encoding": "gzip"}), (), differing(BOMB)),
        (
            redirect("http://10.0.0.1/x"),
            (),
            "{url}: redirect to http://10.0.0.1/x refused: https only",
        ),
        (
            redirect("https://169.254.169.254/x?token=CANARY"),
            (),
            (
                "{url}: redirect to https://169.254.169.254/x refused: 169.254.169.254 is not an "
                "address to fetch from"
            ),
        ),
    ],
)
async def test_a_download_that_is_not_what_git_says(
    kanade: Office, handler: Handler, words: tuple[str, ...], line: str
) -> None:
    async with serving(handler) as address:
        url = f"{address}tool"
        done = await asyncio.to_thread(applied, kanade, url, *words)

    assert line_of(done) == line.format(url=url)
    assert "CANARY" not in done.out + done.err
    assert await nothing_of_the_package(kanade)


@pytest.mark.parametrize("word", ["validate", "plan", "apply"])
def test_plain_http_to_elsewhere_is_a_fault_of_the_file(kanade: Office, word: str) -> None:
    files = small_fleet.files("1.0.0")
    release = str(files["releases/tool.yaml"])
    asked = release.replace("path: artifacts/tool", 'url: "http://files.example/tool"')
    kanade.repository.commit({**files, "releases/tool.yaml": asked})

    done = kanade.call(word)

    line = 'releases/tool.yaml:5:17: artifact.url: https only; found "http://"'
    assert (done.code, done.out, done.err) == (2, "", f"{line}\n1 fault\n")


async def test_this_machine_is_not_downloaded_from_unless_the_settings_say_so(
    kanade: Office,
) -> None:
    url = "https://127.0.0.1:1/tool"
    files = small_fleet.files("1.0.0")
    asked = str(files["releases/tool.yaml"]).replace("path: artifacts/tool", f'url: "{url}"')
    kanade.repository.commit({**files, "releases/tool.yaml": asked})

    done = await asyncio.to_thread(kanade.call, "apply")

    assert line_of(done) == f"{url}: 127.0.0.1 is this machine itself"
    assert await nothing_of_the_package(kanade)
