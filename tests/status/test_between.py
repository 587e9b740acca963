"""What one revision asks for over another: every kind of change, and nothing else."""

from dataclasses import replace

import pytest

from reconciler.model.desired import Host, Release
from reconciler.model.identity import HostName
from reconciler.model.policy import ApprovalPolicy
from reconciler.status.between import Revised, between
from tests.support import builders

OLD = builders.release("1.0.0", hosts=("pc-01", "pc-02"))
NEW = builders.release("2.0.0", hosts=("pc-02", "pc-03"))


def change(before: Release | None, after: Release | None) -> list[Revised]:
    base, head = (builders.desired(*([one] if one else [])) for one in (before, after))
    found = between(replace(base, hosts={}), replace(head, hosts={}))
    return [item for item in found if item.kind == "release"]


def test_a_version_and_its_hosts() -> None:
    [found] = change(OLD, NEW)

    assert (found.mark, found.name) == ("~", "tool")
    assert found.message == "1.0.0 -> 2.0.0, on 2 hosts, pc-03 added, pc-01 no longer"
    assert {"version", "sha256", "targets hosts"} <= {item.what for item in found.differences}


def test_a_release_comes_and_goes() -> None:
    assert [(item.mark, item.message) for item in change(None, OLD)] == [("+", "1.0.0, on 2 hosts")]
    assert [(item.mark, item.message) for item in change(OLD, None)] == [
        ("-", "1.0.0 on 2 hosts is left as it is, and forgotten")
    ]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (replace(OLD, suspend=True), "suspend"),
        (replace(OLD, allow_downgrade=True), "allow_downgrade"),
        (replace(OLD, adopt=True), "adopt"),
        (replace(OLD, keep_versions=9), "keep_versions"),
        (replace(OLD, approval=ApprovalPolicy(required=2)), "approvals"),
        (replace(OLD, yanked=frozenset({NEW.version})), "yanked"),
        (replace(OLD, requires_agent=NEW.version), "requires_agent"),
        (replace(OLD, depends_on=frozenset({NEW.name})), "depends_on"),
    ],
)
def test_what_only_a_review_would_see(changed: Release, what: str) -> None:
    [found] = change(OLD, changed)

    assert [item.what for item in found.differences] == [what]


def test_many_hosts_are_counted() -> None:
    many = builders.release("1.0.0", hosts=[f"pc-{number:02}" for number in range(20)])

    [found] = change(OLD, many)

    assert found.message.endswith("pc-06 and 13 more added")


def test_what_is_the_same_is_no_change() -> None:
    desired = builders.desired(OLD)

    assert between(desired, desired) == ()
    moved = replace(OLD, position=replace(OLD.position, line=99))
    assert change(OLD, moved) == []


def test_a_host_whose_labels_change() -> None:
    name = HostName("pc-01")
    before, after = (Host(name=name, labels={"role": role}) for role in ("tool", "spare"))
    base = builders.desired(OLD)

    [found] = between(replace(base, hosts={name: before}), replace(base, hosts={name: after}))

    assert (found.mark, found.kind, found.message) == ("~", "host", "role=tool -> role=spare")
