"""What NATS says it permits our user, against what is needed."""

from collections.abc import Iterable, Iterator

import msgspec

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.grants import USER_INFO, Grants

_ANY, _REST = "*", ">"


class Rule(msgspec.Struct, frozen=True):
    """What one may, and may not; without an `allow` everything that is not denied."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()

    def permits(self, wanted: str) -> bool:
        """Return whether every subject that *wanted* matches is permitted by one line."""
        allowed = self.allow is None or any(covers(line, wanted) for line in self.allow)
        return allowed and not any(overlap(line, wanted) for line in self.deny)


class Permissions(msgspec.Struct, frozen=True):
    """What a user may publish to, and subscribe to."""

    publish: Rule = Rule()
    subscribe: Rule = Rule()

    def lacking(self, grants: Grants) -> Iterator[str]:
        """Yield `publish SUBJECT` and `subscribe SUBJECT` for what is needed and not permitted."""
        yield from _refused("publish", self.publish, grants.publish)
        yield from _refused("subscribe", self.subscribe, grants.subscribe)


class User(msgspec.Struct, frozen=True):
    """Whom the server takes us for; without permissions, one that may do everything."""

    user: str = ""
    permissions: Permissions | None = None


class _Answer(msgspec.Struct):
    data: User


async def whoami(connection: Connection) -> User:
    """Ask the server who we are.

    Raises:
        Unauthorized: we may not even ask.
        KanadeUnavailable: no answer.
    """
    answer = await connection.request(USER_INFO, what="the user's permissions")
    try:
        return msgspec.json.decode(answer.data, type=_Answer).data
    except msgspec.MsgspecError as error:
        endpoint = connection.at(USER_INFO)
        raise KanadeUnavailable(f"{endpoint}: an answer that is not NATS's: {error}") from error


def covers(pattern: str, subject: str) -> bool:
    """Return whether *pattern* matches all that *subject*, a pattern itself, matches."""
    mine, theirs = pattern.split("."), subject.split(".")
    if mine[-1] == _REST:
        return len(theirs) >= len(mine) and _covers_each(mine[:-1], theirs)
    return len(theirs) == len(mine) and _covers_each(mine, theirs)


def overlap(one: str, other: str) -> bool:
    """Return whether some subject is matched by both patterns."""
    left, right = one.split("."), other.split(".")
    for mine, theirs in zip(left, right, strict=False):
        if _REST in (mine, theirs):
            return True
        if _ANY not in (mine, theirs) and mine != theirs:
            return False
    return len(left) == len(right)


def _covers_each(mine: list[str], theirs: list[str]) -> bool:
    pairs = zip(mine, theirs, strict=False)
    return all(one == other or (one == _ANY and other != _REST) for one, other in pairs)


def _refused(verb: str, rule: Rule, subjects: Iterable[str]) -> Iterator[str]:
    return (f"{verb} {subject}" for subject in sorted(subjects) if not rule.permits(subject))
