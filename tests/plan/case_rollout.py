"""The part of a plan case that is about pace: waves, limits, soak, and what is lost on the way.

```yaml
waves:
  - {name: canary, count: 1}           # or: percent, hosts, labels, groups
  - {percent: 50, offline: skip}       # or: wait, {skip: 2}, {skip: 10%}
max_failures: 1                        # or: 10%
```
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from reconciler.model.desired import OnFailure, Rollout, Wave
from reconciler.model.identity import GroupName, HostName
from reconciler.model.policy import Offline, OfflineRule
from tests.plan.case_time import span


class WaveCase(TypedDict, total=False):
    name: str
    count: int
    percent: int
    hosts: list[str]
    labels: dict[str, str]
    groups: list[str]
    offline: str | dict[str, int | str]


class RolloutCase(TypedDict, total=False):
    max_failures: int | str
    soak: str
    progress_deadline: str
    waves: list[WaveCase]
    on_failure: str
    rollback_max_in_flight: int


def rollout_of(built: Rollout, item: RolloutCase) -> Rollout:
    """Return *built* with everything that *item* says."""
    limit = item.get("progress_deadline")
    failures, failures_percent = _limits(item.get("max_failures", 0))
    return replace(
        built,
        waves=tuple(_wave(wave) for wave in item.get("waves") or [WaveCase(percent=100)]),
        max_failures=failures or 0,
        max_failures_percent=failures_percent,
        soak=span(item.get("soak", "0s")),
        progress_deadline=span(limit) if limit is not None else None,
        on_failure=OnFailure(item.get("on_failure", "hold")),
        rollback_max_in_flight=item.get("rollback_max_in_flight"),
    )


def _wave(item: WaveCase) -> Wave:
    unknown = set(item) - set(WaveCase.__annotations__)
    assert not unknown, f"a wave has no {sorted(unknown)}"
    rule = item.get("offline")
    return Wave(
        name=item.get("name", "wave"),
        count=item.get("count"),
        percent=item.get("percent"),
        hosts=frozenset(map(HostName, item.get("hosts", []))),
        labels=item.get("labels", {}),
        groups=frozenset(map(GroupName, item.get("groups", []))),
        offline=_offline(rule) if rule is not None else None,
    )


def _offline(rule: str | Mapping[str, int | str]) -> Offline:
    if isinstance(rule, str):
        return Offline(rule=OfflineRule(rule))
    hosts, percent = _limits(rule["skip"])
    return Offline(rule=OfflineRule.SKIP, max_hosts=hosts, max_percent=percent)


def _limits(said: int | str) -> tuple[int | None, int | None]:
    """Return *said* as a number of hosts, or as percent: one of the two."""
    return (None, int(said.removesuffix("%"))) if isinstance(said, str) else (said, None)
