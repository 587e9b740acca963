"""Who asks: somebody who may look, and whoever has a name may act in it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is asking, as they are told themselves, too."""

    name: str = ""
    """Empty for somebody who may look, and has not said who they are."""
    csrf: str = field(default="", repr=False)
    """What a request that writes must bring; empty where no browser sends anything by itself."""
