"""Who connects to NATS, and what each of them needs there: the one place that says so."""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

from reconciler.cli.settings import Settings
from reconciler.cli.settings.values import Mode
from reconciler.jetstream.grants import Grants, connected, sending
from reconciler.kanade import grants as of_kanade
from reconciler.state import grants as of_state


class Role(StrEnum):
    """A user of NATS."""

    CONTROLLER = "controller"
    BACKEND_CONTROLLER = "controller-backend"
    OBSERVER = "observer"
    OPERATOR = "operator"
    RESPONDER = "responder"
    VIEWER = "viewer"

    @property
    def purpose(self) -> str:
        """What it is for, in a line."""
        return _PURPOSES[self]

    @property
    def controls(self) -> bool:
        """True for who runs the controller."""
        return self in (Role.CONTROLLER, Role.BACKEND_CONTROLLER, Role.OBSERVER)

    @property
    def inbox_prefix(self) -> str:
        """Where its answers come, so that no other role hears them."""
        return f"_INBOX_{self}"


_PURPOSES = {
    Role.CONTROLLER: "run and apply, with controller.mode nats or auto",
    Role.BACKEND_CONTROLLER: (
        "the same with mode backend: it writes nothing of kanade's, and sends no command"
    ),
    Role.OBSERVER: (
        "adopt and run --observe-only: it writes nothing of kanade's, and its probes are commands"
    ),
    Role.OPERATOR: (
        "what viewer may; plan, diff, export, reconcile, approve, suspend, resume, retry, "
        "rollback, logs"
    ),
    Role.RESPONDER: "what operator may; stop",
    Role.VIEWER: "get, why, tree, events, history: it reads nothing of kanade's",
}


def grants_of(role: Role, settings: Settings, inbox_prefix: str) -> Grants:
    """Return all that *role* needs where these are the controller's settings, and nothing else."""
    subjects = (target.subject for target in settings.notify if role.controls)
    return connected(inbox_prefix) | _grants(role) | sending(*filter(None, subjects))


def controller_of(settings: Settings) -> Role:
    """Return the role of a controller with *settings*."""
    alone = settings.controller.mode is Mode.BACKEND
    return Role.BACKEND_CONTROLLER if alone else Role.CONTROLLER


def permissions_text(settings: Settings, role: Role) -> str:
    """Return what nats-server includes into the permissions of a user in that *role*."""
    grants = grants_of(role, settings, role.inbox_prefix)
    head = (
        f"# What a NATS user needs for this, and nothing else: {role.purpose}.\n"
        f"# Its settings say: nats.inbox_prefix = {role.inbox_prefix}\n"
        f"# Made by: reconciler permissions {role}\n"
    )
    return head + _list("publish", grants.publish) + _list("subscribe", grants.subscribe)


def _list(verb: str, subjects: Iterable[str]) -> str:
    lines = "".join(f'  "{subject}"\n' for subject in sorted(subjects))
    return f"{verb}: [\n{lines}]\n"


def _grants(role: Role) -> Grants:
    match role:
        case Role.VIEWER:
            return of_state.reading()
        case Role.OPERATOR:
            return (
                of_state.asking()
                | of_kanade.reading()
                | of_kanade.comparing_scripts()
                | of_kanade.exporting()
                | of_kanade.fetching_logs()
            )
        case Role.RESPONDER:
            stopping = of_kanade.stopping() | of_state.publishing("Stopped")
            return _grants(Role.OPERATOR) | stopping
        case Role.BACKEND_CONTROLLER:
            return (
                of_state.leading()
                | of_kanade.reading()
                | of_kanade.taking_reports()
                | of_kanade.checking_content()
                | of_kanade.fetching_logs()
            )
        case Role.OBSERVER:
            return _grants(Role.BACKEND_CONTROLLER) | of_kanade.commanding()
        case Role.CONTROLLER:
            return _grants(Role.BACKEND_CONTROLLER) | of_kanade.changing()
        case unknown:
            assert_never(unknown)
