"""What a plan case says of a release, as the release that it becomes."""

import re
from dataclasses import replace
from datetime import timedelta

from reconciler.desired.cron import parse_cron
from reconciler.model.desired import DriftPolicy, HealthCheck, Release
from reconciler.model.identity import (
    ReleaseName,
    Version,
)
from reconciler.model.policy import ApprovalPolicy, Cron, Window, WindowKind
from tests.plan.case_rollout import RolloutCase, rollout_of
from tests.plan.case_time import span
from tests.support import builders

_HEALTH = HealthCheck(url="http://{host}:8080/health", every=timedelta(seconds=30), failures=3)


class ReleaseCase(RolloutCase, total=False):
    version: str
    hosts: list[str]
    probe: bool
    approval: bool
    health: bool
    max_in_flight: int
    depends_on: list[str]
    allow_downgrade: bool
    adopt: bool
    suspend: bool
    drift: str
    yanked: list[str]
    requires_agent: str
    upgrade_agent: str
    windows: list[str]
    required: int
    expires: str


def release_of(name: str, item: ReleaseCase) -> Release:
    built = builders.release(
        item.get("version", "2.0.0"),
        name=name,
        hosts=item.get("hosts", ["pc-01"]),
        probe=item.get("probe", True),
        install=builders.job(f"install-{name}", require_approval=item.get("approval", False)),
        max_in_flight=item.get("max_in_flight", 10),
        depends_on=frozenset(map(ReleaseName, item.get("depends_on", []))),
        allow_downgrade=item.get("allow_downgrade", False),
        adopt=item.get("adopt", False),
        suspend=item.get("suspend", False),
        drift=DriftPolicy(item.get("drift", "heal")),
    )
    expires = item.get("expires")
    approval = ApprovalPolicy(
        required=item.get("required", 1), expires=span(expires) if expires is not None else None
    )
    return replace(
        built,
        rollout=rollout_of(built.rollout, item),
        verify=replace(built.verify, http=_HEALTH if item.get("health") else None),
        approval=approval if "required" in item else None,
        windows=windows_of(item.get("windows", [])),
        yanked=frozenset(map(Version, item.get("yanked", []))),
        requires_agent=_version(item.get("requires_agent")),
        upgrade_agent=_version(item.get("upgrade_agent")),
    )


def _version(text: str | None) -> Version | None:
    return Version(text) if text is not None else None


def windows_of(lines: list[str]) -> tuple[Window, ...]:
    """Read `allow 0 22 * * 1-5 for 4h in Asia/Tokyo`; UTC where no zone is named."""
    windows: list[Window] = []
    for line in lines:
        found = re.fullmatch(r"(allow|deny) (.+) for (\w+)(?: in (\S+))?", line)
        assert found is not None, line
        cron = parse_cron(found[2])
        assert isinstance(cron, Cron), cron
        kind, zone = WindowKind(found[1]), found[4] or "UTC"
        windows.append(Window(kind=kind, cron=cron, duration=span(found[3]), zone=zone))
    return tuple(windows)
