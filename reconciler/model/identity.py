"""The names of things, each of a type of its own so that none is taken for another."""

from dataclasses import dataclass
from typing import NewType, Self, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can say; it is `object` to everybody until a codec has parsed it."""

Revision = NewType("Revision", str)
"""A git commit, as 40 hex digits."""

ReleaseName = NewType("ReleaseName", str)
PackageName = NewType("PackageName", str)

Version = NewType("Version", str)
"""Always text: 1.10 is not 1.1."""

HostName = NewType("HostName", str)
"""kanade's `pc_id`, verbatim and case-sensitive."""

GroupName = NewType("GroupName", str)
JobId = NewType("JobId", str)

WishId = NewType("WishId", str)
"""Names what we want of one host, and why; over NATS it is the command's `request_id`."""

RequestId = NewType("RequestId", str)
ExecId = NewType("ExecId", str)
ResultId = NewType("ResultId", str)
SecretName = NewType("SecretName", str)

Fingerprint = NewType("Fingerprint", str)
"""What approvals, quarantine and wishes bind to: see `fingerprint.py`."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """The key `<name>/<version>` of an object in a kanade object store."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """Return the reference that *key* spells, or `None` when it is no `<name>/<version>`."""
        name, slash, version = key.partition("/")
        if not (name and slash and version) or "/" in version:
            return None
        return cls(name, version)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file of the desired state; line and column count from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"
