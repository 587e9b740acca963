"""The turn of what is deleted: last of all, or first where a full store has no room otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.model.action import (
    ActionKey,
    Delete,
    DeleteJob,
    DeletePackage,
    DeleteScript,
    PublishPackage,
    PublishScript,
)
from reconciler.model.observed import Observed
from reconciler.model.plan import Step

_UNKNOWN_GROWS = 1.1
"""How much larger than the versions before it a package may be whose size is not known."""

_MAKES_ROOM_FOR = {DeletePackage: PublishPackage, DeleteScript: PublishScript}


def lacking(planned: Iterable[Step], observed: Observed) -> frozenset[type[Delete]]:
    """Return which deletions would make room that something planned does not find."""
    packages = scripts = 0
    for step in planned:
        match step.action:
            case PublishPackage() as action:
                packages += action.artifact.size_bytes or _guess(action, observed)
            case PublishScript() as action:
                scripts += len(action.script.template)
            case _:
                pass
    room = observed.room
    short: set[type[Delete]] = set()
    if room.packages is not None and packages > room.packages:
        short.add(DeletePackage)
    if room.scripts is not None and scripts > room.scripts:
        short.add(DeleteScript)
    return frozenset(short)


def in_turn(
    planned: Sequence[Step],
    deletes: Iterable[Delete],
    forgotten: Sequence[Step],
    observed: Observed,
) -> tuple[Step, ...]:
    """Return all steps in order; what is deleted waits for everything that was *planned*.

    Records are *forgotten* before what they name is deleted: there is none without its objects.
    """
    short = lacking(planned, observed)
    first: list[Step] = []
    later: list[Step] = []
    dropped = tuple(step.action.key for step in forgotten)
    done = (*dropped, *(step.action.key for step in planned))
    for action in deletes:
        if type(action) in short:
            first.append(_step(action, dropped))
            continue
        jobs = [step.action.key for step in later if isinstance(step.action, DeleteJob)]
        later.append(_step(action, (*done, *jobs)))
    return (*forgotten, *first, *(_waits(step, first) for step in planned), *later)


def _waits(step: Step, first: Sequence[Step]) -> Step:
    """Let a publication wait for what makes room for it."""
    makers = tuple(
        item.action.key
        for item in first
        if isinstance(step.action, _MAKES_ROOM_FOR.get(type(item.action), ()))
    )
    return replace(step, after=(*step.after, *makers)) if makers else step


def _guess(action: PublishPackage, observed: Observed) -> int:
    sizes = [
        item.size_bytes for ref, item in observed.packages.items() if ref.name == action.ref.name
    ]
    return int(max(sizes, default=0) * _UNKNOWN_GROWS)


def _step(action: Delete, after: tuple[ActionKey, ...]) -> Step:
    message = "it is not in the repository any more"
    if not isinstance(action, DeleteJob):
        message = "newer ones are kept, and nothing and nobody names this one"
        if not action.sequence:
            message = "somebody has deleted it already: it is struck out"
    return Step(action=action, release=None, reason="NotNeeded", message=message, after=after)
