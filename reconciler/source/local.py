"""Revisions of a clone that somebody works in, read from its objects; nothing is fetched."""

import asyncio
import os
import subprocess
from contextlib import closing
from pathlib import Path

from reconciler.desired.wording import printable
from reconciler.errors import UsageError
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Snapshot
from reconciler.source.database import Database


class UnknownRevision(UsageError):
    """A clone has no revision of that name."""


async def read_revision(folder: Path, name: str) -> Snapshot:
    """Return what *folder* of a clone holds at the revision that *name* means there.

    Raises:
        UnknownRevision: the clone has none of that name.
        UsageError: git is not there, or *folder* is in no clone.
        SourceRefused: the revision has no such folder, or its objects are not all here.
        InvalidDesiredState: it holds what no desired state may hold.
    """
    return await asyncio.to_thread(_read, folder, name)


async def where_they_part(folder: Path, base: str, head: str) -> Revision:
    """Return the newest revision that both histories have: what *head* began from.

    Raises:
        UsageError: as `read_revision`, or the two have none in common in this clone.
    """
    return await asyncio.to_thread(_where_they_part, folder, base, head)


def _read(folder: Path, name: str) -> Snapshot:
    common, prefix = _git(folder, "rev-parse", "--git-common-dir", "--show-prefix").split("\n")[:2]
    revision, below = _revision(folder, name), prefix.rstrip("/")
    database = Database((folder / common).resolve(), {})
    with closing(database):
        commit, files = asyncio.run(database.read(revision, below, {}))
    return Snapshot(commit=commit, origin="", folder=below, files=files)


def _where_they_part(folder: Path, base: str, head: str) -> Revision:
    ends = _revision(folder, base), _revision(folder, head)
    try:
        return Revision(_git(folder, "merge-base", *ends).strip())
    except UsageError as error:
        message = f"{folder}: {base} and {head} have no revision in common in this clone"
        hint = "a shallow one has only its tip: git fetch --unshallow; or compare them by --tips"
        raise UsageError(f"{message}; {hint}") from error


def _revision(folder: Path, name: str) -> Revision:
    """Return the commit that *name* means; it is never taken for an option."""
    named = f"{name}^{{commit}}"
    try:
        return Revision(_git(folder, "rev-parse", "--verify", "--end-of-options", named).strip())
    except UsageError as error:
        message = f"{folder}: no revision {printable(name)} in this clone"
        hint = "a shallow one has only its tip: git fetch --unshallow"
        raise UnknownRevision(f"{message}; {hint}") from error


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 (a list, and no shell)
            command, env=environment, capture_output=True, check=True, text=True
        )
    except FileNotFoundError as error:
        raise UsageError("git is not on PATH; install it") from error
    except subprocess.CalledProcessError as error:
        why = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"{folder}: {why}") from error
    return done.stdout
