"""The chain from the commit to a host's present state: every link, and what to do next."""

from dataclasses import replace
from typing import cast

import pytest
from msgspec import structs

from reconciler.model.attempt import Attempt
from reconciler.model.failure import FailureClass
from reconciler.model.host_log import HostLog
from reconciler.model.identity import Fingerprint, HostName, ResultId, Version
from reconciler.model.outcome import Applied
from reconciler.model.plan import Assessment, Deferred, Plan, State
from reconciler.model.status import ControllerStatus, Status
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from reconciler.status.alike import groups_of
from reconciler.status.summarize import summarize_hosts, summarize_releases
from reconciler.status.why import Chain, Link, chains_of
from tests.plan.case_file import PlanCase, desired_of, observed_of
from tests.status.situations import ITEM, view
from tests.support import builders
from tests.support.builders import NOON, REVISION


def told(*views: Assessment, blocked: Deferred | None = None) -> Status:
    """Return the status of a pass that ended with *views*."""
    plan = Plan(
        revision=REVISION,
        hosts={ITEM.name: views},
        deferred=(blocked,) if blocked is not None else (),
        blocked={ITEM.name: blocked} if blocked is not None else {},
    )
    desired = builders.desired(ITEM)
    return Status(
        controller=ControllerStatus(revision=REVISION, subject="Bump tool"),
        releases=summarize_releases(desired, Applied(plan=plan), {}, NOON),
        hosts=summarize_hosts(desired, plan, NOON),
    )


def planned(**case: object) -> Status:
    """Return the status after a plan of a case, as `tests/plan/case_file.py` reads one."""
    read = cast("PlanCase", case)
    desired = desired_of(read)
    found = plan(desired, observed_of(read), NOON, Terms())
    return Status(
        controller=ControllerStatus(revision=REVISION),
        releases=summarize_releases(desired, Applied(plan=found), {}, NOON),
        hosts=summarize_hosts(desired, found, NOON),
    )


TWO = {"tool": {"hosts": ["pc-01", "pc-02"], "waves": [{"count": 1}, {"percent": 100}]}}
FAILED = {"runs": "1.0.0", "ago": "10s", "install": {"state": "failed", "failure": "ShellMissing"}}
OLD = {"runs": "1.0.0"}


def why(status: Status, host: str = "pc-01") -> Chain:
    [chain] = chains_of(status, HostName(host))
    return chain


def failed(host: str, said: str) -> Assessment:
    outcome = replace(
        builders.outcome(FailureClass.SERVICE_DID_NOT_START, exit_code=15), stderr_tail=said
    )
    install: Attempt = builders.attempt(ITEM, host, outcome=outcome)
    return view(host, State.FAILED, install=install)


def test_a_host_that_is_right_is_told_from_the_commit_to_the_proof() -> None:
    install = builders.attempt(ITEM, outcome=builders.outcome(last_line="tool 2.0.0"))
    good = view("pc-01", State.CONVERGED, install=install, running=Version("2.0.0"))

    chain = why(told(good))

    assert [link.what for link in chain.links] == [
        "commit", "release", "command", "result", "state",
    ]  # fmt: skip
    assert all(link.ok for link in chain.links)
    assert chain.links[0].text == f"{REVISION[:12]} Bump tool"
    assert "exit code 0: tool 2.0.0" in chain.links[3].text
    assert chain.next == "nothing"


def test_a_failure_is_told_with_what_the_host_said_and_what_to_do() -> None:
    chain = why(told(failed("pc-01", "boom")))

    bad = [link.what for link in chain.links if not link.ok]
    assert bad == ["result", "stderr", "state"]
    assert chain.next == "publish a version that starts; then: reconciler retry tool"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("ApprovalRequired", "reconciler approve tool"),
        ("Suspended", "reconciler resume tool"),
        ("Quarantined", "commit another version, or: reconciler retry tool"),
        ("NoSuchWord", "the words of the gate"),
    ],
)
def test_a_gate_that_a_person_opens_is_told_with_its_command(reason: str, expected: str) -> None:
    shut = Deferred(
        release=ITEM.name, reason=reason, message="the words of the gate", needs_person=True
    )

    chain = why(told(view("pc-01", State.PENDING), blocked=shut))

    assert chain.next == expected
    assert [link.text for link in chain.links if link.what == "gate"] == [
        f"{reason}: the words of the gate"
    ]


def test_a_failed_host_is_mended_by_its_own_fix_and_no_host_is_told_to_ask_why() -> None:
    status = planned(releases=TWO, hosts={"pc-01": FAILED, "pc-02": OLD})

    assert "reconciler why pc-01" in status.releases[ITEM.name].waits_for
    assert why(status).next == "mend it; then: reconciler retry tool"
    assert why(status, "pc-02").next == "on pc-01: mend it; then: reconciler retry tool"


