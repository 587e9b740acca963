"""The git command: which git, what it sees, and where its credential is not."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import SourceUnavailable, UsageError
from reconciler.source.command import Git, GitFailed
from reconciler.source.git import GitSource
from reconciler.source.location import Location
from reconciler.source.settings import GitSettings
from tests.source.repository import ENVIRONMENT

SOON = timedelta(minutes=1)
Write = Callable[[str], dict[str, str]]


@pytest.fixture
def fake_git(tmp_path: Path) -> Write:
    """Write a shell script that stands for git; returns an environment that finds it."""

    def write(script: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
        return {**ENVIRONMENT, "PATH": f"{folder}:{ENVIRONMENT['PATH']}"}

    return write


def git(settings: GitSettings) -> Git:
    return Git(Location.parse(settings.repository, allow_loopback_http=True), settings)


async def test_without_git_on_the_path_that_is_said(settings: GitSettings, tmp_path: Path) -> None:
    lacking = replace(settings, environment={"PATH": str(tmp_path)})

    with pytest.raises(UsageError) as caught:
        await git(lacking).local("version", deadline=SOON, clone=None)

    assert f"git >= 2.36 not found on PATH ({tmp_path}); install git" == str(caught.value)


@pytest.mark.parametrize("environment", [{}, {"PATH": ""}])
async def test_without_a_path_that_is_said(
    settings: GitSettings, environment: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match=r"git >= 2.36 not found on PATH \(empty\)"):
        await git(replace(settings, environment=environment)).local(
            "version", deadline=SOON, clone=None
        )


@pytest.mark.parametrize("said", ["git version 2.17.1", "git version 1.99", "hub version 3.0", ""])
async def test_an_old_git_is_not_used(settings: GitSettings, fake_git: Write, said: str) -> None:
    environment = fake_git(f"echo '{said}'")

    with pytest.raises(UsageError, match=r"^git >= 2.36 not found: .*/bin/git is "):
        await git(replace(settings, environment=environment)).local(
            "version", deadline=SOON, clone=None
        )


@pytest.mark.parametrize("said", ["git version 2.36.0", "git version 2.50.1.windows.1"])
async def test_a_new_enough_git_is_asked_once(
    settings: GitSettings, fake_git: Write, tmp_path: Path, said: str
) -> None:
    environment = fake_git(f"echo x >> {tmp_path}/asked; echo '{said}'")
    command = git(replace(settings, environment=environment))

    await command.local("status", deadline=SOON, clone=None)
    await command.local("status", deadline=SOON, clone=None)

    assert (tmp_path / "asked").read_text() == "x\nx\nx\n"


async def test_git_sees_nothing_of_ours_but_what_it_needs(
    settings: GitSettings, fake_git: Write
) -> None:
    """Neither a prompt, nor somebody's configuration, nor the repository of a hook."""
    hostile = {"GIT_DIR": "/x", "GIT_SSH_COMMAND": "id", "https_proxy": "http://x", "CANARY": "1"}
    environment = fake_git('[ "$1" = version ] && echo git version 2.40 || env') | hostile

    command = git(replace(settings, environment=environment | {"SSH_AUTH_SOCK": "/s"}))
    done = await command.local("status", deadline=SOON, clone=None)

    seen = dict(line.split("=", 1) for line in done.output.decode().splitlines())
    assert not {"GIT_DIR", "CANARY", "https_proxy"} & set(seen)
    assert {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": "none",
        "LC_ALL": "C",
        "SSH_AUTH_SOCK": "/s",
    }.items() <= seen.items()
    assert "BatchMode=yes" in seen["GIT_SSH_COMMAND"]
    assert "StrictHostKeyChecking=yes" in seen["GIT_SSH_COMMAND"]


async def test_hooks_attributes_and_detached_helpers_are_off(settings: GitSettings) -> None:
    done = await git(settings).local("config", "--list", deadline=SOON, clone=None)

    assert {
        "core.hookspath=/dev/null",
        "core.fsmonitor=false",
        "core.attributesfile=/dev/null",
        "credential.helper=",
        "transfer.fsckobjects=true",
        "maintenance.auto=false",
        "gc.auto=0",
        "safe.barerepository=explicit",
        "http.lowspeedtime=15",
        "http.followredirects=initial",
    } <= set(done.output.decode().splitlines())


