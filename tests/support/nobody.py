"""Books of what is looked at beside the passes, for tests in which nothing is."""

from collections.abc import Mapping

from reconciler.model.observed import Health
from reconciler.observe.health import Key
from reconciler.ports import HealthTarget, LogTarget


class NobodyFetches:
    """Implements `ports.EvidenceBook` where nothing is fetched."""

    def follow(self, wanted: Mapping[Key, LogTarget]) -> None:
        """See `ports.EvidenceBook`."""


class NobodyAsked:
    """Implements `ports.HealthBook` where there is nobody to ask."""

    def follow(self, wanted: Mapping[Key, HealthTarget]) -> None:
        """See `ports.HealthBook`."""

    def read(self) -> Mapping[Key, Health]:
        """See `ports.HealthBook`."""
        return {}
