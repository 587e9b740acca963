"""What people are offered to take out of git, beside the cases that are files."""

from dataclasses import replace

import pytest

from reconciler.model.action import OfferRevert
from reconciler.model.desired import Release
from reconciler.model.identity import ObjectRef, PackageName, Version
from reconciler.model.observed import Observed
from reconciler.model.record import ReleaseRecord
from reconciler.plan.courses import courses_of
from reconciler.plan.offer import plan_offer
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON

ITEM = builders.release()
TERMS = Terms(offer_revert=True)
PROVED = [builders.release("1.0.0"), builders.release("1.1.0")]
OLDER, NEWER = (builders.record(item) for item in PROVED)


def failed(*records: ReleaseRecord, item: Release = ITEM) -> Observed:
    bad = builders.quarantine(item)
    return Observed(
        records={(record.release, record.fingerprint): record for record in records},
        quarantine={(bad.release, bad.fingerprint): bad},
    )


def offered(observed: Observed) -> OfferRevert | None:
    step = plan_offer(ITEM, observed, TERMS)
    if step is None:
        return None
    assert isinstance(step.action, OfferRevert)
    return step.action


def test_it_goes_back_to_the_newest_of_what_was_good() -> None:
    later = replace(NEWER, at=OLDER.at.replace(year=OLDER.at.year + 1))

    action = offered(failed(later, OLDER))

    assert action is not None
    assert action.back_to == later


def test_whether_the_package_is_in_the_store_is_told_by_its_bytes() -> None:
    ref = ObjectRef("tool", "1.0.0")
    bare, digests = failed(OLDER), (OLDER.digest, builders.digest_of("other"))
    stocked = [replace(bare, packages={ref: builders.stored(ref, one)}) for one in digests]

    found = [offered(observed) for observed in (bare, *stocked)]

    assert [action and action.is_stored for action in found] == [False, True, False]


@pytest.mark.parametrize(
    "record",
    [
        replace(OLDER, version=ITEM.version, digest=ITEM.artifact.digest),
        replace(OLDER, package=PackageName("another")),
    ],
    ids=["the same bytes", "another package"],
)
def test_what_version_and_sha256_cannot_say_is_not_offered(record: ReleaseRecord) -> None:
    assert offered(failed(record)) is None


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_a_yanked_version_is_not_gone_back_to(version: str) -> None:
    item = replace(ITEM, yanked=frozenset({Version(version)}))

    step = plan_offer(item, failed(OLDER, NEWER), TERMS)

    assert step is not None
    assert isinstance(step.action, OfferRevert)
    assert step.action.back_to.version != version


@pytest.mark.parametrize("observe_only", [True, False])
def test_a_controller_that_only_looks_pushes_nothing(*, observe_only: bool) -> None:
    terms = replace(TERMS, observe_only=observe_only)

    found = plan(builders.desired(ITEM), failed(OLDER), NOON, terms)

    offers = [step for step in found.steps if isinstance(step.action, OfferRevert)]
    assert bool(offers) is not observe_only


@pytest.mark.parametrize(
    ("refusal", "words"),
    [("", "; or merge reconciler/revert-tool-2.0.0-"), ("no rights", "offered: no rights")],
)
def test_what_became_of_it_stands_beside_why_it_is_quarantined(refusal: str, words: str) -> None:
    offer = builders.offer(ITEM, refusal)
    observed = replace(failed(OLDER), offers={(ITEM.name, ITEM.fingerprint): offer})

    why = courses_of(ITEM, tuple(ITEM.targets.hosts), observed).why

    assert why is not None
    assert words in why.message
