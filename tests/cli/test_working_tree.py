"""A folder on disk is checked as a commit would be: no greener, and never by what it is not."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import small_fleet
from tests.support.command_line import call

NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desired state without a fault, as the working directory, that anybody may look into."""
    for name, content in small_fleet.files("1.0.0").items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root can read everything: be somebody else meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def told() -> list[str]:
    """Return all that is wrong with the working directory."""
    with without_privileges():
        done = call("validate", ".")
    *lines, count = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert count == ("1 fault" if len(lines) == 1 else f"{len(lines)} faults")
    return lines


@pytest.mark.usefixtures("folder")
def test_the_folder_itself_is_valid() -> None:
    assert call("validate", ".").code == 0


def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "releases/tool.yaml").chmod(0)

    assert told() == ["releases/tool.yaml: cannot be read: Permission denied"]


def test_a_folder_that_may_not_be_read_is_named_and_not_taken_for_empty(folder: Path) -> None:
    (folder / "hosts").chmod(0)
    try:
        assert told() == ["hosts: cannot be read: Permission denied"]
    finally:
        (folder / "hosts").chmod(0o755)


def test_a_folder_whose_files_may_not_be_looked_at_is_named(folder: Path) -> None:
    (folder / "hosts").chmod(0o644)
    try:
        assert told() == ["hosts/fleet.yaml: cannot be read: Permission denied"]
    finally:
        (folder / "hosts").chmod(0o755)


def test_the_top_that_may_not_be_read_is_named(folder: Path) -> None:
    folder.chmod(0o711)

    assert told() == [".: cannot be read: Permission denied"]


def test_a_link_is_refused_to_wherever_it_leads(folder: Path) -> None:
    (folder / "releases/file.yaml").symlink_to("tool.yaml")
    (folder / "releases/folder").symlink_to("../jobs")
    (folder / "releases/nowhere").symlink_to("nowhere")

    assert told() == [
        f"releases/{name}: symbolic links are not allowed (mode 120000)"
        for name in ("file.yaml", "folder", "nowhere")
    ]


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "releases/pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("jobs/socket")
        for name in ("jobs/socket", "releases/pipe"):
            (folder / name).chmod(0o644)

        assert told() == [
            "jobs/socket: neither a file nor a folder (mode 140644)",
            "releases/pipe: neither a file nor a folder (mode 10644)",
        ]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (b"CON.yaml", "jobs/CON.yaml: the name is a device on Windows; rename it"),
        (b"-rf.yaml", "jobs/-rf.yaml: a name may not begin with '-'; rename it"),
        (
            b"Probe-Tool.yaml",
            (
                "jobs/probe-tool.yaml: differs from jobs/Probe-Tool.yaml only in upper and lower "
                "case; rename it"
            ),
        ),
        (
            "a\u202eb.yaml".encode(),
            (
                r'"jobs/a\u202eb.yaml": character U+202E at 2 of its name is not allowed; '
                "rename it"
            ),
        ),
        (
            b"a\nb.yaml",
            (
                r'"jobs/a\nb.yaml": control character U+000A at 2 of its name is not allowed; '
                "rename it"
            ),
        ),
        (
            b"a\xe9.yaml",
            (
                r'"jobs/a\udce9.yaml": byte 0xE9, which is not UTF-8, at 2 of its name is not '
                "allowed; rename it"
            ),
        ),
    ],
)
def test_a_name_that_no_commit_may_have_is_told_here_already(
    folder: Path, name: bytes, fault: str
) -> None:
    Path(os.fsdecode(os.fsencode(folder / "jobs") + b"/" + name)).write_text("id: a")

    assert told() == [fault]


@pytest.mark.usefixtures("folder")
def test_git_s_own_folder_is_left_out(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/x.yaml").symlink_to("nowhere")

    assert call("validate", ".").code == 0
