"""Names of things, and the keys that are made of them."""

from datetime import timedelta

import pytest

from reconciler.model.action import (
    Action,
    ExecJob,
    ProbeHost,
    PublishPackage,
    PublishScript,
    ResendCommand,
    UpsertJob,
)
from reconciler.model.attempt import Purpose
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, ObjectRef, Position, Version
from reconciler.model.proof import Proof
from tests.support import builders

ITEM = builders.release()
REF = ObjectRef("tool", "2.0.0")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("tool/2.0.0", REF),
        ("a.b-c/1.r0f", ObjectRef("a.b-c", "1.r0f")),
        ("tool", None),
        ("tool/", None),
        ("/2.0.0", None),
        ("tool/2.0.0/x", None),
        ("", None),
    ],
)
def test_a_key_of_an_object_has_a_name_and_a_version(key: str, expected: ObjectRef | None) -> None:
    assert ObjectRef.parse(key) == expected
    if expected is not None:
        assert str(expected) == key


def test_a_place_is_spelled_as_compilers_do_and_sorts_by_line() -> None:
    assert str(Position("releases/tool.yaml", 4, 10)) == "releases/tool.yaml:4:10"
    assert str(Position("releases/tool.yaml")) == "releases/tool.yaml"
    assert sorted([Position("b", 1, 1), Position("a", 10, 1), Position("a", 9, 5)]) == [
        Position("a", 9, 5),
        Position("a", 10, 1),
        Position("b", 1, 1),
    ]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            PublishPackage(release=ITEM.name, ref=REF, artifact=ITEM.artifact, replaces=7),
            f"publish-package/tool/2.0.0/{ITEM.artifact.digest.short}",
        ),
        (
            PublishScript(
                release=ITEM.name,
                ref=ObjectRef("deploy-tool", "2.0.0"),
                script=ITEM.script,
                digest=Digest.of(b"text"),
            ),
            "publish-script/deploy-tool/2.0.0/982d9e3eb996",
        ),
        (
            UpsertJob(job=ITEM.job, manifest={}, version=Version("2.0.0")),
            "upsert-job/install-tool/2.0.0",
        ),
        (
            ExecJob(attempt=builders.attempt(ITEM), manifest={}),
            "exec-job/install-tool/2.0.0/pc-01/",
        ),
        (
            ProbeHost(attempt=builders.attempt(ITEM, purpose=Purpose.PROBE), manifest={}),
            "probe-host/version-tool/1/pc-01/",
        ),
        (
            ResendCommand(attempt=builders.attempt(ITEM)),
            "resend-command/install-tool/2.0.0/pc-01/",
        ),
    ],
)
def test_an_action_is_named_by_its_wish(action: Action, expected: str) -> None:
    if isinstance(action, ExecJob | ProbeHost | ResendCommand):
        expected += action.attempt.wish_id[:8]

    assert action.key == expected


def test_the_newer_evidence_counts_and_a_probe_wins_a_tie() -> None:
    old, new = builders.evidence("1.0.0"), builders.evidence("2.0.0", ago=timedelta(0))
    package, host = ITEM.package, HostName("pc-01")

    assert Proof(package=package, host=host).latest is None
    assert Proof(package=package, host=host, by_result=old).latest is old
    assert Proof(package=package, host=host, by_probe=old).latest is old
    assert Proof(package=package, host=host, by_result=new, by_probe=old).latest is new
    assert Proof(package=package, host=host, by_result=old, by_probe=new).latest is new
    same = builders.evidence("1.0.0", name="probe")
    assert Proof(package=package, host=host, by_result=old, by_probe=same).latest is same
