"""What is proved of a package on a host, by whom and since when."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, PackageName, RequestId, ResultId, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One settled fact about a host: a result or a probe.

    `version` is `None` when the package is not there, or when its version cannot be known
    (then `running` is false too). `digest` is of the running image, or `None` for a result.
    """

    id: ResultId
    """The result that first showed it: a later one that shows the same keeps it."""
    version: Version | None
    digest: Digest | None
    running: bool
    request_id: RequestId
    first_at: datetime
    """When it was first seen to be so; the stream's clock."""
    last_at: datetime
    """When it was last seen to be so; the stream's clock."""
    before: Version | None = None
    """What the evidence of the same level showed until then."""
    before_at: datetime | None = None
    """When it last showed that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """All that is known of a package on a host: the last evidence at each of two levels."""

    package: PackageName
    host: HostName
    by_result: Evidence | None = None
    by_probe: Evidence | None = None

    @property
    def latest(self) -> Evidence | None:
        """The newer of the two; a probe wins a tie, since it inspected what runs."""
        if self.by_probe is None or self.by_result is None:
            return self.by_probe or self.by_result
        newer = self.by_result.last_at > self.by_probe.last_at
        return self.by_result if newer else self.by_probe
