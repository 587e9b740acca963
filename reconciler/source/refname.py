"""The branch or tag to follow, checked as `git check-ref-format` would."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from reconciler.errors import UsageError

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_MAX_LENGTH = 255


class RefKind(StrEnum):
    """What a ref is, as an error names it."""

    BRANCH = "branch"
    TAG = "tag"
    HEAD = "HEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefName:
    """What is followed: a branch, a tag, or the branch that the repository's HEAD names."""

    kind: RefKind
    full: str
    """As git spells it in full: `refs/heads/main`."""

    def __str__(self) -> str:
        return self.full.removeprefix(_HEADS).removeprefix(_TAGS)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a branch's name, `refs/heads/...` or `refs/tags/...`; empty means HEAD.

        Raises:
            UsageError: git could not have a ref of that name, or it is neither of the two.
        """
        if text in {"", "HEAD"}:
            return cls(kind=RefKind.HEAD, full="HEAD")
        _check(text)
        if text.startswith(_TAGS):
            return cls(kind=RefKind.TAG, full=text)
        if text.startswith("refs/") and not text.startswith(_HEADS):
            raise UsageError(f"ref {text!r} is neither a branch nor a tag: follow one of those")
        return cls(kind=RefKind.BRANCH, full=_HEADS + text.removeprefix(_HEADS))


def _check(text: str) -> None:
    if text.startswith("-"):
        raise UsageError(f"ref may not begin with '-': {text!r}")
    if len(text.encode("utf-8", "surrogatepass")) > _MAX_LENGTH:
        raise UsageError(f"ref is longer than {_MAX_LENGTH} bytes")
    if _COMMIT.fullmatch(text):
        raise UsageError(f"ref {text!r}: a commit cannot be followed; give a branch or a tag")
    if found := _FORBIDDEN.search(text):
        raise UsageError(f"ref {text!r} may not contain {found[0]!r}")
    parts = text.split("/")
    if text == "@" or text.endswith(".") or "" in parts:
        raise UsageError(f"ref {text!r} is not a name that git allows")
    if any(part.startswith(".") or part.endswith(".lock") for part in parts):
        raise UsageError(f"ref {text!r}: no part may begin with '.' or end with '.lock'")
