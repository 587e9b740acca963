"""The one link of a notification: to the page, where the settings say that people find it."""

import json
from dataclasses import replace

import pytest

from reconciler.model.identity import HostName, ReleaseName
from reconciler.model.status import Event
from reconciler.notify.commit_status import commit_status
from reconciler.notify.flux import flux_event
from reconciler.notify.mail import Mail, Server
from reconciler.notify.page import Page
from reconciler.notify.slack import slack_message
from reconciler.notify.teams import teams_card
from tests.notify.happenings import APPLIED, CONVERGED, EVIL, ON_HOST

PAGE = Page("https://fleet.example.com")
LINK = "https://fleet.example.com/releases/tool"


@pytest.mark.parametrize(
    ("event", "link"),
    [
        (CONVERGED, LINK),
        (ON_HOST, "https://fleet.example.com/hosts/pc-01"),
        (APPLIED, "https://fleet.example.com/"),
        (replace(CONVERGED, release=ReleaseName("../a?b#c")), f"{LINK[:-4]}..%2Fa%3Fb%23c"),
        (replace(ON_HOST, host=HostName("a b/c")), "https://fleet.example.com/hosts/a%20b%2Fc"),
    ],
)
def test_an_event_is_shown_where_its_host_or_release_is(event: Event, link: str) -> None:
    assert PAGE.link(event) == link
    assert Page().link(event) is None


def test_every_format_has_the_link_once_and_no_other() -> None:
    link = PAGE.link(EVIL)
    mail = Mail(
        server=Server(host="mail", port=25, tls=False),
        sender="ops@example.com",
        recipients=("ops@example.com",),
        page=PAGE,
    )
    status = commit_status(EVIL, link)

    assert status is not None
    assert status.link == LINK
    for told in (
        json.dumps(slack_message(EVIL, link)),
        json.dumps(teams_card(EVIL, link)),
        json.dumps(flux_event(EVIL, "one", link)),
        mail.message(EVIL).decode(),
    ):
        assert told.count(LINK) == 1


def test_what_a_message_says_is_never_its_link() -> None:
    (attachment,) = json.loads(json.dumps(slack_message(EVIL, LINK)))["attachments"]

    assert (attachment["title"], attachment["title_link"]) == ("tool: ServiceDidNotStart", LINK)
    card = json.loads(json.dumps(teams_card(EVIL, LINK)))["attachments"][0]["content"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Look at it", "url": LINK}]
