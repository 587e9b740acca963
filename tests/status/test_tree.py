"""What is counted and what is named below a release."""

from dataclasses import replace

import pytest

from reconciler.model.identity import HostName
from reconciler.model.plan import State
from reconciler.model.status import ControllerStatus, Status
from reconciler.status.summarize import summarize_hosts
from reconciler.status.tree import Node, tree_of
from tests.status.situations import ITEM, applied, told, view
from tests.support import builders
from tests.support.builders import NOON, REVISION


def fleet(*states: State) -> Status:
    views = [view(f"pc-{number:02}", state) for number, state in enumerate(states, 1)]
    done = applied(*views)
    return Status(
        controller=ControllerStatus(revision=REVISION),
        releases={ITEM.name: told(done)},
        hosts=summarize_hosts(builders.desired(ITEM), done.plan, NOON),
    )


def hosts(status: Status, *, every_host: bool = False) -> list[Node]:
    [release] = tree_of(status, ITEM.name, every_host=every_host)
    return [part for part in release.parts if part.kind.startswith("host")]


@pytest.mark.parametrize("state", [State.CONVERGED, State.PENDING])
def test_many_that_are_alike_and_well_are_counted(state: State) -> None:
    many = fleet(*[state] * 11)

    assert [(node.name, node.state) for node in hosts(many)] == [("pc-01 to pc-11 (11)", state)]
    assert len(hosts(many, every_host=True)) == 11
    assert len(hosts(fleet(*[state] * 10))) == 10


def test_what_is_not_well_is_named_however_many() -> None:
    nodes = hosts(fleet(*[State.FAILED] * 11, *[State.CONVERGED] * 20))

    assert [node.state for node in nodes] == ["failed"] * 11 + ["converged"]


def test_a_host_of_a_wave_that_is_gone_is_not_lost() -> None:
    status = fleet(State.CONVERGED)
    key = (ITEM.name, HostName("pc-01"))

    moved = replace(status, hosts={key: replace(status.hosts[key], wave="of-old")})

    assert [node.name for node in hosts(moved)] == ["pc-01"]
