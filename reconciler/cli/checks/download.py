"""Downloads: what a deploy script would ask for on a host, asked from here, with its own token."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.cli.checks.artifacts import stored_bytes
from reconciler.cli.checks.survey import NotReady, Survey
from reconciler.cli.clock import SystemClock
from reconciler.cli.links import script_secrets_of
from reconciler.desired.knobs import value_of
from reconciler.desired.loopback import split_url
from reconciler.errors import KanadeUnavailable, ReconcilerError
from reconciler.kanade.http import BackendClient, BackendOptions
from reconciler.kanade.http_objects import path_of
from reconciler.kanade.names import APP_PACKAGES
from reconciler.model.desired import Knob, PublishedArtifact, Release
from reconciler.model.download_token import DownloadGrant
from reconciler.model.identity import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a script downloads from, and by which knob's value."""

    release: Release
    url: str
    knob: str
    value: Knob
    is_stored: bool

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.release.package, self.release.version)

    @property
    def of_gateway(self) -> bool:
        return isinstance(self.value, DownloadGrant)


async def download(survey: Survey) -> str:
    """Try what each release's script would download; all that is wrong is reported at once."""
    releases = survey.desired.releases if survey.desired is not None else ()
    said: list[str] = []
    wrong: list[str] = []
    for release in releases:
        try:
            said.append(f"{release.name}: {await _try(release, survey)}")
        except ReconcilerError as error:
            wrong.append(f"{release.name}: {error}")
    if wrong:
        raise NotReady("\n".join(wrong))
    return "\n".join(said) or "there is no release"


async def _try(release: Release, survey: Survey) -> str:
    urls = list(_urls(release))
    tokens = [
        (knob, value) for knob, value in release.script.knobs.items() if not isinstance(value, str)
    ]
    if len(urls) != 1 or len(tokens) > 1:
        return "not tried: its script has not just one knob with a URL, and one with a token"
    knob, value = tokens[0] if tokens else ("", "")
    source = _Source(
        release=release,
        url=urls[0],
        knob=knob,
        value=value,
        is_stored=await stored_bytes(release, survey) is not None,
    )
    text = value_of(value, script_secrets_of(survey.settings))
    options = BackendOptions(url=source.url, token=lambda: text or None)
    async with BackendClient(options, SystemClock()) as client:
        try:
            status, kind = await client.head(path_of(APP_PACKAGES, source.ref))
        except KanadeUnavailable:
            if not source.of_gateway:
                raise
            return f"nobody answers at {source.url} yet: it is served by `reconciler run`"
        if kind == "text/html":
            raise NotReady(f"{source.url} serves web pages: let the knob name kanade's backend")
        found = _meaning(status, source)
        return found if source.of_gateway else found + await _role(client)


def _urls(release: Release) -> Iterator[str]:
    for value in release.script.knobs.values():
        parts = split_url(value) if isinstance(value, str) else None
        if parts is not None and parts.scheme in {"http", "https"}:
            yield str(value)


def _meaning(status: int, source: _Source) -> str:
    """Say what the answer means.

    Raises:
        NotReady: a host would not get its package.
    """
    match status:
        case 200 | 206:
            return f"{source.url} gives {source.ref} for this token"
        case 401:
            raise NotReady(f"{source.url} refuses the token (401): {_other_token(source)}")
        case 403:
            raise NotReady(
                f"{source.url} knows the token of knob {source.knob} and gives nothing for it "
                "(403): let its account use the page Apps"
            )
        case 404 if source.is_stored:
            raise NotReady(
                f"{source.url} has no {source.ref} (404), and kanade's store has: "
                "is that this fleet's backend?"
            )
        case 404 if isinstance(source.release.artifact.origin, PublishedArtifact):
            raise NotReady(
                f"nobody has published {source.ref} (404): kanade app publish "
                f"{source.release.package} FILE --version {source.release.version}"
            )
        case 404:
            return f"{source.url} takes the token; {source.ref} is published by the next pass"
        case other:
            raise NotReady(f"{source.url} answers {other}: see its log")


def _other_token(source: _Source) -> str:
    match source.value:
        case DownloadGrant():
            return "the gateway there has another serve.gateway.key than these settings"
        case str():
            return "give the script a knob with {secret: NAME}, a viewer's token of that backend"
        case found:
            return f"let the secret {found.name} be a viewer's token of that backend"


async def _role(client: BackendClient) -> str:
    """Warn when a host is given more than it needs; empty for a server that does not show it."""
    try:
        account = await client.account()
    except ReconcilerError:
        return ""
    if account is None or account.role == "viewer":
        return ""
    return f", which is that of {account.username}, {account.role} there: a viewer's would do"
