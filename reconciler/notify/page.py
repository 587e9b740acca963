"""Where the page shows what an event is about; pure."""

from dataclasses import dataclass
from urllib.parse import quote

from reconciler.model.status import Event


@dataclass(frozen=True, slots=True)
class Page:
    """The page as people reach it: the one address that a notification ever links to."""

    address: str | None = None
    """Without a slash at its end; `None` where the settings name none."""

    def link(self, event: Event) -> str | None:
        """Return the address of the host, the release, or the page itself."""
        if self.address is None:
            return None
        if event.host is not None:
            return f"{self.address}/hosts/{quote(event.host, safe='')}"
        if event.release is not None:
            return f"{self.address}/releases/{quote(event.release, safe='')}"
        return f"{self.address}/"


NOWHERE = Page()
