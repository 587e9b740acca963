"""What a result says of the tool on its host, read in the simplest way there is."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.digest import Digest
from reconciler.model.identity import Version
from reconciler.model.proof import Evidence
from reconciler.model.report import RunFinished
from tests.support.small_fleet import binary_of


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What a host ran at a moment; nothing where the tool was absent."""

    at: datetime
    version: str | None
    digest: str | None
    runs: bool = True

    def says(self, version: Version, digest: Digest) -> bool:
        """Tell whether these bytes ran, or at least that version where nobody saw the bytes."""
        return self.runs and self.version == version and self.digest in (None, digest.hex)


def fact_of(report: RunFinished) -> Fact | None:
    """Return what *report* says, `None` when it says nothing of the tool."""
    words = report.last_line.split()
    if report.exit_code != 0 or report.skipped or words[:1] != ["tool"]:
        return None
    if words[1] == "absent":
        return Fact(at=report.at, version=None, digest=None)
    digest = words[2].partition("=")[2] if len(words) > 2 else None
    return Fact(at=report.at, version=words[1], digest=digest, runs=words[3:] != ["stopped"])


def fact_in(evidence: Evidence) -> Fact:
    """Return what was written down of a host."""
    digest = evidence.digest.hex if evidence.digest is not None else None
    at, version, runs = evidence.last_at, evidence.version, evidence.running
    return Fact(at=at, version=version, digest=digest, runs=runs)


def wanted_digest(version: str) -> Digest:
    """Return what the bytes of *version* are."""
    return Digest.of(binary_of(version))
