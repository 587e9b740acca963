"""What people are sent of a change: each fact once, in a sentence, from the commit to the proof."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.approval import Approval
from reconciler.model.outcome import Applied
from reconciler.model.plan import State
from reconciler.model.policy import ApprovalPolicy
from reconciler.model.status import ControllerStatus, Event, Status
from reconciler.notify.slack import slack_message
from reconciler.notify.target import Target
from reconciler.notify.wording import text, title
from reconciler.status.transitions import transitions
from tests.notify.happenings import Nobody
from tests.status.situations import BAD, GOOD, ITEM, applied, held, told, view
from tests.support.builders import NOON
from tests.support.simulation import TOOL, Simulation
from tests.support.small_fleet import commit, files
from tests.support.virtual_time import in_virtual_time

CHAT = Target(name="chat", provider=Nobody())
PROVED = applied(GOOD, view("pc-02", State.CONVERGED))
MOVES = applied(GOOD, view("pc-02", State.RUNNING))
FAILED = applied(GOOD, BAD)
DRIFTED = applied(GOOD, view("pc-02", State.PENDING, drifted=True, message="it runs 0.9"))
WAITING = held("ApprovalRequired", person=True)


def sent(fleet: Simulation, after: int = 0) -> list[str]:
    """Return what a chat shows of all that has been told, line by line."""
    return [
        f"{title(event)}: {text(event)}" for event in fleet.world.own.events[after:] if shown(event)
    ]


def shown(event: Event) -> bool:
    return CHAT.wants(event) and bool(slack_message(event))


def with_approval(version: str) -> dict[str, str | bytes]:
    release = str(files(version)["releases/tool.yaml"])
    return {"releases/tool.yaml": f"{release}approval: {{required: 1}}\n"}


@in_virtual_time
async def test_a_bump_its_approval_and_its_proof_are_one_message_each() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller() as controller:
        await fleet.until(lambda: fleet.all_run("1.0.0"))
        before = len(fleet.world.own.events)
        bump = commit("2.0.0", changes=with_approval("2.0.0"))
        fleet.world.repository.commit(bump)
        controller.wake_source()
        await fleet.until(lambda: fleet.world.own.status.releases[TOOL].waits_for != "")
        word = Approval(
            release=TOOL,
            fingerprint=fleet.world.own.status.releases[TOOL].fingerprint,
            approver="mika",
            at=fleet.world.clock.now(),
            reason="tried on my desk",
        )
        await (await fleet.world.own.book()).approve(word)
        await fleet.until(lambda: fleet.all_run("2.0.0"))

    asked, commits = word.fingerprint[:12], bump.commit.revision[:12]
    assert sent(fleet, before) == [
        f"kanade-reconciler: RevisionApplied: revision {commits} is in force: Ask for tool 2.0.0",
        f"tool: ApprovalRequired: 2.0.0 waits for approval of {asked}: reconciler approve tool",
        f"tool: Approved: approval of 2.0.0, {asked}, by mika: tried on my desk",
        "tool: Converged: 2 of 2 hosts run tool 2.0.0, proved",
    ]


@in_virtual_time
async def test_a_start_says_nothing_of_what_is_as_it_should_be() -> None:
    fleet = Simulation.of(commit("1.0.0"))
    async with fleet.living(), fleet.controller():
        await fleet.until(lambda: fleet.all_run("1.0.0"))

    assert [event.kind for event in fleet.world.own.events if CHAT.wants(event)] == [
        "RevisionApplied",
        "NoEvidence",
        "Progressing",
        "Converged",
    ]
    assert [event for event in fleet.world.own.events if not text(event)] == []


STEPS = {
    "it fails": (MOVES, FAILED, ["ServiceDidNotStart"]),
    "it is mended": (FAILED, PROVED, ["Converged"]),
    "it is tried again": (FAILED, MOVES, ["Progressing"]),
    "it waits": (
        PROVED,
        applied(GOOD, GOOD, blocked=WAITING, unapproved=WAITING),
        ["ApprovalRequired"],
    ),
    "a host drifts": (PROVED, DRIFTED, ["DriftDetected"]),
    "drift is healed": (DRIFTED, PROVED, ["Converged"]),
}


@pytest.mark.parametrize("name", STEPS)
def test_one_fact_is_one_message(name: str) -> None:
    old, new, expected = STEPS[name]

    assert [event.kind for event in headlines(old, new)] == expected


def test_a_checks_target_follows_each_condition() -> None:
    forge = replace(CHAT, every_condition=True)
    events = transitions(status(MOVES), status(FAILED), NOON)

    assert [str(event.condition) for event in filter(forge.wants, events)] == ["Ready", "Stalled"]


def headlines(*passes: Applied) -> Iterator[Event]:
    """Yield what a chat is told between two passes."""
    before, after = (status(done) for done in passes)
    return filter(CHAT.wants, transitions(before, after, NOON + timedelta(minutes=1)))


def status(done: Applied) -> Status:
    release = replace(ITEM, approval=ApprovalPolicy(required=1))
    return Status(
        controller=ControllerStatus(revision=None),
        releases={release.name: told(done, release)},
    )
