"""The `[[notify]]` tables: to their type, and what must not be said together in one."""

from collections.abc import Iterator

from reconciler.cli.settings.values import NotifySettings, Provider
from reconciler.desired.fields import Fields
from reconciler.desired.loopback import loopback_host
from reconciler.desired.node import Node, find, key_place, place
from reconciler.desired.wording import listed
from reconciler.errors import Fault
from reconciler.model.desired import SecretRef
from reconciler.model.identity import ReleaseName, SecretName

_COMMON = frozenset({"name", "provider", "releases", "severity", "hosts", "attempts"})
_NEEDS: dict[Provider, tuple[str, ...]] = {
    Provider.WEBHOOK: ("url|address",),
    Provider.SLACK: ("url|address",),
    Provider.TEAMS: ("url|address",),
    Provider.GITHUB_STATUS: ("url", "secret"),
    Provider.GITHUB_COMMENT: ("url", "secret"),
    Provider.GITLAB_STATUS: ("url", "secret"),
    Provider.GITLAB_COMMENT: ("url", "secret"),
    Provider.EMAIL: ("url", "from", "to"),
    Provider.NATS: ("subject",),
}
_TAKES: dict[Provider, frozenset[str]] = {
    Provider.WEBHOOK: frozenset({"secret"}),
    Provider.EMAIL: frozenset({"user", "secret"}),
}
_KANADES_OWN = ("agents", "commands", "events", "heartbeat", "kill", "reconciler", "results")


def decode_notify(fields: Fields) -> NotifySettings:
    """Return one table as its type."""
    return NotifySettings(
        name=fields.text("name"),
        provider=Provider(fields.text("provider")),
        url=fields.optional_text("url"),
        address=_secret(fields, "address"),
        secret=_secret(fields, "secret"),
        subject=fields.optional_text("subject"),
        sender=fields.optional_text("from"),
        recipients=fields.texts("to"),
        user=fields.optional_text("user"),
        releases=frozenset(map(ReleaseName, fields.texts("releases"))),
        errors_only=fields.text("severity") == "error",
        hosts=fields.flag("hosts"),
        attempts=fields.integer("attempts"),
    )


def notify_faults(
    targets: tuple[NotifySettings, ...], root: Node, *, allow_loopback: bool
) -> Iterator[Fault]:
    """Yield what is wrong between values that are right by themselves."""
    seen: set[str] = set()
    for index, target in enumerate(targets):
        table = find(root, ("notify", index)) or root
        if target.name in seen:
            message = f"notify.name {target.name} is taken: where each stands is kept by its name"
            yield Fault(place(table, ("name",)), message)
        seen.add(target.name)
        yield from _missing_and_needless(target, table)
        yield from _address(target, table, allow_loopback=allow_loopback)


def _missing_and_needless(target: NotifySettings, table: Node) -> Iterator[Fault]:
    given = set(table.value) if isinstance(table.value, dict) else set()
    known = set(_COMMON | _TAKES.get(target.provider, frozenset()))
    for need in _NEEDS[target.provider]:
        choices = set(need.split("|"))
        known |= choices
        if len(given & choices) != 1:
            phrase = listed(sorted(choices)) if len(choices) == 1 else "exactly one of address, url"
            yield Fault(table.position, f"provider {target.provider} needs {phrase}")
    for name in sorted(given - known):
        message = f"{name} does not belong to provider {target.provider}"
        yield Fault(key_place(table, (name,)), message)
    if target.provider is Provider.EMAIL and (target.user is None) != (target.secret is None):
        yield Fault(table.position, "a login by e-mail needs user and secret, or neither")


def _address(target: NotifySettings, table: Node, *, allow_loopback: bool) -> Iterator[Fault]:
    if target.url is not None:
        scheme = target.url.partition("://")[0]
        expected = ("smtp", "smtps") if target.provider is Provider.EMAIL else ("https",)
        local = scheme == "http" and allow_loopback and loopback_host(target.url)
        if scheme not in expected and not (local and target.provider is not Provider.EMAIL):
            message = f"provider {target.provider} is reached by {' or '.join(expected)} only"
            yield Fault(place(table, ("url",)), f"{message}; found {scheme}://")
    if target.subject is not None and target.subject.partition(".")[0] in _KANADES_OWN:
        message = f"subjects of {target.subject.partition('.')[0]} are kanade's or our own"
        yield Fault(place(table, ("subject",)), f"{message}: choose another")


def _secret(fields: Fields, name: str) -> SecretRef | None:
    reference = fields.optional_inner(name)
    return SecretRef(SecretName(reference.text("secret"))) if reference is not None else None
