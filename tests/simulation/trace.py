"""What happened, in order: what a failing seed is read for."""

import asyncio
import hashlib
from dataclasses import dataclass, field


class Violation(AssertionError):
    """Something that must never happen has happened."""


@dataclass(kw_only=True)
class Trace:
    """Lines with their virtual time."""

    lines: list[tuple[float, str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first violation."""

    def tell(self, who: str, what: str) -> None:
        """Note that *who* did *what*."""
        self.lines.append((asyncio.get_running_loop().time(), who, what))

    def blame(self, what: str) -> None:
        """Note that a rule is broken; the run ends with the first one."""
        self.tell("RULE BROKEN", what)
        self.violations.append(what)
        self.broken.set()

    def text(self, last: int = 200) -> str:
        """Return the last lines, for people."""
        left = len(self.lines) - last
        head = [f"... {left} lines before"] if left > 0 else []
        return "\n".join(
            [*head, *(f"{at:10.3f}  {who:12} {what}" for at, who, what in self.lines[-last:])]
        )

    @property
    def digest(self) -> str:
        """What two runs of a seed must agree on."""
        return hashlib.sha256(repr(self.lines).encode()).hexdigest()[:16]
