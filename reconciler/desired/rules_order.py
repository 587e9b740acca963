"""Rules between releases: names, dependencies, versions whose bytes must be the same."""

from collections.abc import Iterator

from reconciler.desired.draft import Drafts, ReleaseDraft
from reconciler.desired.schemas import Kind
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import Fault
from reconciler.model.identity import ReleaseName
from reconciler.model.version import is_older


def check_dependencies(drafts: Drafts) -> Iterator[Fault]:
    """Yield dependencies that do not exist, and every circle once."""
    by_name = {release.name: release for release in drafts.knowing("name")}
    for release in drafts.knowing("depends_on"):
        for name in sorted(release.depends_on):
            if name not in by_name and Kind.RELEASE not in drafts.unread:
                hint = did_you_mean(name, by_name)
                message = f"release {printable(name)} does not exist{hint}"
                yield release.item_fault(message, name, "depends_on")
    for circle in _circles(by_name):
        names = " -> ".join([*circle, circle[0]])
        message = f"depends_on goes in a circle: {names}"
        yield by_name[circle[0]].fault(message, "depends_on")


def _circles(by_name: dict[ReleaseName, ReleaseDraft]) -> list[list[ReleaseName]]:
    """Return one circle for each group of releases that wait for each other, smallest first."""
    found: dict[ReleaseName, list[ReleaseName]] = {}
    done: set[ReleaseName] = set()
    for start in sorted(by_name):
        trail: list[ReleaseName] = []
        branches = [iter([start])]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if trail:
                    done.add(trail.pop())
            elif name in trail:
                circle = trail[trail.index(name) :]
                least = circle.index(min(circle))
                found.setdefault(min(circle), circle[least:] + circle[:least])
            elif name in by_name and name not in done:
                trail.append(name)
                branches.append(iter(sorted(by_name[name].depends_on)))
    return list(found.values())


def check_versions(drafts: Drafts) -> Iterator[Fault]:
    """Yield versions that are taken back, or that would have two different sha256."""
    for release in drafts.releases:
        if release.version in release.yanked and release.knows("version"):
            message = f"version {release.version} is yanked; go to another version"
            yield release.fault(message, "version")
        yield from _check_agent(release)
    yield from _check_bytes(drafts.knowing("name", "package", "version", "artifact"))


def _check_bytes(releases: tuple[ReleaseDraft, ...]) -> Iterator[Fault]:
    for index, release in enumerate(releases):
        for other in releases[:index]:
            same = (other.package, other.version) == (release.package, release.version)
            if same and other.artifact.digest != release.artifact.digest:
                message = (
                    f"version {release.version} of {release.package!r} has sha256 "
                    f"{other.artifact.digest.short}… in {other.position.file}; "
                    "a version's bytes never change"
                )
                yield release.fault(message, "artifact", "sha256")


def _check_agent(release: ReleaseDraft) -> Iterator[Fault]:
    wanted, least = release.upgrade_agent, release.requires_agent
    if wanted is None or not release.knows("requires"):
        return
    if least is None:
        message = 'upgrade_agent needs a lower bound; write requires: {agent: ">=0.42.2"}'
        yield release.fault(message, "upgrade_agent")
    elif is_older(wanted, least):
        message = f"upgrade_agent {wanted} is older than requires.agent asks for, {least}"
        yield release.fault(message, "upgrade_agent")
