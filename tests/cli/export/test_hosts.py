"""Hosts and groups as a desired state can hold them."""

import pytest
import yaml

from reconciler.cli.export.hosts import HOSTS_FILE, hosts_part
from reconciler.cli.working_tree import snapshot_of_texts
from reconciler.desired.load import load
from reconciler.model.identity import GroupName, HostName
from reconciler.model.observed import HostState, Observed, Presence

JOB = 'id: tidy\nversion: "1"\nexecute: {shell: sh, timeout: 60s, script: "true"}\n'


def observed(**groups: list[str]) -> Observed:
    return Observed(
        hosts={
            HostName(name): HostState(
                presence=Presence.UNKNOWN, groups=frozenset(map(GroupName, named))
            )
            for name, named in groups.items()
        }
    )


def test_a_group_becomes_a_label_that_releases_can_select_by() -> None:
    part = hosts_part(observed(pc1=["canary", "all.of.tokyo"]))

    desired = load(snapshot_of_texts({**part.files, "jobs/tidy.yaml": JOB}))
    assert desired.hosts[HostName("pc1")].labels == {
        "group.all.of.tokyo": "true",
        "group.canary": "true",
    }


@pytest.mark.parametrize("name", ["two words", "a..b", "", "x" * 200, "naïve"])
def test_a_group_that_cannot_be_a_label_is_told(name: str) -> None:
    part = hosts_part(observed(pc1=[name, "canary"]))

    assert yaml.safe_load(part.files[HOSTS_FILE])["hosts"] == [
        {"name": "pc1", "labels": {"group.canary": "true"}}
    ]
    assert part.notes == (f"host pc1: group {name} cannot be a label: left out",)


def test_more_groups_than_a_host_may_have_labels_are_told() -> None:
    part = hosts_part(observed(pc1=[f"group-{number:03}" for number in range(60)]))

    assert len(part.notes) == 10
    assert load(snapshot_of_texts({**part.files, "jobs/tidy.yaml": JOB})).hosts


def test_where_nobody_is_known_there_is_no_file() -> None:
    assert hosts_part(Observed()).files == {}
