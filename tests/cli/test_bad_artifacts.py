"""`apply` where an artifact is no good: its own exit code, unless something else needs a person."""

import asyncio
import hashlib
import re

import pytest

from reconciler.model.digest import Digest
from tests.cli.conftest import Office
from tests.cli.test_apply_wait import agents
from tests.cli.test_printed import file_of, printed
from tests.source.binaries import linux_binary
from tests.support import small_fleet
from tests.support.command_line import Done
from tests.support.golden import assert_same

GOOD = small_fleet.files("1.0.0")
LABELLED = linux_binary({"version": "1.2.3"})
OTHER_NAMES = re.compile(r"tool(?!-token|})")
WITH_FAN = {
    OTHER_NAMES.sub("fan", name): OTHER_NAMES.sub("fan", text) if isinstance(text, str) else text
    for name, text in GOOD.items()
    if "tool" in name
}
"""A second release on the same hosts, whose artifact is in git."""


def from_a_folder(office: Office, wanted: bytes, found: bytes | None) -> str:
    """Let tool's artifact be a file that holds *found* where git wants *wanted*."""
    (office.folder / "builds").mkdir()
    if found is not None:
        (office.folder / "builds" / "tool").write_bytes(found)
    text = str(GOOD["releases/tool.yaml"])
    text = text.replace("path: artifacts/tool", "file: tool")
    before = hashlib.sha256(small_fleet.binary_of("1.0.0")).hexdigest()
    return text.replace(before, hashlib.sha256(wanted).hexdigest())


def apply(office: Office, *words: str) -> Done:
    return office.call(*with_root(office), "apply", *words)


def with_root(office: Office) -> tuple[str, str]:
    return "--set", f"controller.artifact_roots={office.folder / 'builds'}"


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        (b"right", b"wrong", "tool/1.0.0: expected sha256 "),
        (b"right", None, "artifact file tool: there is no such file below an artifact root "),
        (LABELLED, LABELLED, "tool: the binary says it is 1.2.3, the release says 1.0.0: build "),
    ],
)
def test_5_when_only_an_artifact_is_no_good(
    kanade: Office, wanted: bytes, found: bytes | None, told: str
) -> None:
    release = from_a_folder(kanade, wanted, found)
    kanade.repository.commit({**GOOD, **WITH_FAN, "releases/tool.yaml": release})

    done = apply(kanade)

    digest = Digest.of(wanted).hex[:12]
    assert done.code == 5
    assert f"failed: publish-package/tool/1.0.0/{digest}: {told}" in done.err


def test_6_when_something_else_is_held_beside_it(kanade: Office) -> None:
    release = from_a_folder(kanade, b"right", b"wrong")
    suspended = {"releases/fan.yaml": str(WITH_FAN["releases/fan.yaml"]) + "suspend: true\n"}
    kanade.repository.commit({**GOOD, **WITH_FAN, **suspended, "releases/tool.yaml": release})

    assert apply(kanade).code == 6


async def test_nobody_waits_for_an_artifact_that_was_refused(kanade: Office) -> None:
    """Hosts that have told that they lack it would be waited for, had the package come."""
    release = from_a_folder(kanade, b"right", b"wrong")
    kanade.repository.commit({**GOOD, "releases/tool.yaml": release})

    words = (*with_root(kanade), "apply", "--wait")
    async with agents(kanade):
        done = await asyncio.to_thread(kanade.execute, *words)

    assert done.code == 5


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_said_of_it(kanade: Office, columns: int) -> None:
    release = from_a_folder(kanade, b"right", None)
    kanade.repository.commit({**GOOD, "releases/tool.yaml": release}, message="Ask for tool 1.0.0")

    text = printed(kanade, " ".join((*with_root(kanade), "apply")), columns)

    assert_same(text, file_of("apply", f"-with-a-bad-artifact-{columns}"))
