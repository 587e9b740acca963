"""What differs from kanade, text by text; no secret is ever in it, old or new."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.model.desired import Knob, Release, Script, SecretRef
from reconciler.model.digest import Digest
from reconciler.model.identity import Json, ObjectRef, SecretName, Version
from reconciler.model.observed import LiveJob, Observed
from reconciler.status.against_live import (
    Discrepancy,
    free_jobs_against_live,
    live_script,
    release_against_live,
)
from tests.support import builders

TEMPLATE = b"#!/bin/sh\nVERSION=''\nTOKEN=''\nAPI_TOKEN=''\nset -eu\nmain\n"
KNOBS: Mapping[str, Knob] = {
    "VERSION": "2.0.0",
    "TOKEN": SecretRef(SecretName("t")),
    "API_TOKEN": "plain-but-secret",
}
SCRIPT = Script(path="scripts/deploy.sh", object_name="deploy-tool", template=TEMPLATE, knobs=KNOBS)
ITEM = replace(builders.release(), script=SCRIPT)
LIVE = (
    b"#!/bin/sh\nVERSION='1.0.0'\nTOKEN='hunter2'\nAPI_TOKEN='hunter3'\nOLD_KEY='hunter4'\n"
    b"set -eu\nmain --quickly\n"
)


def compare(
    observed: Observed, live: bytes | None = None, item: Release = ITEM
) -> dict[str, Discrepancy]:
    found = release_against_live(item, builders.desired(item), observed, live)
    return {thing.kind: thing for thing in found}


def supplied() -> Observed:
    return builders.supplied(ITEM)


def job(manifest: Mapping[str, Json], pin: str = "2.0.0") -> LiveJob:
    return LiveJob(id=ITEM.job.id, manifest=manifest, pin=Version(pin), revoked=False)


def test_what_is_as_it_should_be_is_no_difference() -> None:
    assert compare(supplied()) == {}


def test_a_package_is_told_by_its_digest() -> None:
    other = Digest.of(b"other")
    [(ref, stored)] = supplied().packages.items()

    found = compare(replace(supplied(), packages={ref: replace(stored, digest=other)}))

    assert found["package"].message.startswith(f"is stored with sha256 {other}; wanted is ")
    assert compare(replace(supplied(), packages={}))["package"].message.startswith("is not stored")


def test_a_script_is_compared_with_the_live_one_and_shows_no_secret() -> None:
    found = compare(replace(supplied(), scripts={}), LIVE)["script"]

    assert "hunter" not in str(found)
    assert "plain-but-secret" not in str(found)
    assert "-VERSION='1.0.0'" in found.lines
    assert "+VERSION='2.0.0'" in found.lines
    assert " TOKEN='***'" in found.lines
    assert "-OLD_KEY='***'" in found.lines
    assert "-main --quickly" in found.lines


def test_a_live_script_that_is_none_is_not_shown() -> None:
    found = compare(replace(supplied(), scripts={}), b"\xff hunter2")["script"]

    assert (found.lines, "cannot be shown" in found.message) == ((), True)


def test_a_script_that_cannot_be_rendered_says_why() -> None:
    key = (ITEM.name, ITEM.fingerprint)

    found = compare(replace(supplied(), rendered={}, unrendered={key: "no secret t"}))

    assert found["script"].message == "no secret t"


def test_a_manifest_is_a_diff_with_its_secrets_masked() -> None:
    live = dict(supplied().jobs[ITEM.job.id].manifest)
    edited: dict[str, Json] = {**live, "display_name": "Tool", "env": {"API_TOKEN": "hunter2"}}

    found = compare(replace(supplied(), jobs={ITEM.job.id: job(edited)}))["job"]

    assert "-display_name: Tool" in found.lines
    assert "-  API_TOKEN: '***'" in found.lines
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(("pin", "said"), [("1.0.0", "says 1.0.0"), ("", "says nothing")])
def test_a_pin_that_was_moved_is_told(pin: str, said: str) -> None:
    live = supplied().jobs[ITEM.job.id]
    moved = replace(live, pin=Version(pin) if pin else None)

    found = compare(replace(supplied(), jobs={ITEM.job.id: moved}))["job"]

    assert said in found.message


def test_a_job_of_no_release_is_compared_too() -> None:
    desired = builders.desired(ITEM)
    assert list(free_jobs_against_live(desired, supplied())) == []

    [found] = free_jobs_against_live(desired, Observed())

    assert (found.name, found.message) == (builders.PROBE_JOB.id, "is not registered")


@pytest.mark.parametrize("named", ["deploy-tool/1.0.0", "gone/1.0.0", "no-reference", None, 7])
def test_the_live_script_is_what_the_catalogue_names(named: Json) -> None:
    stored = builders.supplied(ITEM).scripts
    ref, one = next(iter(stored.items()))
    scripts = {ObjectRef("deploy-tool", "1.0.0"): replace(one, ref=ref)}
    live = job({"execute": {"script_object": named}})

    found = live_script(ITEM, Observed(scripts=scripts, jobs={ITEM.job.id: live}))

    assert found == (ObjectRef("deploy-tool", "1.0.0") if named == "deploy-tool/1.0.0" else None)
