"""What is told of a prune: each thing that went, once, and why something has not gone."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.action import DeleteJob, DeletePackage, DeleteScript, ForgetRecord
from reconciler.model.approval import Checked
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import Fingerprint, JobId, ObjectRef, ReleaseName, Version
from reconciler.model.outcome import Applied, StepOutcome, StepState
from reconciler.model.plan import PRUNE_HELD, Deferred, Plan, Step
from reconciler.model.pruning import HeldPrune, PruneApproval
from reconciler.model.status import ControllerStatus, Status
from reconciler.status.pruned import pruned, with_prune
from reconciler.status.transitions import transitions
from tests.support.builders import NOON, REVISION

TOOL, OLD = ReleaseName("tool"), ObjectRef("tool", "1.0.0")
NOTHING = Status(controller=ControllerStatus(revision=REVISION))
HELD = HeldPrune(items=("job old 1", "package tool/1.0.0 (stored as 7)"))
PACKAGE = DeletePackage(owner=TOOL, ref=OLD, sequence=7)
ACTIONS = (
    PACKAGE,
    DeleteScript(owner=TOOL, ref=ObjectRef("deploy-tool", "1.0.0"), sequence=8),
    DeleteJob(job_id=JobId("old"), version=Version("1")),
    ForgetRecord(release=TOOL, version=Version("1.0.0"), fingerprint=Fingerprint("f" * 64)),
)


def applied(state: StepState, reason: str = "", message: str = "") -> Applied:
    steps = tuple(
        Step(action=action, release=None, reason="NotNeeded", message="nobody needs it")
        for action in ACTIONS
    )
    outcomes = tuple(
        StepOutcome(step=step, state=state, reason=reason, message=message) for step in steps
    )
    return Applied(plan=Plan(revision=REVISION, steps=steps), outcomes=outcomes)


def held() -> Applied:
    why = Deferred(release=ReleaseName(""), reason=PRUNE_HELD, message="so much", needs_person=True)
    return Applied(plan=Plan(revision=REVISION, deferred=(why,), held_prune=HELD))


def told(
    found: Applied, before: Status = NOTHING, said: Checked[PruneApproval] | None = None
) -> ControllerStatus:
    return with_prune(NOTHING.controller, before, found, said, NOON)


def test_each_thing_that_went_is_an_event() -> None:
    events = list(pruned(applied(StepState.DONE), NOON))

    assert [(item.kind, item.release, item.message) for item in events] == [
        ("Pruned", TOOL, "package tool/1.0.0 was deleted: nobody needs it"),
        ("Pruned", TOOL, "script deploy-tool/1.0.0 was deleted: nobody needs it"),
        ("Pruned", None, "job old 1 was deleted: nobody needs it"),
        ("Pruned", TOOL, "the record of tool 1.0.0 was deleted: nobody needs it"),
    ]
    assert len({item.id for item in events}) == 4


def test_what_was_not_deleted_is_no_event() -> None:
    for state in (StepState.FAILED, StepState.SKIPPED):
        assert list(pruned(applied(state), NOON)) == []


def test_a_held_prune_is_shown_with_its_things_and_told_once() -> None:
    controller = told(held())

    assert controller.held_prune == HELD
    assert controller.conditions == (
        Condition(
            type=ConditionType.PRUNED,
            status=Truth.FALSE,
            reason="PruneHeld",
            message="so much",
            revision=REVISION,
            since=NOON,
        ),
    )
    after = replace(NOTHING, controller=controller)
    [event] = transitions(NOTHING, after, NOON)
    assert (event.kind, event.severity) == ("PruneHeld", "error")
    later = with_prune(NOTHING.controller, after, held(), None, NOON + timedelta(hours=1))
    assert later == controller


def test_a_deletion_that_failed_is_the_controllers_trouble_and_no_releases() -> None:
    [condition] = told(applied(StepState.FAILED, reason="NoAnswer", message="silent")).conditions

    assert (condition.reason, condition.message) == (
        "NoAnswer",
        "delete-package/tool/1.0.0/7: silent",
    )


def test_when_nothing_is_left_over_nothing_is_said() -> None:
    held_before = replace(NOTHING, controller=told(held()))

    assert told(applied(StepState.DONE), held_before) == NOTHING.controller


def test_a_word_on_what_is_held_is_one_event_and_says_whether_it_counts() -> None:
    word = PruneApproval(items=HELD.items, approver="mika", at=NOON, reason="tidy")
    before = replace(NOTHING, controller=told(held()))

    def kinds(found: Applied, said: Checked[PruneApproval]) -> list[tuple[str, str]]:
        after = replace(NOTHING, controller=told(found, before, said))
        return [
            (event.kind, event.message)
            for event in transitions(before, after, NOON)
            if event.kind in ("Approved", "WordRefused")
        ]

    refused = Checked(signed=word, refusal="it is not signed")
    assert kinds(held(), refused) == [
        (
            "WordRefused",
            "approval of a prune, by mika: tidy; it does not count: it is not signed",
        )
    ]
    assert kinds(applied(StepState.DONE), Checked(signed=word, key="SHA256:abc")) == [
        ("Approved", "approval of a prune, by mika with SHA256:abc: tidy")
    ]
    assert kinds(held(), replace(refused, pending=True)) == []
    assert kinds(held(), replace(refused, signed=replace(word, items=("job old 1",)))) == []


def test_a_word_covers_what_is_left_and_nothing_else() -> None:
    word = PruneApproval(items=HELD.items, approver="mika", at=NOON)

    assert word.covers(HELD)
    assert word.covers(HeldPrune(items=HELD.items[:1]))
    assert not word.covers(HeldPrune(items=(*HELD.items, "job new 1")))
    assert HELD.digest != HeldPrune(items=HELD.items[:1]).digest
