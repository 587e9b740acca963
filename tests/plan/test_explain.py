"""A plan as people read it: what will be done, what waits, and why."""

from dataclasses import replace

import pytest
from msgspec import structs

from reconciler.model.action import (
    Action,
    DeleteJob,
    DeletePackage,
    DeleteScript,
    ExecJob,
    ForgetRecord,
    OfferRevert,
    ProbeHost,
    PublishPackage,
    PublishScript,
    ResendCommand,
    UpsertJob,
)
from reconciler.model.attempt import Purpose
from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.identity import HostName, JobId, ObjectRef, ReleaseName, Version
from reconciler.model.plan import Assessment, Deferred, Plan, State, Step
from reconciler.model.pruning import HeldPrune
from reconciler.plan.explain import Line, Section, explain
from tests.support import builders
from tests.support.builders import REVISION

TOOL, OTHER = builders.release(hosts=("pc-01", "pc-02")), builders.release("1.0.0", name="other")
DESIRED = builders.desired(TOOL, OTHER)
INSTALL, PROBE = builders.attempt(TOOL), builders.attempt(TOOL, purpose=Purpose.PROBE)
REF = ObjectRef("tool", "2.0.0")


def step(
    action: Action, *, reason: str = "Missing", release: ReleaseName | None = TOOL.name
) -> Step:
    return Step(action=action, release=release, reason=reason, message="for a reason")


def upsert(name: str = "install-tool") -> UpsertJob:
    return UpsertJob(job=builders.job(name), manifest={}, version=Version("2.0.0"))


def plan(*steps: Step, **changes: object) -> Plan:
    built = Plan(revision=REVISION, steps=steps)
    return replace(built, **changes)  # type: ignore[arg-type]  # the test names real fields


def lines_of(found: tuple[Section, ...], title: str) -> list[str]:
    section = next(item for item in found if item.title.startswith(title))
    return [f"{line.mark} {line.what}: {line.why}" for line in section.lines]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            step(PublishPackage(release=TOOL.name, ref=REF, artifact=TOOL.artifact)),
            "+ publish package tool/2.0.0",
        ),
        (
            step(
                PublishScript(
                    release=TOOL.name,
                    ref=ObjectRef("deploy-tool", "2.0.0"),
                    script=TOOL.script,
                    digest=builders.script_digest(TOOL),
                )
            ),
            "+ publish script deploy-tool/2.0.0",
        ),
        (step(upsert(), reason="JobMissing"), "+ register job install-tool 2.0.0"),
        (step(upsert(), reason="VersionDiffers"), "~ register job install-tool 2.0.0"),
        (step(ExecJob(attempt=INSTALL, manifest={})), "> exec install-tool on pc-01"),
        (step(ProbeHost(attempt=PROBE, manifest={})), "> probe pc-01 with version-tool"),
        (step(ResendCommand(attempt=INSTALL)), "> resend install-tool to pc-01"),
        (
            step(
                OfferRevert(
                    release=TOOL,
                    quarantine=builders.quarantine(TOOL),
                    back_to=builders.record(builders.release("1.0.0")),
                    is_stored=True,
                )
            ),
            "+ offer a branch that reverts tool to 1.0.0",
        ),
    ],
)
def test_every_action_has_its_line(shown: Step, expected: str) -> None:
    assert lines_of(explain(plan(shown), DESIRED), "tool") == [f"{expected}: for a reason"]


def test_a_plan_is_told_by_release_with_what_is_proved() -> None:
    converged = Assessment(host=HostName("pc-01"), state=State.CONVERGED, reason="", message="")
    pending = structs.replace(converged, host=HostName("pc-02"), state=State.PENDING)

    found = explain(plan(hosts={TOOL.name: (converged, pending)}), DESIRED)

    assert found == (
        Section(title="tool 2.0.0: 1 of 2 hosts proved", lines=()),
        Section(title="other 1.0.0: 0 of 0 hosts proved", lines=()),
    )


