"""Waves as a picture: a square a host, by its state, filled once it runs what is wanted; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.plan import State
from reconciler.model.status import HostStatus

COLUMNS = 10
PITCH = 18
"""From one square to the next, in CSS pixels."""
_MOST = 120
_ORDER = (
    *(State.CONVERGED, State.VERIFYING, State.RUNNING, State.DISPATCHED, State.FAILED),
    *(State.TIMED_OUT, State.OFFLINE, State.PENDING, State.UNKNOWN),
)
_RANK: Mapping[str, int] = {state: rank for rank, state in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """One host, or the share of a large wave that is alike."""

    x: int
    y: int
    state: str
    is_new: bool
    """It runs the wanted version."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The squares of a wave, and how many hosts each stands for."""

    squares: Sequence[Square]
    width: int
    height: int
    each: int


def picture(hosts: Sequence[HostStatus]) -> Picture:
    """Return a square for each of *hosts*, or a hundred for them all where they are too many."""
    if len(hosts) <= _MOST:
        shown = sorted(hosts, key=lambda host: (_rank(host.state), host.host))
        return _placed([(host.state, _is_new(host), _title(host)) for host in shown], each=1)
    kinds = Counter((host.state, _is_new(host)) for host in hosts)
    each = -(-len(hosts) // 100)
    alike: list[tuple[str, bool, str]] = []
    for (state, is_new), count in sorted(kinds.items(), key=lambda item: _rank(item[0][0])):
        runs = "the wanted version" if is_new else "another version"
        title = f"{count} host{'' if count == 1 else 's'}: {state}, {runs}"
        alike += [(state, is_new, title)] * -(-count // each)  # so that a single one is seen, too
    return _placed(alike, each=each)


def _placed(kinds: Iterable[tuple[str, bool, str]], *, each: int) -> Picture:
    squares = [
        Square(
            x=index % COLUMNS * PITCH,
            y=index // COLUMNS * PITCH,
            state=state,
            is_new=is_new,
            title=title,
        )
        for index, (state, is_new, title) in enumerate(kinds)
    ]
    rows = -(-len(squares) // COLUMNS)
    return Picture(squares=squares, width=COLUMNS * PITCH, height=max(1, rows) * PITCH, each=each)


def _rank(state: str) -> int:
    return _RANK.get(state, len(_RANK))


def _is_new(host: HostStatus) -> bool:
    return host.running == host.wanted


def _title(host: HostStatus) -> str:
    return f"{host.host}: {host.state}, runs {host.running or 'nobody knows what'}"
