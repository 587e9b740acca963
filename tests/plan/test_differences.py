"""What an approver is shown: every difference that matters, and no secret."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.desired import Knob, Release, Script, SecretRef, Targets, Wave
from reconciler.model.difference import Difference
from reconciler.model.identity import GroupName, HostName, Json, SecretName
from reconciler.model.observed import Observed
from reconciler.plan.differences import basis_of, differences
from tests.support import builders

OLD = replace(
    builders.release("1.0.0"),
    script=Script(
        path="scripts/deploy.sh",
        object_name="deploy-tool",
        template=b"VERSION=\nTOKEN=\necho one\n",
        knobs={"VERSION": "1.0.0", "TOKEN": SecretRef(SecretName("viewer"))},
    ),
)
NEW = replace(OLD, version=builders.release("2.0.0").version)


def found(new: Release) -> dict[str, tuple[str, str]]:
    items = differences(builders.record(OLD), new)
    return {item.what: (item.before, item.after) for item in items}


def test_the_same_is_no_different() -> None:
    assert differences(builders.record(OLD), OLD) == ()


def test_version_bytes_and_knobs_are_compared() -> None:
    artifact = builders.release("2.0.0").artifact
    knobs: dict[str, Knob] = {
        "VERSION": "2.0.0",
        "TOKEN": SecretRef(SecretName("admin")),
        "NEW_TOKEN": "abc",
    }
    new = replace(NEW, artifact=artifact, script=replace(OLD.script, knobs=knobs))

    assert found(new) == {
        "version": ("1.0.0", "2.0.0"),
        "sha256": (OLD.artifact.digest.hex, artifact.digest.hex),
        "knob VERSION": ("1.0.0", "2.0.0"),
        "knob TOKEN": ("{secret: viewer}", "{secret: admin}"),
        "knob NEW_TOKEN": ("", "***"),
    }


def test_a_script_is_summed_up_and_its_first_lines_are_shown() -> None:
    text = b"VERSION=\nTOKEN=\necho two\n" + b"".join(b"line %d\n" % it for it in range(40))
    script = replace(OLD.script, template=text)

    (item,) = differences(builders.record(OLD), replace(OLD, script=script))

    assert (item.what, item.after) == ("text of scripts/deploy.sh", "41 lines came, 1 went")
    assert item.lines[:3] == ("-echo one", "+echo two", "+line 0")
    assert len(item.lines) == 20


def test_a_job_is_compared_value_by_value_without_what_the_release_sets() -> None:
    execute: dict[str, Json] = {
        "shell": "sh",
        "timeout": "600s",
        "script_object": "x",
        "env": {"API_TOKEN": "abc"},
    }
    manifest: dict[str, Json] = {
        **OLD.job.manifest,
        "version": "7",
        "origin": {"repo": "x"},
        "execute": execute,
    }

    job = replace(OLD.job, manifest=manifest)

    assert found(replace(OLD, job=job)) == {
        "job execute.timeout": ('"300s"', '"600s"'),
        "job execute.run_as": ('"system"', ""),
        "job execute.env.API_TOKEN": ("", "***"),
    }


def test_who_and_how_fast_are_compared() -> None:
    targets = Targets(
        hosts=frozenset({HostName("pc-01"), HostName("pc-02")}),
        labels={"role": "tool"},
        groups=frozenset({GroupName("canary")}),
    )
    waves = (Wave(name="first", count=1), Wave(name="all", percent=100))
    rollout = replace(OLD.rollout, waves=waves, soak=timedelta(minutes=5), max_failures_percent=5)

    assert found(replace(OLD, targets=targets, rollout=rollout)) == {
        "targets hosts": ("pc-01", "pc-01, pc-02"),
        "targets labels": ("", "role=tool"),
        "targets groups": ("", "canary"),
        "rollout waves": ("all (100%)", "first (1) then all (100%)"),
        "rollout soak": ("0:00:00", "0:05:00"),
        "rollout max_failures": ("0", "5%"),
    }


def test_what_was_proved_last_is_what_counts_and_the_same_fingerprint_first() -> None:
    older, newer = (
        builders.record(builders.release(version), ago=timedelta(days=days))
        for version, days in (("1.0.0", 1), ("1.1.0", 2))
    )
    kept = Observed(records={(one.release, one.fingerprint): one for one in (older, newer)})

    assert basis_of(builders.release("2.0.0"), kept) == (older, "proved")
    assert basis_of(builders.release("1.1.0"), kept) == (newer, "proved")
    assert basis_of(builders.release("2.0.0"), Observed()) is None


@pytest.mark.parametrize(("approved_days_ago", "how"), [(1, "approved"), (3, "proved")])
def test_what_was_approved_after_the_last_proof_is_what_people_have_seen_last(
    approved_days_ago: int, how: str
) -> None:
    """It was never carried out: another commit came, or its first host failed."""
    proved = builders.record(builders.release("1.0.0"), ago=timedelta(days=2))
    seen = builders.record(builders.release("1.5.0"), ago=timedelta(days=approved_days_ago))
    kept = Observed(
        records={(proved.release, proved.fingerprint): proved}, approved={seen.release: seen}
    )

    basis = basis_of(builders.release("2.0.0"), kept)

    assert basis == ({"approved": seen, "proved": proved}[how], how)


def test_a_difference_says_nothing_twice() -> None:
    assert len({item.what for item in differences(builders.record(OLD), NEW)}) == 1
    assert differences(builders.record(OLD), NEW)[0] == Difference(
        what="version", before="1.0.0", after="2.0.0"
    )
