"""What may be asked of the page and of the JSON API, by query or by body."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from reconciler.model.plan import State

MOST_HOSTS = 500
MOST_EVENTS = 500
MOST_CHARACTERS = 128
"""Of each parameter: all of them, four bytes a character, still fit into a request's first line."""
_MOST = 1_000_000_000

Name: TypeAlias = Annotated[str, Meta(max_length=MOST_CHARACTERS)]
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=_MOST)]


class Severity(StrEnum):
    """How bad an event is."""

    INFO = "info"
    ERROR = "error"


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """It has no parameters."""


class HostsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which hosts, and which part of them."""

    q: Annotated[
        str, Meta(max_length=MOST_CHARACTERS, description="A part of the host's name.")
    ] = ""
    state: State | UnsetType = UNSET
    release: Name | UnsetType = UNSET
    wave: Name | UnsetType = UNSET
    offset: Offset = 0
    limit: Annotated[int, Meta(ge=1, le=MOST_HOSTS)] = 50


class EventsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events, the newest first."""

    release: Name | UnsetType = UNSET
    host: Name | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    before: Annotated[int, Meta(ge=1, le=_MOST, description="Only those older than this.")] = _MOST
    limit: Annotated[int, Meta(ge=1, le=MOST_EVENTS)] = 50


class Approve(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let a release through as it stands."""

    fingerprint: Annotated[
        str,
        Meta(max_length=MOST_CHARACTERS, description="That of the release which you have read."),
    ]
    reason: Annotated[str, Meta(max_length=1000)] = ""


class Suspend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stop a release where it stands."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    until: Annotated[datetime, Meta(tz=True)] | None = None


class Resume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let a release go on."""

    reason: Annotated[str, Meta(max_length=1000)] = ""
