"""What settings must not say together."""

from collections.abc import Iterator

from reconciler.cli.settings_types import Mode, Settings
from reconciler.desired.loopback import only_reachable_from_here
from reconciler.desired.node import Node, place
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import Fault
from reconciler.model.desired import SecretRef


def broken_rules(settings: Settings, root: Node) -> Iterator[Fault]:
    """Yield what is wrong between values that are right by themselves."""
    yield from _undeclared_secrets(settings, root)
    yield from _nats_login(settings, root)
    if settings.controller.mode is Mode.BACKEND and settings.backend is None:
        message = "mode backend needs backend.url"
        yield Fault(place(root, ("controller", "mode")), message)
    serve = settings.serve
    if serve is not None and serve.token is None and not only_reachable_from_here(serve.host):
        message = f"{printable(serve.host)} can be reached from other machines: a non-loopback"
        yield Fault(place(root, ("serve", "listen")), f"{message} listen needs serve.token")


def _undeclared_secrets(settings: Settings, root: Node) -> Iterator[Fault]:
    references: dict[tuple[str, str], SecretRef | None] = {
        ("nats", "token"): settings.nats.token,
        ("nats", "password"): settings.nats.password,
        ("backend", "token"): settings.backend.token if settings.backend else None,
        ("serve", "token"): settings.serve.token if settings.serve else None,
        ("serve", "webhook_secret"): settings.serve.webhook_secret if settings.serve else None,
    }
    for way, reference in references.items():
        if reference is not None and reference.name not in settings.secrets:
            hint = did_you_mean(reference.name, settings.secrets)
            hint = hint or f'; write [secrets.{reference.name}] with env = "NAME"'
            message = f"secret {reference.name} is not in [secrets]{hint}"
            yield Fault(place(root, (*way, "secret")), message)


def _nats_login(settings: Settings, root: Node) -> Iterator[Fault]:
    nats = settings.nats
    ways = {"token": nats.token, "user": nats.user, "creds": nats.creds}
    used = [name for name, value in ways.items() if value is not None]
    if len(used) > 1:
        message = f"nats.{' and nats.'.join(used)}: one way to log in is enough"
        yield Fault(place(root, ("nats", used[1])), message)
    for one, other in (("user", "password"), ("password", "user")):
        if getattr(nats, one) is not None and getattr(nats, other) is None:
            yield Fault(place(root, ("nats", one)), f"nats.{one} needs nats.{other}")
