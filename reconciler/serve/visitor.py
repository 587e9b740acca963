"""Who asks: somebody who may read, and may act where they have a name."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is asking, as it is shown to them, too."""

    name: str = ""
    """Empty for somebody who may read, and has not signed in."""
    csrf: str = field(default="", repr=False)
    """What a request that writes must bring; empty where no browser sends anything by itself."""
