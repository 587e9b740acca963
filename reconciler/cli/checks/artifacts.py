"""Artifacts: whether they are to be had, and whether hosts get them before their job is killed."""

import os
from typing import assert_never

from reconciler.cli.checks.survey import NotReady, Survey
from reconciler.cli.links import downloader_of, open_connection
from reconciler.desired.durations import spell_duration
from reconciler.desired.rules_artifacts import short_timeout
from reconciler.errors import ReconcilerError
from reconciler.jetstream import api
from reconciler.jetstream.object_info import decode_info, metadata_subject, stream_of
from reconciler.kanade.names import APP_PACKAGES
from reconciler.model.desired import (
    BlobArtifact,
    BuildArtifact,
    FileArtifact,
    PublishedArtifact,
    Release,
    UrlArtifact,
)
from reconciler.source.contained import opened_below


async def artifacts(survey: Survey) -> str:
    """Ask how large each release's artifact is, without fetching it; what is wrong, all at once."""
    releases = survey.desired.releases if survey.desired is not None else ()
    said: list[str] = []
    wrong: list[str] = []
    for release in releases:
        try:
            said.append(f"{release.name}: {_told(release, await _size(release, survey))}")
        except ReconcilerError as error:
            wrong.append(f"{release.name}: {error}")
    if wrong:
        raise NotReady("\n".join(wrong))
    return "\n".join(said) or "there is no release"


async def stored_bytes(release: Release, survey: Survey) -> int | None:
    """Return how many bytes of the release's package kanade has; `None` where it has none."""
    name = f"{release.package}/{release.version}"
    async with open_connection(survey.settings) as connection:
        subject = metadata_subject(APP_PACKAGES, name)
        message = await api.last_message(connection, stream_of(APP_PACKAGES), subject)
    try:
        info = decode_info(message.data) if message is not None else None
    except ValueError:
        return None
    return info.size if info is not None and info.deleted is not True else None


async def _size(release: Release, survey: Survey) -> int | None:
    """Return how many bytes a host has to fetch; `None` where nobody knows yet.

    Raises:
        ArtifactRefused: it is not published, and not to be had either.
        ArtifactUnavailable: its server does not answer.
    """
    stored = await stored_bytes(release, survey)
    if stored is not None:
        return stored
    match release.artifact.origin:
        case FileArtifact(path=path):
            roots = survey.settings.controller.artifact_roots
            with opened_below(path, roots, f"artifact file {path}") as descriptor:
                return os.fstat(descriptor).st_size
        case UrlArtifact(url=url):
            return await downloader_of(survey.settings).size(url)
        case BlobArtifact() | BuildArtifact() | PublishedArtifact():
            return release.artifact.size_bytes
        case unknown:
            assert_never(unknown)


def _told(release: Release, size_bytes: int | None) -> str:
    if size_bytes is None:
        return "how large it is is not known yet"
    short = short_timeout(size_bytes, release.job.timeout, f"{release.package} {release.version}")
    if short is not None:
        return f"{short}; raise it in {release.job.path}"
    return f"{size_bytes:,} bytes within {spell_duration(release.job.timeout)}: also by a slow link"
