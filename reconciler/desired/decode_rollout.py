"""The rollout section of a release."""

from reconciler.desired.fields import Fields
from reconciler.model.desired import OnFailure, Rollout, Wave
from reconciler.model.identity import GroupName, HostName
from reconciler.model.policy import Offline, OfflineRule


def decode_rollout(fields: Fields) -> Rollout:
    """Return the rollout that *fields* says, defaults filled in."""
    return Rollout(
        waves=tuple(_wave(wave) for wave in fields.each("waves")),
        max_in_flight=fields.integer("max_in_flight"),
        max_failures=fields.optional_integer("max_failures") or 0,
        max_failures_percent=fields.percent("max_failures"),
        soak=fields.duration("soak"),
        on_failure=OnFailure(fields.text("on_failure")),
        rollback_max_in_flight=fields.optional_integer("rollback_max_in_flight"),
        progress_deadline=fields.optional_duration("progress_deadline"),
    )


def _wave(fields: Fields) -> Wave:
    return Wave(
        name=fields.text("name"),
        count=fields.optional_integer("hosts"),
        percent=fields.optional_integer("percent"),
        hosts=frozenset(map(HostName, fields.texts("hosts"))),
        labels=fields.pairs("labels"),
        groups=frozenset(map(GroupName, fields.texts("groups"))),
        offline=_offline(fields.optional_inner("offline")),
    )


def _offline(fields: Fields | None) -> Offline | None:
    if fields is None:
        return None
    return Offline(
        rule=OfflineRule(fields.text("rule")),
        max_hosts=fields.optional_integer("max"),
        max_percent=fields.percent("max"),
    )
