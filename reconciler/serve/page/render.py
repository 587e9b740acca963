"""Templates to answers; whatever stands in them is escaped, and nothing is left of what obeys."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reconciler.serve.page.labels import LABELS, of_condition, of_event

_FOLDER = Path(__file__).resolve().parent
STATIC = _FOLDER / "static"


def _shown(value: object) -> object:
    """Take what would turn the direction of text, or obey, out of what came from outside."""
    if not isinstance(value, str) or hasattr(value, "__html__"):  # the template's own markup
        return "" if value is None else value
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def segment(name: str) -> str:
    """Return *name* as one part of a path, whatever it has in it."""
    return quote(name, safe="")


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "moment": _moment,
    "segment": segment,
    "event_tone": of_event,
    "condition_tone": of_condition,
}
_ENVIRONMENT.globals["labels"] = LABELS


def page(
    template: str, content: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    """Return *template* filled with *content*."""
    text = _ENVIRONMENT.get_template(template).render(content)
    return web.Response(status=status.value, text=text, content_type="text/html")
