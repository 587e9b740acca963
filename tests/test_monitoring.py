"""The dashboard and the alert rules speak of metrics that there are, with labels that they have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.identity import Json
from reconciler.model.plan import State
from reconciler.model.status import Change, ControllerStatus, ReleaseStatus, Status
from reconciler.telemetry.metrics import Metrics
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.clock import FakeClock

FOLDER = Path(__file__).parents[1] / "examples/monitoring"
RULES, RULES_TEST = FOLDER / "alerts.yaml", FOLDER / "alerts.test.yaml"
_SELECTOR = re.compile(r"(kanade_reconciler_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPED = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
_SETS = {
    "type": set(map(str, ConditionType)),
    "status": set(map(str, Truth)),
    "state": set(map(str, State)),
    "result": {"success", "requeue_after", "error", "sent", "put_off", "given_up"},
}


def exposed() -> dict[str, set[str]]:
    """Return every metric that a controller at work has, with its labels."""
    measured = Metrics(lambda: True, FakeClock(), "0.1.0")
    item = builders.release()
    ready = Condition(
        type=ConditionType.READY,
        status=Truth.FALSE,
        reason="ApprovalRequired",
        message="",
        revision=REVISION,
        since=NOON,
    )
    broken = Change(
        revision=REVISION,
        committed_at=NOON - timedelta(minutes=1),
        failed_at=NOON,
        broken_since=NOON,
    )
    release = ReleaseStatus(
        name=item.name,
        package=item.package,
        version=item.version,
        fingerprint=item.fingerprint,
        revision=REVISION,
        job=item.job.id,
        conditions=(ready,),
        waits_for="approval",
        change=broken,
    )
    mended = replace(release, change=replace(broken, broken_since=None, proved_at=NOON))
    controller = ControllerStatus(revision=REVISION)
    before, after = (
        Status(controller=controller, releases={item.name: it}) for it in (release, mended)
    )
    measured.published(before, after)
    measured.notified("ops", "sent")
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(measured.exposition().decode())
        for sample in family.samples
    }


def rules() -> list[dict[str, Json]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries(value: Json) -> Iterator[str]:
    """Yield every query of the dashboard."""
    if isinstance(value, dict):
        found = value.get("expr", value.get("query"))
        if isinstance(found, str) and "kanade" in found:
            yield found
        for member in value.values():
            yield from queries(member)
    elif isinstance(value, list):
        for item in value:
            yield from queries(item)


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [*(str(rule["expr"]) for rule in rules()), *queries(dashboard)]


def test_every_metric_that_is_asked_for_is_there_with_its_labels() -> None:
    there = exposed()
    wrong = []
    for expression in expressions():
        asked = _SELECTOR.findall(expression)
        assert asked, expression
        known = set().union(*(there.get(name, set()) for name, _ in asked)) | {"le"}
        grouped = {label for group in _GROUPED.findall(expression) for label in _words(group)}
        wrong += [name for name, _ in asked if name not in there]
        wrong += [f"{label} in {expression}" for label in grouped - known]
        wrong += [
            f"{label} of {name}"
            for name, matchers in asked
            for label, _ in _MATCHER.findall(matchers)
            if label not in there.get(name, set())
        ]

    assert not wrong


def test_the_reference_names_every_label() -> None:
    page = (FOLDER.parents[1] / "docs/reference/metrics.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", page, re.MULTILINE)
    there = exposed()
    named = {name: set(re.findall(r"\w+", labels)) for name, _, labels in rows}
    found = {
        name: there[f"{name}_count" if kind == "histogram" else name] for name, kind, _ in rows
    }

    assert named == found


def test_every_value_that_is_asked_for_can_be_had() -> None:
    wrong = [
        f"{label}={value}"
        for expression in expressions()
        for _, matchers in _SELECTOR.findall(expression)
        for label, text in _MATCHER.findall(matchers)
        for value in text.split("|")
        if label in _SETS and value not in _SETS[label]
    ]

    assert not wrong


def test_every_expression_can_be_read_by_prometheus() -> None:
    faults = []
    for expression in expressions():
        asked = re.sub(r"^label_values\((.*), \w+\)$", r"\1", expression)  # Grafana's own
        try:
            promql_parser.parse(asked)
        except ValueError as fault:
            faults.append(f"{expression}: {fault}")

    assert faults == []


def test_everything_that_is_measured_is_shown() -> None:
    shown = {name for expression in expressions() for name, _ in _SELECTOR.findall(expression)}
    families = {
        re.sub("_(bucket|count|sum)$", "", name)
        for name in exposed()
        if name.startswith("kanade_reconciler_")
    }
    unseen = families - {re.sub("_(bucket|count|sum)$", "", name) for name in shown}

    assert unseen == {"kanade_reconciler_build_info"}


def test_every_alert_says_how_bad_it_is_and_what_it_is() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        labels, annotations = rule["labels"], rule["annotations"]
        assert isinstance(labels, dict)
        assert isinstance(annotations, dict)
        assert labels["severity"] in {"critical", "warning", "info"}
        assert "summary" in annotations


def test_every_alert_is_seen_to_fire_and_not_to_fire() -> None:
    """Whether promtool is here or not, nothing is left out of what it is asked."""
    asked = [
        (item["alertname"], bool(item.get("exp_alerts")))
        for test in yaml.safe_load(RULES_TEST.read_text())["tests"]
        for item in test["alert_rule_test"]
    ]

    assert set(asked) == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH")
@pytest.mark.parametrize("words", [("check", RULES), ("test", RULES_TEST)], ids=["check", "test"])
def test_prometheus_takes_the_rules_and_they_fire(words: tuple[str, Path]) -> None:
    verb, file = words
    done = subprocess.run(
        ["promtool", verb, "rules", file], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
