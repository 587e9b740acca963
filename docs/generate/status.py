"""Conditions, reasons, host states and events."""

from docs.generate.markdown import code, table
from docs.generate.reasons import EVENTS, HOSTS, RELEASES, STEPS
from reconciler.model.condition import ConditionType
from reconciler.model.plan import State

_CONDITIONS = {
    ConditionType.READY: "every host is proved to run what is in force",
    ConditionType.RECONCILING: "something is on its way, or waits for its time",
    ConditionType.STALLED: "it will not go on by itself: a person is needed",
    ConditionType.HEALTHY: "the services say that they are well",
    ConditionType.APPROVED: "whoever must agree has agreed to this very fingerprint",
    ConditionType.SUSPENDED: "a person, or the repository, wants it to stand still",
    ConditionType.DRIFT_DETECTED: "a host was right and is not any more",
    ConditionType.SOURCE_READY: "git was read, and what it says has no fault (of the controller)",
    ConditionType.KANADE_READY: "kanade answers (of the controller)",
    ConditionType.PRUNED: "what nobody needs is gone (of the controller)",
}
_STATES = {
    State.UNKNOWN: "nothing is known of it: it is looked at, never restarted",
    State.PENDING: "it needs something, and its turn has not come",
    State.DISPATCHED: "a command is on its way",
    State.RUNNING: "its agent has begun the command",
    State.VERIFYING: "the command says that it went well; the proof has yet to come",
    State.CONVERGED: "it is proved to run what is in force",
    State.FAILED: "it ended badly; `reconciler why HOST` tells how",
    State.TIMED_OUT: "it did not end in time, and what it runs has been looked at",
    State.OFFLINE: "its agent is not there",
}


_PAGE = """\
# Status

What `reconciler get`, `/api/v1` and the web page tell. A failed host's reason is the class of its
failure: [failures.md](failures.md).

## Conditions

As in Kubernetes: `True`, `False` or `Unknown`, with a reason, a message and since when.

{conditions}
## Reasons of a release

{releases}
## States of a host

{states}
## Reasons of a host

{hosts}
## Reasons of a step

Why `plan` wants to do something, beside the above.

{steps}
## Events

One for each transition, once: `reconciler events`, the stream `RECONCILER_EVENTS`, notifications.
A condition that changes is told under its reason; beside those there are:

{events}"""


def status() -> str:
    """Return the page."""
    return _PAGE.format(
        conditions=table(
            ("condition", "true when"), [(code(kind), _CONDITIONS[kind]) for kind in ConditionType]
        ),
        states=table(
            ("state", "what it means"), [(code(state), _STATES[state]) for state in State]
        ),
        releases=_table("reason", RELEASES),
        hosts=_table("reason", HOSTS),
        steps=_table("reason", STEPS),
        events=_table("event", EVENTS),
    )


def _table(head: str, words: dict[str, str]) -> str:
    rows = [(code(word), meaning) for word, meaning in sorted(words.items())]
    return table((head, "what it means"), rows)
