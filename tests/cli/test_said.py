"""What people are told when they say something, to the letter, narrow and wide."""

import re
from dataclasses import replace

import pytest

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.difference import Difference
from reconciler.model.identity import Version
from tests.cli.conftest import Office
from tests.cli.published import GROWN, TOOL, publish
from tests.cli.test_printed import ESCAPE, SNAPSHOTS, printed
from tests.support.golden import assert_same
from tests.support.statuses import condition

WORDS = {
    "approve": "approve kanade-backend --yes --by mika",
    "approve-override": "approve kanade-backend --override window --reason smoke --yes --by mika",
    "approve-unanswered": "approve kanade-backend --by mika",
    "approve-prune": "approve --prune --by mika",
    "suspend": "suspend kanade-backend --reason holiday",
    "suspend-until": "suspend kanade-backend --reason holiday --until 2h",
    "resume": "resume kanade-backend",
    "rollback": "rollback kanade-backend --reason smoke",
    "rollback-to": "rollback kanade-backend --to 9.9.9 --reason smoke",
    "retry": "retry kanade-backend",
    "reconcile": "reconcile --timeout 1s",
    "unknown-release": "retry kanade-backnd",
    "unknown-host": "why backend-1",
    "unknown-command": "rolback kanade-backend",
    "missing-reason": "suspend kanade-backend",
}
_VARYING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC")


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", WORDS)
def test_an_answer(kanade: Office, name: str, columns: int) -> None:
    publish(kanade, GROWN)

    text = _VARYING.sub("SOME-TIME UTC", printed(kanade, WORDS[name], columns))

    assert ESCAPE not in text
    assert_same(text, SNAPSHOTS / f"said-{name}-{columns}.txt")


@pytest.mark.parametrize("columns", [80, 120])
def test_what_differs_is_shown_before_it_is_approved(kanade: Office, columns: int) -> None:
    waits = condition(ConditionType.APPROVED, Truth.FALSE, "ApprovalRequired", "0 of 1")
    script = ("-  systemctl restart tool", "+  systemctl stop tool", "+  systemctl start tool")
    asked = replace(
        GROWN.releases[TOOL],
        conditions=(*GROWN.releases[TOOL].conditions, waits),
        compared_with=Version("0.42.0"),
        compared_as="approved",
        differences=(
            Difference(what="version", before="0.42.0", after="0.43.0"),
            Difference(what="rollout.waves", before="", after="canary 1, rest 100 %"),
            Difference(what="script", before="", after="1 line less, 2 more", lines=script),
        ),
    )
    publish(kanade, replace(GROWN, releases={**GROWN.releases, TOOL: asked}))

    text = printed(kanade, "approve tool --yes --by mika", columns)

    assert_same(text, SNAPSHOTS / f"said-approve-differences-{columns}.txt")
