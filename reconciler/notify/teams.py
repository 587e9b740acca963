"""An event as an adaptive card for Microsoft Teams.

A `TextBlock` would read Markdown; the runs of a `RichTextBlock` are taken as they are, so that
nothing that a host has printed can become a link.
"""

from reconciler.model.identity import Json
from reconciler.model.status import Event
from reconciler.notify.wording import Mood, facts, mood, text, title

_COLOURS = {Mood.GOOD: "Good", Mood.BAD: "Attention", Mood.NEUTRAL: "Default"}


def teams_card(event: Event, link: str | None = None) -> Json:
    """Return the body of a Teams workflow's webhook request; a button opens *link*."""
    body: list[Json] = [
        _block(
            {
                "text": title(event),
                "weight": "Bolder",
                "size": "Medium",
                "color": _COLOURS[mood(event)],
            }
        ),
        _block({"text": text(event)}),
        *(_block({"text": f"{name}: {value}", "isSubtle": True}) for name, value in facts(event)),
    ]
    card: dict[str, Json] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Look at it", "url": link}]
    attachment: Json = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _block(run: dict[str, Json]) -> Json:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", **run}]}
