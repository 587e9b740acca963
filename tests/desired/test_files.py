"""Which files are read, and which are left alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.snapshot import Snapshot
from tests.support.snapshots import files_below, snapshot_of

BASE = files_below(Path(__file__).parents[1] / "bad_inputs" / "base")
HOSTS = "apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts: [{name: %s}]\n"


def refusal(snapshot: Snapshot) -> list[str]:
    with pytest.raises(InvalidDesiredState) as refused:
        load(snapshot)
    return str(refused.value).splitlines()


def with_blob(path: str, size_bytes: int) -> Snapshot:
    snapshot = snapshot_of(BASE | {path: b""})
    blob = replace(snapshot.files[path], size_bytes=size_bytes, content=None)
    return replace(snapshot, files={**snapshot.files, path: blob})


def test_what_is_not_managed_is_left_alone_and_mentioned() -> None:
    others = {
        "README.md": "",
        ".github/workflows/ci.yaml": "[",
        "groups/canary.yaml": "[",
        "schedules/nightly.yaml": "[",
        "charts/values.yaml": "[",
        "src/main.rs": "",
        "Makefile": "",
        "hosts/notes.txt": "",
        "hosts/README.md": "",
        "releases/tool.yaml.bak": "[",
        "scripts/notes.yaml": "[",
    }

    desired = load(snapshot_of(BASE | {path: text.encode() for path, text in others.items()}))

    assert desired.notes == (
        ".: left alone: Makefile",
        "charts/: 1 file left alone; not managed",
        "groups/: 1 file left alone; not managed",
        "hosts/notes.txt: not read; expected *.yaml or *.yml here",
        "releases/tool.yaml.bak: not read; expected *.yaml or *.yml here",
        "schedules/: 1 file left alone; not managed",
    )


def test_subfolders_and_both_suffixes_are_read() -> None:
    files = BASE | {"hosts/tokyo/a.yml": (HOSTS % "pc-77").encode()}

    assert "pc-77" in load(snapshot_of(files)).hosts


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("hosts/a\nb.yaml", r'"hosts/a\nb.yaml"'),
        ("x\x1b[2J", r'"x\u001b[2J"'),
        ("\u2028", r'"\u2028"'),
    ],
)
def test_a_path_with_a_control_character_is_refused_and_escaped(path: str, shown: str) -> None:
    assert refusal(snapshot_of(BASE | {path: b""})) == [
        f"{shown}: the path has a control character"
    ]


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    assert refusal(with_blob("releases/huge.yaml", 80_000_000)) == [
        "releases/huge.yaml: 80,000,000 bytes; at most 1,048,576 are read"
    ]


def test_a_file_whose_content_is_not_there_is_no_empty_file() -> None:
    assert refusal(with_blob("releases/lost.yaml", 10)) == [
        "releases/lost.yaml: its content was not read from the repository"
    ]


def test_too_many_files_are_refused() -> None:
    files = {f"hosts/{n}.yaml": (HOSTS % f"pc-{n}").encode() for n in range(501)}

    assert refusal(snapshot_of(files, folder="fleet")) == [
        "fleet: 501 YAML files; at most 500 are read: split it"
    ]


def test_too_many_bytes_are_refused() -> None:
    padding = b"#" * 1_000_000
    files = {f"hosts/{n}.yaml": (HOSTS % f"pc-{n}").encode() + padding for n in range(9)}

    assert refusal(snapshot_of(files))[0].endswith("at most 8,388,608 are read")


def test_a_script_that_is_too_large_is_refused() -> None:
    snapshot = with_blob("scripts/big.sh", 5_000_000)
    text = BASE["releases/tool.yaml"].replace(b"scripts/deploy.sh", b"scripts/big.sh")
    release = replace(snapshot.files["releases/tool.yaml"], content=text)

    changed = replace(snapshot, files={**snapshot.files, "releases/tool.yaml": release})

    told = "scripts/big.sh has 5,000,000 bytes; kanade takes scripts of at most 4,194,304"
    assert refusal(changed) == [f"releases/tool.yaml:9:9: {told}"]


def test_an_artifact_too_large_for_git_is_refused() -> None:
    told = "artifacts/tool has 314,572,800 bytes; at most 268,435,456 are taken from git"
    assert refusal(with_blob("artifacts/tool", 300 * 1024 * 1024)) == [
        f"releases/tool.yaml:6:9: {told}: use artifact.url or artifact.file"
    ]


def test_an_artifact_that_is_too_large_to_read_at_once_is_judged_by_its_size_alone() -> None:
    desired = load(with_blob("artifacts/tool", 50_000_000))

    assert desired.releases[1].artifact.size_bytes == 50_000_000
    assert desired.notes == ()


def test_a_timeout_that_a_slow_link_cannot_meet_is_mentioned_with_its_numbers() -> None:
    snapshot = with_blob("artifacts/tool", 240_000_000)
    job = BASE["jobs/install-tool.yaml"].replace(b"300s", b"60s")
    short = replace(snapshot.files["jobs/install-tool.yaml"], content=job)

    desired = load(replace(snapshot, files={**snapshot.files, short.path: short}))

    told = "a host needs 4.0 MB/s, or is killed half-way"
    assert desired.notes == (
        (
            f"jobs/install-tool.yaml:6:12: execute.timeout of 60 s is short for 240,000,000 bytes "
            f"of artifacts/tool: {told}"
        ),
    )
