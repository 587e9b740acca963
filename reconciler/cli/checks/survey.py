"""What the checks share: the settings, and what earlier ones have found out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from reconciler.cli.roles import Role
from reconciler.cli.settings import Settings
from reconciler.errors import StalledError
from reconciler.kanade.roll_call import Answer
from reconciler.model.desired import Desired
from reconciler.model.identity import HostName, ReleaseName


class NotReady(StalledError):
    """Something that the controller needs is not as it must be; a line for each, with its fix."""

    reason = "NotReady"
    exit_code = 4


@dataclass(kw_only=True)
class Survey:
    """One round of checks; a check may rely on what those that it needs have put here."""

    settings: Settings
    role: Role
    desired: Desired | None = None
    """By `git`."""
    targets: Mapping[ReleaseName, tuple[HostName, ...]] = field(default_factory=dict)
    """By `hosts`, as the next one."""
    answers: Mapping[HostName, Answer] = field(default_factory=dict)
    """Of the hosts that are online."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to check; without all that it *needs* it cannot be checked."""

    name: str
    run: Callable[[Survey], Awaitable[str]]
    needs: tuple[str, ...] = ()
    for_controllers: bool = False
    """Nobody else needs it."""
    for_viewers: bool = False
    """Also who reads nothing of kanade's, and no repository, needs it."""

    def concerns(self, role: Role) -> bool:
        """True where somebody in that *role* cannot do without it."""
        if role is Role.VIEWER:
            return self.for_viewers
        return role.controls or not self.for_controllers
