"""What an event says of the commit that asked for it; green only when every host is proved."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import Revision
from reconciler.model.status import Event
from reconciler.notify.wording import CONTROLLER, one_line

_MOST_DESCRIPTION = 140
"""Of GitHub; GitLab takes 255."""


class Light(StrEnum):
    """The states that both forges know, but for `failure`, which is `failed` at GitLab's."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """One check of one commit."""

    revision: Revision
    context: str
    light: Light
    description: str
    link: str | None = None
    """Where more is shown."""


def commit_status(event: Event, link: str | None = None) -> CommitStatus | None:
    """Return the check that *event* changes; `None` when it changes none."""
    light = _LIGHTS.get((event.condition, event.truth))
    if light is None or event.release is None or event.revision is None:
        return None
    return CommitStatus(
        revision=event.revision,
        context=f"{CONTROLLER}/{event.release}",
        light=light,
        description=one_line(f"{event.kind}: {event.message}", _MOST_DESCRIPTION),
        link=link,
    )


_LIGHTS: dict[tuple[ConditionType | None, Truth | None], Light] = {
    (ConditionType.READY, Truth.TRUE): Light.SUCCESS,
    (ConditionType.READY, Truth.FALSE): Light.PENDING,
    (ConditionType.READY, Truth.UNKNOWN): Light.PENDING,
    (ConditionType.STALLED, Truth.TRUE): Light.FAILURE,
}
"""A release that is stalled no more says so by being ready, or on its way, in another event."""
