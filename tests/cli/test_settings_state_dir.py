"""The folder for state: ours and writable, or refused before anything is done."""

import os
from pathlib import Path

import pytest

from reconciler.cli import state_dir
from reconciler.cli.state_dir import prepare_state_dir
from reconciler.errors import UsageError


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as refused:
        prepare_state_dir(path)
    return str(refused.value)


def test_it_is_made_for_us_alone(tmp_path: Path) -> None:
    path = prepare_state_dir(tmp_path / "a" / "b")

    assert path.stat().st_mode & 0o777 == 0o700
    assert prepare_state_dir(path) == path
    assert not list(path.iterdir())


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")

    assert refusal(link) == (
        f"{link}: cannot be used for state: it is a link, not a folder; set controller.state_dir"
    )


def test_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    assert "it is no folder" in refusal(file)
    assert "Not a directory" in refusal(file / "below")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    path.mkdir()
    os.chown(path, 12345, 12345)

    assert "it belongs to user 12345, not to 0" in refusal(path)


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    assert "/proc/nope: cannot be used for state: " in refusal(Path("/proc/nope"))


def test_a_disk_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_dir, "LEAST_FREE_BYTES", 2**70)

    assert refusal(tmp_path) == (
        f"{tmp_path}: cannot be used for state: less than {2**70:,} bytes are free on its disk; "
        "set controller.state_dir"
    )
