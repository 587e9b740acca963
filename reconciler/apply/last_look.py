"""What must still be so when a command goes out: the uploads before it may have taken minutes."""

from dataclasses import dataclass

from reconciler.errors import Conflict
from reconciler.model.attempt import Wish
from reconciler.model.observed import Presence
from reconciler.ports import Clock, Fleet, Records


@dataclass(frozen=True, kw_only=True)
class LastLook:
    """Compares what was planned with what has been heard since, without asking anybody."""

    fleet: Fleet
    records: Records
    clock: Clock

    def check(self, wish: Wish, slot: int) -> None:
        """See that *wish* may go out over a slot whose last command was planned to be at *slot*.

        Raises:
            Conflict: not any more; the next pass plans again.
        """
        changed = self._change(wish, slot)
        if changed is not None:
            raise Conflict(f"{wish.host}: {changed} since it was planned: nothing was sent")

    def _change(self, wish: Wish, slot: int) -> str | None:
        freeze = self.fleet.freeze()
        if freeze.frozen:
            return "kanade was frozen"
        suspension = self.records.requests().suspensions.get(wish.release)
        if suspension is not None and suspension.holds(self.clock.now()):
            return f"{wish.release} was suspended"
        if self.fleet.presence(wish.host) is not Presence.ONLINE:
            return "it has gone away"
        if self.fleet.slot_sequence(wish.host) != slot:
            return "somebody's command has come into its slot"
        return None
