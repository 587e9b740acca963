"""The settings' notification targets, each with its way there."""

from collections.abc import Callable
from dataclasses import dataclass

import yarl

from reconciler.cli.links import secrets_of
from reconciler.cli.secrets import ConfiguredSecrets
from reconciler.cli.settings import Settings
from reconciler.cli.settings.values import NotifySettings
from reconciler.cli.settings.values import Provider as Kind
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.queue import Queue
from reconciler.model.desired import SecretRef
from reconciler.notify.courier import Courier, Tally
from reconciler.notify.forge import CommentOnRequest, Forge, StatusOnCommit
from reconciler.notify.github import GitHub
from reconciler.notify.gitlab import GitLab
from reconciler.notify.mail import Mail, Server
from reconciler.notify.page import Page
from reconciler.notify.post import Poster
from reconciler.notify.slack import slack_message
from reconciler.notify.subject import Subject
from reconciler.notify.target import Provider, Target
from reconciler.notify.teams import teams_card
from reconciler.notify.webhook import Chat, Webhook
from reconciler.ports import Clock
from reconciler.state.names import ALL_EVENTS, EVENTS_OF_RELEASES, EVENTS_STREAM


def _comments(forge: Forge, _page: Page) -> Provider:
    return CommentOnRequest(forge)


_CHATS = {Kind.SLACK: slack_message, Kind.TEAMS: teams_card}
_FORGES: dict[
    Kind,
    tuple[Callable[[str, Callable[[], str], Poster], Forge], Callable[[Forge, Page], Provider]],
] = {
    Kind.GITHUB_STATUS: (GitHub.of, StatusOnCommit),
    Kind.GITHUB_COMMENT: (GitHub.of, _comments),
    Kind.GITLAB_STATUS: (GitLab.of, StatusOnCommit),
    Kind.GITLAB_COMMENT: (GitLab.of, _comments),
}
_PORTS = {"smtp": 587, "smtps": 465}


def couriers_of(
    settings: Settings,
    connection: Connection,
    leads: Callable[[], bool],
    clock: Clock,
    tally: Tally,
) -> tuple[Courier, ...]:
    """Return a courier for every target; secrets are read whenever something is sent."""
    local = settings.controller.allow_http_loopback
    workplace = _Workplace(
        connection=connection,
        secrets=secrets_of(settings),
        poster=Poster(clock=clock, allow_loopback=local),
        instance=settings.controller.instance,
        page=Page(settings.serve.public_url if settings.serve is not None else None),
    )
    return tuple(
        Courier(
            target=Target(
                name=item.name,
                provider=_provider(item, workplace),
                releases=item.releases,
                errors_only=item.errors_only,
                every_condition=item.provider in _FORGES,
                hosts=item.hosts,
                attempts=item.attempts,
            ),
            queue=Queue(
                connection,
                EVENTS_STREAM,
                ALL_EVENTS if item.hosts else EVENTS_OF_RELEASES,
                f"reconciler-notify-{item.name}",
            ),
            leads=leads,
            clock=clock,
            tally=tally,
        )
        for item in settings.notify
    )


@dataclass(frozen=True, kw_only=True)
class _Workplace:
    """What the targets share."""

    connection: Connection
    secrets: ConfiguredSecrets
    poster: Poster
    instance: str
    page: Page


def _provider(item: NotifySettings, workplace: _Workplace) -> Provider:
    poster, instance, page = workplace.poster, workplace.instance, workplace.page
    url = item.url or ""

    def reveal(reference: SecretRef | None) -> Callable[[], str]:
        if reference is None:
            return lambda: url
        return lambda: workplace.secrets.resolve(reference.name)

    address, secret = reveal(item.address), reveal(item.secret)
    if item.provider in _CHATS:
        return Chat(poster=poster, address=address, message=_CHATS[item.provider], page=page)
    if item.provider in _FORGES:
        forge, target = _FORGES[item.provider]
        return target(forge(url, secret, poster), page)
    if item.provider is Kind.EMAIL:
        return _mail(item, secret, page, allow_loopback=poster.allow_loopback)
    if item.provider is Kind.NATS:
        subject = item.subject or ""
        return Subject(
            connection=workplace.connection, subject=subject, instance=instance, page=page
        )
    key = secret if item.secret is not None else None
    return Webhook(poster=poster, address=address, instance=instance, key=key, page=page)


def _mail(
    item: NotifySettings, password: Callable[[], str], page: Page, *, allow_loopback: bool
) -> Mail:
    url = yarl.URL(item.url or "")
    return Mail(
        server=Server(
            host=url.host or "",
            port=url.explicit_port or _PORTS[url.scheme],
            tls=url.scheme == "smtps",
            user=item.user,
            password=password if item.user is not None else None,
            allow_loopback=allow_loopback,
        ),
        sender=item.sender or "",
        recipients=item.recipients,
        page=page,
    )
