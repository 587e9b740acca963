"""A forecast as sentences for people."""

from collections.abc import Iterator
from datetime import timedelta

from reconciler.plan.forecast import Forecast


def spell(found: Forecast) -> Iterator[str]:
    """Yield *found* as sentences for people."""
    for held in found.held_by:
        yield f"first: {held}"
    for stage in found.stages:
        hosts = "1 host" if stage.hosts == 1 else f"{stage.hosts} hosts"
        away = f" ({stage.offline} away)" if stage.offline else ""
        takes = f", about {_short(stage.lasts)}" if stage.lasts is not None else ""
        soaks = f", then {_short(stage.soaks)} of soak" if stage.soaks else ""
        yield f"{_when(stage.begins)}: {stage.wave}, {hosts}{away}{takes}{soaks}"
    if found.ends is not None:
        runs = "the last install" if found.sample == 1 else f"the last {found.sample} installs"
        yield f"done in about {_short(found.ends)}, if they go as {runs} went"
    elif not found.sample:
        yield "how long it takes is not known: nothing has been installed yet"


def _when(begins: timedelta | None) -> str:
    if begins is None:
        return "after that"
    return f"in {_short(begins)}" if begins > timedelta(0) else "now"


def _short(span: timedelta) -> str:
    seconds = max(round(span.total_seconds()), 0)
    hours, minutes = divmod(seconds // 60, 60)
    if seconds < 60:
        return f"{seconds} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
