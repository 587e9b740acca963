"""git's messages, as errors of ours; git is run with `LC_ALL=C`, so that they are in English."""

import re
from datetime import timedelta

from reconciler.errors import ReconcilerError, SourceRefused, SourceUnavailable
from reconciler.source.command import GitFailed
from reconciler.source.location import Location, Transport

_BOILERPLATE = re.compile(
    r"fatal: Could not read from remote repository\.\s*|Please make sure you have the correct"
    r" access rights and the repository exists\.\s*|To add an exception for this directory.*"
    r"|error: unable to read askpass response from '/bin/false'\s*"
)
_CREDENTIALS = re.compile(
    r"could not read (?:Username|Password)|terminal prompts disabled|Authentication failed"
    r"|returned error: 40[13]|Permission denied \(|Access denied",
    re.IGNORECASE,
)

_Meaning = tuple[re.Pattern[str], type[SourceUnavailable | SourceRefused], str]

_MEANINGS: tuple[_Meaning, ...] = (
    (
        re.compile(r"No space left on device|Disk quota exceeded"),
        SourceUnavailable,
        "the disk of the clone is full: make room",
    ),
    (
        re.compile(r"signal 25\b|File too large|File size limit"),
        SourceRefused,
        "larger than the clone may become: raise max_file_bytes, or keep big files out of git",
    ),
    (
        re.compile(r"Could not resolve host|Name or service not known|in name resolution"),
        SourceUnavailable,
        "its host is not known: check the name, or the network",
    ),
    (
        re.compile(r"Operation too slow|Connection timed out|Timeout was reached"),
        SourceUnavailable,
        "too slow: it stopped answering",
    ),
    (
        re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION"),
        SourceRefused,
        "its ssh host key is not known, or has changed: add the right one to known_hosts",
    ),
    (
        re.compile(r"SSL|certificate|gnutls", re.IGNORECASE),
        SourceUnavailable,
        "no trusted TLS connection: check its certificate",
    ),
    (
        re.compile(r"dubious ownership|unsafe repository"),
        SourceRefused,
        "belongs to another user: run the controller as its owner, or reach it by ssh or https",
    ),
    (
        re.compile(r"returned error: 30\d|update url base from redirection"),
        SourceRefused,
        "redirects elsewhere, and a credential is not sent along: give the address it moved to",
    ),
    (
        re.compile(r"transport '[^']*' not allowed"),
        SourceRefused,
        "redirects to a protocol that is not allowed",
    ),
    (
        re.compile(r"fsck error|fsckObjects"),
        SourceRefused,
        "has an object that git's own checks refuse",
    ),
    (
        re.compile(
            r"returned error: (?:404|410)|repository .* not found|does not appear to be a git"
            r"|invalid gitfile format|not valid: is this a git repository",
            re.IGNORECASE,
        ),
        SourceRefused,
        "no repository there: check the address, and that its credential may see it",
    ),
    (
        re.compile(
            r"Connection refused|Failed to connect|Could not connect|Connection reset|Broken pipe"
            r"|No route to host|Network is unreachable|Empty reply|returned error: (?:429|5\d\d)"
            r"|early EOF|unexpected disconnect|hung up|RPC failed|Connection closed",
            re.IGNORECASE,
        ),
        SourceUnavailable,
        "down: it does not answer as it should",
    ),
)


def recognised(failure: GitFailed, location: Location) -> ReconcilerError | None:
    """Return what the repository's answer means; `None` when it may not be the repository's."""
    text = _BOILERPLATE.sub("", failure.message).strip()
    if _CREDENTIALS.search(text):
        return SourceUnavailable(f"{location.shown}: {_asks_for_credentials(location)} ({text})")
    for pattern, error, meaning in _MEANINGS:
        if pattern.search(text):
            return error(f"{location.shown}: {meaning} ({text})")
    return None


def explained(failure: GitFailed, location: Location) -> ReconcilerError:
    """Return what the failure of a command that spoke to *location* means."""
    return recognised(failure, location) or SourceUnavailable(f"{location.shown}: {failure}")


def too_slow(location: Location, deadline: timedelta) -> SourceUnavailable:
    """Return the error of a command that was ended at its deadline."""
    seconds = deadline.total_seconds()
    return SourceUnavailable(f"{location.shown}: too slow: no whole answer within {seconds:g} s")


def _asks_for_credentials(location: Location) -> str:
    if location.transport is Transport.SSH:
        return "asks for credentials: let it know the controller's ssh key"
    return "asks for credentials: give it a token that may read it"