def test_steps_come_before_what_waits_and_that_before_how_hosts_stand() -> None:
    waits = Deferred(
        release=TOOL.name, host=None, reason="MaxInFlight", message="7 more hosts wait"
    )
    away = structs.replace(
        waits, host=HostName("pc-02"), reason="HostOffline", message="last seen at noon"
    )
    running = Assessment(
        host=HostName("pc-01"), state=State.RUNNING, reason="InFlight", message="it is running"
    )
    known_away = structs.replace(running, host=HostName("pc-02"), state=State.FAILED)

    found = explain(
        plan(step(upsert()), deferred=(waits, away), hosts={TOOL.name: (running, known_away)}),
        DESIRED,
    )

    assert lines_of(found, "tool") == [
        "~ register job install-tool 2.0.0: for a reason",
        ". not now: MaxInFlight: 7 more hosts wait",
        ". not now: pc-02: HostOffline: last seen at noon",
        "= pc-01 is running: it is running",
    ]


@pytest.mark.parametrize("state", list(State))
def test_only_hosts_on_their_way_or_in_trouble_have_a_line(state: State) -> None:
    view = Assessment(host=HostName("pc-01"), state=state, reason="", message="why")
    shown = {
        State.DISPATCHED,
        State.RUNNING,
        State.VERIFYING,
        State.FAILED,
        State.TIMED_OUT,
    }

    found = lines_of(explain(plan(hosts={TOOL.name: (view,)}), DESIRED), "tool")

    assert found == ([f"= pc-01 is {state}: why"] if state in shown else [])


def test_a_failed_host_is_told_with_what_to_do() -> None:
    failure = Failure(
        kind=FailureClass.TIMEOUT,
        cause="c",
        fix="mend it",
        next=Next.ROLL_BACK,
        install_intact=False,
    )
    view = Assessment(
        host=HostName("pc-01"), state=State.FAILED, reason="", message="why", failure=failure
    )

    found = explain(plan(hosts={TOOL.name: (view,)}), DESIRED)

    assert lines_of(found, "tool") == ["= pc-01 is failed: why; mend it"]


def test_jobs_of_no_release_come_first_and_only_when_there_is_something() -> None:
    refused = Deferred(
        release=ReleaseName(""), host=None, reason="Revoked", message="job x: unrevoke it"
    )

    found = explain(plan(step(upsert("version-tool"), release=None), deferred=(refused,)), DESIRED)

    assert found[0] == Section(
        title="jobs of no release",
        lines=(
            Line(
                mark="~",
                what="register job version-tool 2.0.0",
                why="for a reason",
                more="Missing  upsert-job/version-tool/2.0.0",
            ),
            Line(mark=".", what="not now", why="Revoked: job x: unrevoke it"),
        ),
    )
    assert [section.lines for section in found[1:]] == [(), ()]


def test_what_is_deleted_has_a_section_of_its_own() -> None:
    old = ObjectRef("tool", "1.0.0")
    found = explain(
        plan(
            step(upsert("probe-tool"), reason="JobMissing", release=None),
            step(DeletePackage(owner=TOOL.name, ref=old, sequence=7), release=None),
            step(DeleteScript(owner=TOOL.name, ref=old, sequence=7), release=None),
            step(DeleteJob(job_id=JobId("old"), version=Version("3")), release=None),
            step(
                ForgetRecord(
                    release=TOOL.name, version=Version("1.0.0"), fingerprint=TOOL.fingerprint
                ),
                release=None,
            ),
        ),
        DESIRED,
    )

    assert lines_of(found, "no longer needed") == [
        "- delete package tool/1.0.0: for a reason",
        "- delete script tool/1.0.0: for a reason",
        "- delete job old 3: for a reason",
        "- forget that tool 1.0.0 was proved: for a reason",
    ]
    assert lines_of(found, "jobs of no release") == [
        "+ register job probe-tool 2.0.0: for a reason"
    ]


def test_what_would_be_deleted_is_shown_thing_by_thing() -> None:
    held = HeldPrune(items=("job old 3", "package tool/1.0.0 (stored as 7)"))
    why = Deferred(release=ReleaseName(""), reason="PruneHeld", message="so much")

    found = explain(plan(held_prune=held, deferred=(why,)), DESIRED)

    assert lines_of(found, "no longer needed") == [
        ". not now: PruneHeld: so much",
        ". delete job old 3: it waits for a person's approval",
        ". delete package tool/1.0.0 (stored as 7): it waits for a person's approval",
    ]
    assert [item.title.split(":")[0] for item in found] == [
        "tool 2.0.0",
        "other 1.0.0",
        "no longer needed",
    ]
