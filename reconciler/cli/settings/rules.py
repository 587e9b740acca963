"""What settings must not say together."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from reconciler.cli.settings.decode_notify import notify_faults
from reconciler.cli.settings.values import (
    Mode,
    OfferRevert,
    ServeSettings,
    Settings,
    SourceSettings,
)
from reconciler.desired.durations import spell_duration
from reconciler.desired.loopback import only_reachable_from_here
from reconciler.desired.node import Node, find, place
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import Fault
from reconciler.model.desired import SecretRef
from reconciler.model.download_token import MARGIN


def broken_rules(settings: Settings, root: Node) -> Iterator[Fault]:
    """Yield what is wrong between values that are right by themselves."""
    yield from _undeclared_secrets(settings, root)
    yield from _nats_login(settings, root)
    if settings.controller.mode is Mode.BACKEND and settings.backend is None:
        message = "mode backend needs backend.url"
        yield Fault(place(root, ("controller", "mode")), message)
    yield from _pushing(settings.source, root)
    yield from _listening(settings.serve, root)
    yield from _gateway(settings, root)
    local = settings.controller.allow_http_loopback
    yield from notify_faults(settings.notify, root, allow_loopback=local)


def _pushing(source: SourceSettings, root: Node) -> Iterator[Fault]:
    """Nobody may push over https without a credential."""
    parts = urlsplit(source.url or "")
    anonymous = parts.scheme == "https" and "@" not in parts.netloc and source.token is None
    if source.offer_revert is OfferRevert.BRANCH and anonymous:
        message = "source.offer_revert over https needs source.token, one that may push branches"
        yield Fault(place(root, ("source", "offer_revert")), message)


def _listening(serve: ServeSettings | None, root: Node) -> Iterator[Fault]:
    if serve is None:
        if find(root, ("serve", "gateway")) is not None:
            yield Fault(place(root, ("serve", "gateway")), "serve.gateway needs serve.listen")
        return
    if only_reachable_from_here(serve.host):
        return
    listen = place(root, ("serve", "listen"))
    message = f"{printable(serve.host)} can be reached from other machines: a non-loopback"
    if serve.token is None:
        yield Fault(listen, f"{message} listen needs serve.token")
    if serve.gateway is not None and serve.tls is None and not serve.behind_proxy:
        message += " gateway needs serve.tls, or serve.behind_proxy = true where TLS ends before us"
        yield Fault(listen, message)
    if serve.people and serve.tls is None and not serve.behind_proxy:
        where = place(root, ("serve", "people"))
        yield Fault(
            where,
            "beyond loopback, people sign in over TLS only: set serve.tls, or "
            "serve.behind_proxy = true where TLS ends before us",
        )


def _gateway(settings: Settings, root: Node) -> Iterator[Fault]:
    gateway = settings.serve.gateway if settings.serve else None
    deadline = settings.controller.dispatch_deadline
    if gateway is not None and gateway.epoch < deadline + MARGIN:
        message = "serve.gateway.epoch: a token must outlast its command: at least a day more than"
        message += f" controller.dispatch_deadline, which is {spell_duration(deadline)}"
        yield Fault(place(root, ("serve", "gateway", "epoch")), message)


def _undeclared_secrets(settings: Settings, root: Node) -> Iterator[Fault]:
    serve = settings.serve
    references: dict[tuple[str | int, ...], SecretRef | None] = {
        ("source", "token"): settings.source.token,
        ("nats", "token"): settings.nats.token,
        ("nats", "password"): settings.nats.password,
        ("backend", "token"): settings.backend.token if settings.backend else None,
        ("serve", "token"): serve.token if serve else None,
        ("serve", "webhook_secret"): serve.webhook_secret if serve else None,
        ("serve", "gateway", "key"): serve.gateway.key if serve and serve.gateway else None,
    }
    for name, own in (serve.people if serve else {}).items():
        references["serve", "people", name] = own
    for index, target in enumerate(settings.notify):
        references["notify", index, "address"] = target.address
        references["notify", index, "secret"] = target.secret
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
