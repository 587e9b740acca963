"""An event as Slack shows it; `&`, `<` and `>` are all that its text must escape."""

from reconciler.model.identity import Json
from reconciler.model.status import Event
from reconciler.notify.wording import Mood, facts, mood, text, title

_COLOURS = {Mood.GOOD: "#2eb886", Mood.BAD: "#a30200", Mood.NEUTRAL: "#8d8d8d"}


def slack_message(event: Event, link: str | None = None) -> Json:
    """Return the body of an incoming webhook's request: no mention, no formatting, one *link*."""
    fields: list[Json] = [
        {"title": name, "value": _escaped(value), "short": True} for name, value in facts(event)
    ]
    attachment: dict[str, Json] = {
        "color": _COLOURS[mood(event)],
        "title": _escaped(title(event)),
        "text": _escaped(text(event)),
        "fallback": _escaped(title(event)),
        "fields": fields,
        "mrkdwn_in": [],
        "ts": int(event.at.timestamp()),
    }
    if link is not None:
        attachment["title_link"] = link
    return {"text": _escaped(title(event)), "mrkdwn": False, "attachments": [attachment]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
