"""From commit to proof, and from a failure to its end: counted once, whatever restarts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.fingerprint import fingerprint
from reconciler.model.identity import ReleaseName, Revision, Version
from reconciler.model.snapshot import Commit
from reconciler.model.status import Change, ControllerStatus, ReleaseStatus, Status
from reconciler.status.change import Turn, follow_changes, turn
from tests.support import builders
from tests.support.builders import NOON, REVISION

TOOL = ReleaseName("tool")
ITEM = builders.release()
COMMIT = Commit(
    revision=REVISION, subject="Bump", author="mika", committed_at=NOON - timedelta(minutes=3)
)
NOTHING = Status(controller=ControllerStatus(revision=None))
QUIET = Turn()


def release(
    state: str, version: str = "2.0.0", *, ready: bool = False, reason: str = "R", back: str = ""
) -> ReleaseStatus:
    kinds = {
        ConditionType.READY: Truth.TRUE if ready else Truth.FALSE,
        ConditionType.DRIFT_DETECTED: Truth.TRUE if state == "drifted" else Truth.FALSE,
    }
    return ReleaseStatus(
        name=TOOL,
        package=ITEM.package,
        version=ITEM.version,
        fingerprint=fingerprint({"version": version}),
        revision=REVISION,
        job=ITEM.job.id,
        conditions=tuple(
            Condition(type=kind, status=truth, reason=reason, message="", revision=None, since=NOON)
            for kind, truth in kinds.items()
        ),
        counts={state: 1},
        in_force=(Version(back),) if back else (),
    )


class Story:
    """A release that goes through states, a minute apart."""

    def __init__(self, before: Status = NOTHING) -> None:
        self.status = before
        self.now = NOON

    def goes(self, after: ReleaseStatus) -> Turn:
        """Take the next status in, and return what has become of the change."""
        self.now += timedelta(minutes=1)
        conditions = tuple(replace(item, since=self.now) for item in after.conditions)
        after = replace(after, conditions=conditions)
        told = follow_changes(self.status, {TOOL: after}, COMMIT, self.now)
        before = self.status.releases.get(TOOL)
        self.status = Status(controller=ControllerStatus(revision=REVISION), releases=told)
        return turn(before, told[TOOL], self.now)

    @property
    def change(self) -> Change:
        change = self.status.releases[TOOL].change
        assert change is not None
        return change


@pytest.fixture
def story() -> Story:
    return Story(Status(controller=ControllerStatus(revision=Revision("b" * 40))))


def test_a_change_lasts_from_its_commit_to_its_proof(story: Story) -> None:
    assert story.goes(release("pending")) == QUIET
    assert story.goes(release("running")) == QUIET

    assert story.goes(release("converged", ready=True)) == Turn(proved_after=timedelta(minutes=6))
    assert story.change.revision == REVISION


def test_it_is_proved_once_however_often_it_drifts_and_is_healed(story: Story) -> None:
    story.goes(release("converged", ready=True))
    assert story.goes(release("drifted")) == QUIET

    healed = story.goes(release("converged", ready=True))

    assert healed == Turn(restored_after=timedelta(minutes=1))


def test_it_fails_once_and_what_mends_it_may_be_another_change(story: Story) -> None:
    assert story.goes(release("failed")) == Turn(failed=True)
    assert story.goes(release("running")) == QUIET
    assert story.goes(release("timed-out")) == QUIET
    assert story.goes(release("running", "3.0.0")) == QUIET

    mended = story.goes(release("converged", "3.0.0", ready=True))

    assert mended == Turn(proved_after=timedelta(minutes=8), restored_after=timedelta(minutes=4))


def test_going_back_restores_and_proves_nothing(story: Story) -> None:
    assert story.goes(release("running", reason="Quarantined", back="1.0.0")) == Turn(failed=True)

    gone_back = story.goes(release("converged", reason="Quarantined", back="1.0.0"))

    assert gone_back == Turn(restored_after=timedelta(minutes=1))
    assert story.goes(release("converged", reason="Quarantined", back="1.0.0")) == QUIET


def test_a_later_commit_that_changes_nothing_here_is_no_change(story: Story) -> None:
    story.goes(release("converged", ready=True))

    later = replace(release("converged", ready=True), revision=Revision("c" * 40))

    assert story.goes(later) == QUIET
    assert story.change.revision == REVISION


def test_what_was_there_before_anybody_looked_does_not_count() -> None:
    story = Story()

    assert story.goes(release("failed")) == QUIET
    assert story.goes(release("converged", ready=True)).proved_after is None
    assert story.goes(release("converged", "3.0.0", ready=True)).proved_after is not None


def test_the_first_change_that_is_seen_has_the_author_of_its_revision() -> None:
    story = Story()

    story.goes(release("converged", ready=True))

    first = story.status.releases[TOOL].change
    assert first is not None
    assert (first.author, first.subject, first.committed_at) == ("mika", "Bump", None)


def test_a_change_that_another_one_replaces_is_remembered(story: Story) -> None:
    story.goes(release("converged", ready=True))
    story.goes(release("failed", "3.0.0"))
    story.goes(release("running", "4.0.0"))

    failed, proved = story.status.releases[TOOL].past

    assert (failed.failed_at, failed.proved_at) == (NOON + timedelta(minutes=2), None)
    assert failed.replaced_at == NOON + timedelta(minutes=3)
    assert proved.proved_at == NOON + timedelta(minutes=1)
    assert (proved.author, proved.subject, proved.version) == ("mika", "Bump", ITEM.version)


def test_only_so_many_changes_are_remembered(story: Story) -> None:
    for number in range(30):
        story.goes(release("running", f"{number}.0.0"))

    past = story.status.releases[TOOL].past

    assert len(past) == 20
    assert past[0].replaced_at == story.now
