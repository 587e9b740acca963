"""Releases in the order in which they depend on each other."""

from graphlib import CycleError, TopologicalSorter

from reconciler.model.desired import Release
from reconciler.model.identity import ReleaseName


def in_order(releases: tuple[Release, ...]) -> tuple[Release, ...]:
    """Return *releases*, each after all that it depends on; otherwise by name.

    A cycle is a fault of the desired state and is refused there; see `find_cycle`.
    """
    by_name = {release.name: release for release in releases}
    sorter: TopologicalSorter[ReleaseName] = TopologicalSorter()
    for name in sorted(by_name):
        sorter.add(name, *sorted(by_name[name].depends_on & by_name.keys()))
    return tuple(by_name[name] for name in sorter.static_order())


def find_cycle(depends_on: dict[ReleaseName, frozenset[ReleaseName]]) -> tuple[ReleaseName, ...]:
    """Return the names of one cycle, the first repeated at the end; empty when there is none."""
    sorter: TopologicalSorter[ReleaseName] = TopologicalSorter(depends_on)
    try:
        sorter.prepare()
    except CycleError as error:
        names: list[ReleaseName] = error.args[1]
        return tuple(names)
    return ()
