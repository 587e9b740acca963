"""Every format says the same, and nothing that a host has printed means anything in it."""

import json
import re
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.condition import Truth
from reconciler.model.identity import Json
from reconciler.model.status import Event
from reconciler.notify.comment import MARKER, section, with_section
from reconciler.notify.commit_status import Light, commit_status
from reconciler.notify.flux import flux_event
from reconciler.notify.slack import slack_message
from reconciler.notify.teams import teams_card
from reconciler.notify.wording import Mood, mood, one_line, text, title
from tests.notify.happenings import (
    ALL,
    APPLIED,
    CALM,
    CONVERGED,
    DRIFTED,
    EVIL,
    ON_HOST,
    PROGRESSING,
    STALLED,
    UNREAD,
)
from tests.support.builders import REVISION


def test_only_a_proof_is_good_news() -> None:
    assert [event.id for event in ALL if mood(event) is Mood.GOOD] == [CONVERGED.id]
    bad = [event.id for event in ALL if mood(event) is Mood.BAD]
    assert bad == [STALLED.id, DRIFTED.id, UNREAD.id, ON_HOST.id]


def test_a_title_says_what_and_where() -> None:
    assert title(CONVERGED) == "tool: Converged"
    assert title(ON_HOST) == "tool on pc-01: HostFailed"
    assert title(UNREAD) == "kanade-reconciler: GitUnavailable"


def test_a_line_has_no_end_no_control_character_and_not_too_many_of_all() -> None:
    assert one_line("a\r\nb\tc") == "a b c"
    assert one_line("a\x1b[31mb\u202ec") == "a\ufffd[31mb\ufffdc"
    assert one_line("x" * 300) == "x" * 199 + "\u2026"


def test_an_event_is_one_that_flux_reads() -> None:
    assert flux_event(CONVERGED, "one") == {
        "involvedObject": {
            "apiVersion": "kanade-reconciler/v1",
            "kind": "Release",
            "namespace": "kanade-reconciler",
            "name": "tool",
        },
        "severity": "info",
        "timestamp": "2026-11-23T12:00:00Z",
        "message": "3 of 3 hosts run tool 2.0.0, proved",
        "reason": "Converged",
        "metadata": {
            "eventId": "e-converged",
            "revision": f"sha1:{REVISION}",
            "condition": "Ready=True",
        },
        "reportingController": "kanade-reconciler",
        "reportingInstance": "one",
    }


def test_slack_is_given_no_link_no_mention_and_no_format() -> None:
    message = json.dumps(slack_message(EVIL))

    assert "<" not in message
    assert ">" not in message
    assert "&lt;!here&gt;" in message
    assert "&amp;amp;" in message


def test_slack_shows_how_it_is_by_colour() -> None:
    colours = [
        cast("dict[str, list[dict[str, str]]]", slack_message(event))["attachments"][0]["color"]
        for event in (CONVERGED, STALLED, PROGRESSING)
    ]
    assert colours == ["#2eb886", "#a30200", "#8d8d8d"]


def runs(card: Json) -> list[dict[str, str]]:
    """Return every run of text of a card; it has no other text."""
    found = json.loads(json.dumps(card))
    body = found["attachments"][0]["content"]["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    return [run for block in body for run in block["inlines"]]


def test_a_card_for_teams_holds_words_that_are_taken_as_they_are() -> None:
    found = runs(teams_card(EVIL))

    assert {run["type"] for run in found} == {"TextRun"}
    assert found[0]["text"] == "tool: ServiceDidNotStart"
    assert found[0]["color"] == "Attention"
    assert found[1]["text"] == text(EVIL)
    assert runs(teams_card(CONVERGED))[0]["color"] == "Good"


@pytest.mark.parametrize(
    ("event", "light"),
    [
        (CONVERGED, Light.SUCCESS),
        (PROGRESSING, Light.PENDING),
        (replace(PROGRESSING, truth=Truth.UNKNOWN, id="e-unknown"), Light.PENDING),
        (STALLED, Light.FAILURE),
        (CALM, None),
        (DRIFTED, None),
        (APPLIED, None),
        (UNREAD, None),
        (ON_HOST, None),
    ],
    ids=lambda it: it.id if isinstance(it, Event) else str(it),
)
def test_a_commit_is_green_when_all_is_proved_and_never_before(
    event: Event, light: Light | None
) -> None:
    status = commit_status(event)

    assert (status.light if status is not None else None) == light


def test_a_commits_status_is_that_of_one_release_in_one_short_line() -> None:
    status = commit_status(replace(STALLED, message=f"{'x' * 500}\n"))

    assert status is not None
    assert (status.revision, status.context) == (REVISION, "kanade-reconciler/tool")
    assert status.description.startswith("ServiceDidNotStart: xxx")
    assert len(status.description) == 140


def test_a_comment_has_the_plan_then_how_it_went_each_once() -> None:
    body: str | None = None
    for event in (APPLIED, PROGRESSING, STALLED, CONVERGED, CONVERGED):
        words = section(event)
        if words is not None:
            body = with_section(body, event, words) or body

    assert body is not None
    assert body.startswith(MARKER)
    assert "```text\ntool 2.0.0: 0 of 3 hosts proved\n" in body
    assert body.count("**proved** `tool`") == 1
    assert body.index("**stalled** `tool`") < body.index("**proved** `tool`")


def test_a_comment_does_not_outgrow_what_a_forge_takes() -> None:
    assert with_section("x" * 60_000, CONVERGED, "more") is None


@given(st.text(alphabet=st.sampled_from("`a @<>[]\n")))
def test_nothing_gets_out_of_a_comments_code(words: str) -> None:
    """Whatever it is, no run of backticks in it is as long as the one that ends it."""
    evil = replace(APPLIED, message=words, details=words)

    found = section(evil)

    assert found is not None
    opening = re.match("`+", found)
    assert opening is not None
    head, _, block = found.partition("\n\n")
    inner = head[opening.end() : len(head) - opening.end()]
    assert opening[0] not in re.findall("`+", inner)
    if block:
        fence = block.partition("text\n")[0]
        lines = block.split("\n")[1:-1]
        assert not any(fence in line for line in lines)
        assert block.endswith(f"\n{fence}")