async def test_a_token_is_in_the_environment_and_in_no_argument(
    settings: GitSettings, fake_git: Write
) -> None:
    """Any user of the machine can read arguments; the environment is for its owner alone."""
    environment = fake_git(
        '[ "$1" = version ] && echo git version 2.40 && exit; tr "\\0" " " < /proc/$$/cmdline; env'
    )
    command = git(
        replace(
            settings,
            repository="https://git.example.com/a",
            environment=environment,
            token=lambda: "CANARY",
        )
    )

    done = await command.network("ls-remote", "x", deadline=SOON, clone=None)

    arguments, *variables = done.output.decode().splitlines()
    assert "ls-remote x" in arguments
    assert "CANARY" not in arguments
    header = f"Authorization: Basic {base64.b64encode(b'git:CANARY').decode()}"
    assert any(line.endswith(f"={header}") for line in variables)
    assert "GIT_ALLOW_PROTOCOL=https" in variables
    assert "http.https://git.example.com/a.extraHeader" in "".join(variables)


async def test_local_commands_have_no_credential(settings: GitSettings, fake_git: Write) -> None:
    environment = fake_git('[ "$1" = version ] && echo git version 2.40 || env')
    command = git(
        replace(settings, repository="https://ada:CANARY@host/a", environment=environment)
    )

    done = await command.local("status", deadline=SOON, clone=None)

    assert b"extraHeader" not in done.output
    assert b"CANARY" not in done.output


async def test_a_failure_says_what_git_said_without_the_secret(
    settings: GitSettings, fake_git: Write
) -> None:
    script = '[ "$1" = version ] && echo git version 2.40 && exit; echo "bad CANARY" >&2; exit 7'
    environment = fake_git(script)
    command = git(
        replace(settings, repository="https://ada:CANARY@host/a", environment=environment)
    )

    with pytest.raises(GitFailed) as caught:
        await command.network("fetch", "x", deadline=SOON, clone=None)

    assert str(caught.value) == "git fetch failed (7): bad ***"


async def test_ssh_is_given_the_key_and_the_hosts_it_may_know(settings: GitSettings) -> None:
    command = git(replace(settings, ssh_key=Path("/k/a b"), ssh_known_hosts=Path("/k/known hosts")))

    ssh = command.environment(None)["GIT_SSH_COMMAND"]

    assert "-oIdentitiesOnly=yes -i '/k/a b' '-oUserKnownHostsFile=/k/known hosts'" in ssh


async def test_a_git_that_hangs_is_ended(settings: GitSettings, fake_git: Write) -> None:
    environment = fake_git('[ "$1" = version ] && echo git version 2.40 && exit; sleep 600')
    command = git(replace(settings, environment=environment))

    async with asyncio.timeout(60):
        with pytest.raises(TimeoutError):
            await command.local("x", deadline=timedelta(milliseconds=100), clone=None)


async def test_a_git_that_cannot_be_started_is_said(
    settings: GitSettings, fake_git: Write, tmp_path: Path
) -> None:
    command = git(replace(settings, environment=fake_git("echo git version 2.40")))
    await command.local("x", deadline=SOON, clone=None)
    (tmp_path / "bin" / "git").unlink()

    with pytest.raises(SourceUnavailable, match=r"/git cannot be started: No such file"):
        await command.local("x", deadline=SOON, clone=None)


async def test_a_git_that_is_no_program_is_none(settings: GitSettings, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "git"
    fake.write_bytes(b"\x7fELF")
    fake.chmod(0o755)
    command = git(replace(settings, environment={"PATH": str(fake.parent)}))

    with pytest.raises(UsageError) as caught:
        await command.local("x", deadline=SOON, clone=None)

    expected = f"git >= 2.36 not found: {fake} cannot be started: Exec format error"
    assert str(caught.value) == expected


async def test_a_git_that_hangs_is_told_by_its_own_deadline(
    settings: GitSettings, fake_git: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.source.command._VERSION_DEADLINE", timedelta(seconds=0.2))
    command = git(replace(settings, environment=fake_git("sleep 60")))

    with pytest.raises(SourceUnavailable, match=r"^git hangs: .*/git version did not answer with"):
        await command.local("x", deadline=SOON, clone=None)


def test_the_repository_is_not_asked_before_it_is_needed(
    settings: GitSettings, make_source: Callable[[GitSettings], GitSource]
) -> None:
    make_source(replace(settings, repository="https://no.such.host.invalid/a"))

    assert not settings.state_folder.exists()
