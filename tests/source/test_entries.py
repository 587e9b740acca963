"""A commit's tree taken apart and judged."""

import pytest

from reconciler.source.entries import Entry, faults, parsed

ID = "1" * 40


def entry(path: str, mode: int = 0o100644) -> Entry:
    return Entry(path=path, mode=mode, object_id=ID)


def record(mode: bytes, name: bytes) -> bytes:
    return mode + b" " + name + b"\0" + bytes.fromhex(ID)


def test_a_tree_is_its_records() -> None:
    tree = record(b"100755", b"run.sh") + record(b"40000", b"jobs")

    found = list(parsed(tree, "fleet/"))

    assert [entry("fleet/run.sh", 0o100755), entry("fleet/jobs", 0o040000)] == found
    assert [(each.executable, each.is_folder) for each in found] == [(True, False), (False, True)]


def test_a_name_that_is_not_text_is_kept_to_be_shown() -> None:
    (found,) = parsed(record(b"100644", b"a\xe9"), "")

    assert found.path == "a\udce9"


@pytest.mark.parametrize("tree", [b"100644 a", record(b"100644", b"a")[:-1], b"x a\0" + bytes(20)])
def test_what_is_no_tree_is_not_read_as_one(tree: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its words will do
        list(parsed(tree, ""))


def test_all_faults_are_named_at_once() -> None:
    entries = [
        entry("jobs", 0o040000),
        entry("jobs/a.yaml"),
        entry("jobs/A.yaml"),
        entry("releases/x.yaml", 0o120000),
        entry("vendor", 0o160000),
        entry("odd", 0o100000 | 0o010000),
        entry("con"),
    ]

    assert [str(fault) for fault in faults(entries)] == [
        "jobs/A.yaml: differs from jobs/a.yaml only in upper and lower case; rename it",
        "releases/x.yaml: symbolic links are not allowed (mode 120000)",
        "vendor: submodules are not allowed (mode 160000)",
        "odd: neither a file nor a folder (mode 110000)",
        "con: the name is a device on Windows; rename it",
    ]


def test_folders_that_differ_in_case_alone_are_one_folder_elsewhere() -> None:
    entries = [entry("Jobs", 0o040000), entry("jobs", 0o040000), entry("jobs/a.yaml")]

    assert [str(fault) for fault in faults(entries)] == [
        "jobs: differs from Jobs only in upper and lower case; rename it"
    ]
