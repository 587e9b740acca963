"""Whether there is anything left to wait for; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.condition import ConditionType, Truth
from reconciler.model.status import ReleaseStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far releases have come."""

    proved: int
    hosts: int
    held: tuple[str, ...]
    """Why each of those that do not go on by themselves does not."""
    settled: bool
    """Every release is proved everywhere, or is held."""

    @property
    def converged(self) -> bool:
        """True when every release is proved everywhere."""
        return self.settled and not self.held


def standing(releases: Iterable[ReleaseStatus]) -> Standing:
    """Return how far *releases* have come, as one."""
    found = tuple(releases)
    held = {item.name: why for item in found if (why := _held(item))}
    return Standing(
        proved=sum(item.counts.get("converged", 0) for item in found),
        hosts=sum(sum(item.counts.values()) for item in found),
        held=tuple(f"{name}: {why}" for name, why in sorted(held.items())),
        settled=all(item.name in held or _is_ready(item) for item in found),
    )


def _is_ready(release: ReleaseStatus) -> bool:
    return any(
        item.type is ConditionType.READY and item.status is Truth.TRUE
        for item in release.conditions
    )


def _held(release: ReleaseStatus) -> str:
    for item in release.conditions:
        stops = item.type in (ConditionType.STALLED, ConditionType.SUSPENDED)
        if stops and item.status is Truth.TRUE:
            return f"{item.reason}: {item.message}"
    return next(
        (f"{item.reason}: {item.message}" for item in release.held if item.needs_person), ""
    )
