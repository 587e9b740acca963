"""A bad version goes back by itself; a branch that lets git say so is there to be merged."""

from pathlib import Path

import pytest

from reconciler.lab.service import build_service
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.plan import State
from reconciler.model.status import ReleaseStatus, Status
from tests.source.repository import git
from tests.support.playground import FIRST, playground

pytestmark = pytest.mark.slow

BAD = "2.0.0"
FILE = "desired-state/releases/kanade-backend.yaml"


def release(status: Status) -> ReleaseStatus:
    [found] = status.releases.values()
    return found


def is_offered(status: Status) -> bool:
    back = {(item.state, item.running) for item in status.hosts.values()}
    return release(status).offer is not None and back == {(State.CONVERGED, FIRST)}


def is_ready_again(status: Status) -> bool:
    ready = next(item for item in release(status).conditions if item.type is ConditionType.READY)
    return release(status).version == FIRST and ready.status is Truth.TRUE


async def test_a_bad_version_is_offered_to_be_reverted_and_merging_that_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SOURCE__OFFER_REVERT", "branch")
    async with playground(tmp_path) as fleet:
        folder = fleet.repository.folder
        controller = fleet.controller()
        await controller.start()
        await fleet.converged(FIRST)
        bad = fleet.repository.bump(BAD, build_service(BAD, broken=True), "A bad one")

        await fleet.told(is_offered, "a revert is offered")

        status = await fleet.status()
        assert status is not None
        offer = release(status).offer
        assert offer is not None
        assert offer.refusal == ""
        [branch] = git(
            "for-each-ref", "--format=%(refname:short)", "refs/heads/reconciler/*", folder=folder
        ).split()
        assert branch == offer.branch
        assert git("rev-list", "--parents", "-1", branch, folder=folder) == f"{offer.commit} {bad}"
        assert git("diff", "--numstat", bad, branch, folder=folder) == f"2\t2\t{FILE}"
        message = git("show", "--no-patch", "--format=%B", branch, folder=folder)
        assert "Failure: ServiceDidNotStart" in message
        assert "The end of its stderr:" in message
        assert fleet.lab.token not in message

        effects = fleet.effects
        await controller.kill()
        await controller.start()
        git("merge", "--quiet", "--ff-only", branch, folder=folder)
        await fleet.told(is_ready_again, "the release is ready again")

        assert fleet.effects == effects
        assert len(controller.lines("step done", "offer-revert/")) == 1
