"""What the settings may say of a repository that is not to be: refused before git is asked."""

import os
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import SourceRefused, UsageError
from reconciler.model.snapshot import Snapshot
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import ENVIRONMENT, Repository

Fetch = Callable[[GitSettings], Awaitable[Snapshot]]


@pytest.fixture
def settings(tmp_path: Path) -> GitSettings:
    repository = Repository.create(tmp_path / "repository.git")
    repository.commit({"a.yaml": "1"})
    return GitSettings(
        repository=str(repository.path),
        ref="main",
        state_folder=tmp_path / "state",
        environment=ENVIRONMENT,
    )


@pytest.fixture
def fetch() -> Iterator[Fetch]:
    made: list[GitSource] = []

    def begin(settings: GitSettings) -> Awaitable[Snapshot]:
        made.append(GitSource(settings))
        return made[-1].fetch()

    yield begin
    for source in made:
        source.close()


async def refused(fetching: Awaitable[Snapshot]) -> str:
    with pytest.raises(UsageError) as caught:
        await fetching
    return str(caught.value)


ALLOWED = "use https://, ssh://, user@host:path, file:// or a local path"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"repository": "ext::sh -c 'touch %s'"},
            f"repository: protocol 'ext' is not allowed; {ALLOWED}",
        ),
        ({"repository": "fd::17"}, f"repository: protocol 'fd' is not allowed; {ALLOWED}"),
        (
            {"repository": "git://host/a"},
            f"repository: protocol 'git' is not allowed; {ALLOWED}",
        ),
        (
            {"repository": "http://ada:CANARY@example.com/a"},
            "repository http://example.com/a: https only; http would show its credentials",
        ),
        (
            {"repository": "https://example.com/a?private_token=CANARY"},
            "repository https://example.com/a: an address has no '?' and no '#' here",
        ),
        (
            {"repository": "--upload-pack=touch %s"},
            "repository: an address may not begin with '-'",
        ),
        (
            {"ref": "--upload-pack=touch %s"},
            "ref may not begin with '-': '--upload-pack=touch %s'",
        ),
        ({"ref": "main:refs/heads/x"}, "ref 'main:refs/heads/x' may not contain ':'"),
        ({"ref": "main\n"}, "ref 'main\\n' may not contain '\\n'"),
        (
            {"folder": "../other"},
            "folder '../other': name a folder of the repository, as 'fleet/desired'",
        ),
        (
            {"folder": "/etc"},
            "folder '/etc': name a folder of the repository, as 'fleet/desired'",
        ),
    ],
)
def test_addresses_refs_and_folders(
    settings: GitSettings, tmp_path: Path, changed: Mapping[str, str], message: str
) -> None:
    marker = tmp_path / "ran"
    filled = {key: value.replace("%s", str(marker)) for key, value in changed.items()}
    bad = GitSettings(
        repository=filled.get("repository", settings.repository),
        ref=filled.get("ref", settings.ref),
        folder=filled.get("folder", ""),
        state_folder=settings.state_folder,
    )

    with pytest.raises(UsageError) as caught:
        GitSource(bad)

    assert str(caught.value) == message.replace("%s", str(marker))
    assert not marker.exists()
    assert not settings.state_folder.exists()


async def test_a_state_folder_below_a_file(settings: GitSettings, fetch: Fetch) -> None:
    place = settings.state_folder
    place.write_text("")

    assert await refused(fetch(replace(settings, state_folder=place / "x"))) == (
        f"state folder {place}/x: not usable: Not a directory"
    )


async def test_a_state_folder_that_is_a_file(settings: GitSettings, fetch: Fetch) -> None:
    settings.state_folder.write_text("")

    assert await refused(fetch(settings)) == (
        f"state folder {settings.state_folder}: not usable: File exists"
    )


async def test_a_state_folder_that_is_a_link(
    settings: GitSettings, fetch: Fetch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    settings.state_folder.symlink_to(tmp_path / "elsewhere")

    assert await refused(fetch(settings)) == (
        f"state folder {settings.state_folder}: is a symbolic link; name the folder itself"
    )


async def test_a_state_folder_that_others_write_to(settings: GitSettings, fetch: Fetch) -> None:
    settings.state_folder.mkdir()
    settings.state_folder.chmod(0o777)

    assert await refused(fetch(settings)) == (
        f"state folder {settings.state_folder}: others may write to it: chmod 700 it"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_state_folder_of_somebody_else(settings: GitSettings, fetch: Fetch) -> None:
    settings.state_folder.mkdir()
    os.chown(settings.state_folder, 12345, -1)

    assert await refused(fetch(settings)) == (
        f"state folder {settings.state_folder}: belongs to another user (12345)"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
async def test_a_repository_of_somebody_else(
    settings: GitSettings, fetch: Fetch, tmp_path: Path
) -> None:
    """Git's own advice would not help: its global configuration is not read here."""
    repository = tmp_path / "repository.git"
    os.chown(repository, 12345, -1)

    with pytest.raises(SourceRefused) as caught:
        await fetch(settings)

    assert str(caught.value).startswith(
        f"{repository}: belongs to another user: run the controller as its owner, or reach it by "
        "ssh or https ("
    )
    assert "safe.directory" not in str(caught.value)


async def test_a_state_folder_is_made_for_us_alone(settings: GitSettings, fetch: Fetch) -> None:
    await fetch(settings)

    clone = settings.state_folder / "repository.git"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (settings.state_folder, clone)] == [
        0o700,
        0o700,
    ]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xfe", b"1" * 39 + b"\n", b"x" * 41])
async def test_a_note_of_the_applied_revision_that_is_garbage(
    settings: GitSettings, fetch: Fetch, content: bytes
) -> None:
    """What was applied is then unknown, which is not the same as nothing."""
    await fetch(settings)
    note = settings.state_folder / "applied"
    note.write_bytes(content)

    message = await refused(fetch(settings))

    assert message.startswith(f"{note}: ")
    assert "\n" not in message


async def test_a_note_that_is_garbage_is_mended_from_the_clone(settings: GitSettings) -> None:
    source = GitSource(settings)
    revision = (await source.fetch()).commit.revision
    await source.applied(revision)
    note = settings.state_folder / "applied"
    note.write_text("garbage")
    restarted = GitSource(settings)

    last = await restarted.last_applied()
    await restarted.applied(revision)

    source.close()
    restarted.close()
    assert last is not None
    assert last.commit.revision == revision
    assert note.read_text() == f"{revision}\n"