@pytest.mark.parametrize(
    ("host", "reason", "said"),
    [
        ({"doubled": ["a", "b"]}, "HostDuplicated", "give each host an id of its own"),
        ({"agent": "0.41.0"}, "AgentReleaseMissing", "kanade agent publish"),
    ],
)
def test_what_a_person_has_to_do_for_one_host_is_told(
    host: dict[str, object], reason: str, said: str
) -> None:
    release = {"hosts": ["pc-01"], "requires_agent": "0.42.2", "upgrade_agent": "0.43.0"}

    status = planned(releases={"tool": release}, hosts={"pc-01": {**OLD, **host}})

    held = status.hosts[ITEM.name, HostName("pc-01")].held
    assert held is not None
    assert held.reason == reason
    assert said in why(status).next
    assert "nothing" not in why(status).next


def test_an_old_agent_that_nobody_upgrades_is_a_persons_to_roll_out() -> None:
    release = {"hosts": ["pc-01"], "requires_agent": "0.42.2"}

    status = planned(releases={"tool": release}, hosts={"pc-01": {**OLD, "agent": "0.41.0"}})

    assert "kanade agent rollout" in why(status).next
    assert "nothing" not in why(status).next


def test_what_passes_by_itself_needs_nothing() -> None:
    soak = Deferred(release=ITEM.name, host=HostName("pc-01"), reason="SlotBusy", message="soon")

    chain = why(told(view("pc-01", State.PENDING), blocked=soak))

    assert chain.next == "nothing: it goes on when this has passed: soon"


def test_a_command_on_its_way_is_told_as_far_as_it_is_known() -> None:
    planned = builders.attempt(ITEM, sent=False)
    running = replace(builders.attempt(ITEM), started_at=NOON)

    links = {
        name: why(told(view("pc-01", state, install=install))).links
        for name, state, install in (
            ("planned", State.DISPATCHED, planned),
            ("running", State.RUNNING, running),
        )
    }

    assert [link.text for link in links["planned"] if link.what == "command"] == [
        "install install-tool 2.0.0, attempt 1, over nats: about to be sent"
    ]
    assert [link.at for link in links["running"] if link.what == "started"] == [NOON]


def test_the_same_failure_on_many_hosts_is_one() -> None:
    """Names, numbers, ids and paths differ from host to host, and do not count."""
    status = told(
        failed("pc-01", "pc-01: pid 4711 died in /srv/a1/log (id 0a1b2c3d4e5f)"),
        failed("pc-02", "pc-02: pid 99 died in /srv/b/log (id ffffffffffff)"),
        failed("pc-03", "no space left"),
        view("pc-04", State.CONVERGED),
    )

    groups = [[host.host for host in group] for group in groups_of(status.hosts.values())]

    assert groups == [["pc-01", "pc-02"], ["pc-03"]]
    assert "another host failed in the same way" in why(status).links[-1].text
    assert "in the same way" not in why(status, "pc-03").links[-1].text


def test_a_service_that_is_not_well_is_no_end_of_the_story() -> None:
    good = structs.replace(view("pc-01", State.CONVERGED), unhealthy="it answers 500")

    chain = why(told(good))

    assert not chain.links[-1].ok
    assert chain.next == "read the service's log on pc-01"


LOG = HostLog(
    release=ITEM.name,
    host=HostName("pc-01"),
    result_id=ResultId("result-1"),
    version=ITEM.version,
    fingerprint=ITEM.fingerprint,
    asked_at=NOON,
    lines=("one", "two"),
)


def logged(log: HostLog, *views: Assessment) -> list[Link]:
    """Return how *log* shows in the status of a pass that ended with *views*."""
    status = replace(told(*views), logs={(log.release, log.host): log})
    return [link for link in why(status).links if link.what == "log"]


def test_what_the_host_had_written_down_is_part_of_the_story() -> None:
    text = "of the agent, when tool 2.0.0 did not start"

    assert logged(LOG, failed("pc-01", "boom")) == [
        Link(what="log", text=text, at=NOON, lines=("one", "two"))
    ]
    missing = replace(LOG, lines=(), missing="no agent answers for pc-01")
    assert logged(missing, failed("pc-01", "boom")) == [
        Link(what="log", text=f"{text}: no agent answers for pc-01", at=NOON)
    ]


def test_a_host_that_went_back_still_tells_why() -> None:
    old = Version("1.0.0")
    back = builders.attempt(ITEM, outcome=builders.outcome(name="result-2"))
    view_of_it = structs.replace(
        view("pc-01", State.CONVERGED, install=back, running=old), wanted=old
    )

    assert [link.lines for link in logged(LOG, view_of_it)] == [("one", "two")]


def test_what_has_been_put_right_since_is_no_part_of_it() -> None:
    mended = builders.attempt(ITEM, outcome=builders.outcome(name="result-2"))
    right = view("pc-01", State.CONVERGED, install=mended, running=ITEM.version)
    of_an_earlier_commit = replace(LOG, fingerprint=Fingerprint("e" * 64), version=Version("1.9"))

    assert logged(LOG, right) == []
    assert logged(of_an_earlier_commit, view("pc-01", State.PENDING)) == []
