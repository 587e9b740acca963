"""A file below a folder, and nothing that only seems to be."""

import os
import socket
from pathlib import Path

import pytest

from reconciler.errors import ArtifactRefused
from reconciler.source import contained
from reconciler.source.contained import opened_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "builds").mkdir(parents=True)
    (root / "builds" / "tool").write_text("tool")
    (tmp_path / "secret").write_text("CANARY")
    return root


def content(path: str, *roots: Path) -> bytes:
    with opened_below(path, roots, "artifact") as descriptor:
        return os.read(descriptor, 100)


def refusal(path: str, *roots: Path) -> str:
    with pytest.raises(ArtifactRefused) as caught:
        content(path, *roots)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_is_opened_by_either_kind_of_path(root: Path) -> None:
    assert content("builds/tool", root) == b"tool"
    assert content(str(root / "builds" / "tool"), root) == b"tool"
    assert content("builds/../builds/./tool", root) == b"tool"


def test_roots_are_tried_in_order(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    assert content("builds/tool", other, root) == b"tool"


def test_a_link_that_stays_below_the_root_is_followed(root: Path) -> None:
    (root / "latest").symlink_to("builds")
    (root / "builds" / "current").symlink_to("tool")

    assert content("latest/current", root) == b"tool"


def test_a_root_may_be_a_link_itself(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)

    assert content("builds/tool", tmp_path / "alias") == b"tool"
    assert content(str(tmp_path / "alias" / "builds" / "tool"), root) == b"tool"


def test_what_is_outside_is_refused_with_where_it_leads(root: Path, tmp_path: Path) -> None:
    (root / "leak").symlink_to(tmp_path / "secret")
    (root / "out").symlink_to(tmp_path)
    secret = tmp_path / "secret"
    outside = f"artifact: {secret} is not below an artifact root ({root})"

    assert refusal("../secret", root) == outside
    assert refusal("builds/../../secret", root) == outside
    assert refusal(str(secret), root) == outside
    assert refusal("leak", root) == outside
    assert refusal("out/secret", root) == outside
    assert refusal("/etc/shadow", root) == (
        f"artifact: /etc/shadow is not below an artifact root ({root})"
    )


def test_a_folder_whose_name_begins_like_the_root_is_not_below_it(root: Path) -> None:
    beside = root.with_name("root-2")
    beside.mkdir()
    (beside / "tool").write_text("x")

    assert "is not below an artifact root" in refusal("../root-2/tool", root)


def test_what_is_not_there_is_refused(root: Path) -> None:
    assert refusal("builds/none", root) == (
        f"artifact: there is no such file below an artifact root ({root})"
    )
    (root / "nowhere").symlink_to("none")
    assert "there is no such file" in refusal("nowhere", root)


def test_a_link_to_itself_is_refused(root: Path) -> None:
    (root / "loop").symlink_to("loop")

    assert "there is no such file" in refusal("loop", root)


def test_a_name_that_no_file_can_have_is_refused(root: Path) -> None:
    assert refusal("x" * 5000, root) == "artifact: cannot be opened: File name too long"


def test_without_a_root_nothing_is_below_one() -> None:
    assert refusal("/etc/passwd") == ("artifact: no artifact root is set: name one in the settings")


def test_a_path_with_a_nul_is_refused(root: Path) -> None:
    assert refusal("builds/tool\0", root) == "artifact: a path has no NUL character"


def test_only_a_regular_file_will_do(root: Path) -> None:
    """A pipe would be waited on for ever; a device has no end."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))

    assert refusal("pipe", root) == "artifact: is not a regular file"
    assert refusal("builds", root) == "artifact: is not a regular file"
    assert refusal(".", root) == "artifact: is not a regular file"
    assert refusal("socket", root).startswith("artifact: cannot be opened: ")
    assert "is not below an artifact root" in refusal("/dev/zero", root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(root: Path) -> None:
    (root / "builds" / "tool").chmod(0)

    assert refusal("builds/tool", root) == "artifact: cannot be opened: Permission denied"


@pytest.mark.parametrize("part", ["builds", "builds/tool"])
def test_a_link_that_is_put_there_meanwhile_leads_nowhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Between the look at a path and its opening somebody exchanges a part of it."""
    look = contained._resolved

    def exchange(path: str, roots: tuple[Path, ...], subject: str, where: str) -> tuple[Path, Path]:
        found = look(path, roots, subject, where)
        (root / part).rename(tmp_path / "aside")
        (root / part).symlink_to(tmp_path / "secret" if part.endswith("tool") else tmp_path)
        return found

    (tmp_path / "tool").write_text("CANARY")
    monkeypatch.setattr(contained, "_resolved", exchange)

    assert refusal("builds/tool", root).startswith("artifact: cannot be opened: ")
