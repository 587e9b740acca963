"""Typed access to a mapping that has already been checked against its schema."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from reconciler.desired.durations import parse_duration
from reconciler.model.identity import Json


class Fields:
    """A validated mapping; asking for what the schema does not promise is a bug."""

    def __init__(self, value: Json) -> None:
        if not isinstance(value, dict):
            raise TypeError(f"the schema promises a mapping, not {type(value).__name__}")
        self._members: Mapping[str, Json] = value

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def raw(self, name: str) -> Json:
        """Return a member as it is, `None` when it is not there."""
        return self._members.get(name)

    def text(self, name: str) -> str:
        """Return a string."""
        value = self._members[name]
        if not isinstance(value, str):
            raise TypeError(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, `None` when it is not there."""
        return self.text(name) if name in self._members else None

    def integer(self, name: str) -> int:
        """Return a whole number."""
        value = self.optional_integer(name)
        if value is None:
            raise TypeError(name)
        return value

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, `None` when it is not there, or is a text or a list instead."""
        value = self._members.get(name)
        if isinstance(value, bool | float):
            raise TypeError(name)
        return value if isinstance(value, int) else None

    def flag(self, name: str) -> bool:
        """Return a boolean; one that is not there is false."""
        return self._members.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings, empty when it is not there or of another type."""
        value = self._members.get(name)
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    def pairs(self, name: str) -> dict[str, str]:
        """Return a mapping of strings, empty when it is not there."""
        value = self._members.get(name)
        members = value if isinstance(value, dict) else {}
        return {key: str(member) for key, member in members.items()}

    def duration(self, name: str) -> timedelta:
        """Return a length of time."""
        length = parse_duration(self.text(name))
        if length is None:
            raise TypeError(name)
        return length

    def optional_duration(self, name: str) -> timedelta | None:
        """Return a length of time, `None` when it is not there."""
        return self.duration(name) if name in self._members else None

    def percent(self, name: str) -> int | None:
        """Return the number of a share like `5%`, `None` for anything else."""
        value = self._members.get(name)
        return int(value.removesuffix("%")) if isinstance(value, str) else None

    def inner(self, name: str) -> "Fields":
        """Return a mapping."""
        return Fields(self._members[name])

    def optional_inner(self, name: str) -> "Fields | None":
        """Return a mapping, `None` when it is not there."""
        return self.inner(name) if name in self._members else None

    def each(self, name: str) -> tuple["Fields", ...]:
        """Return a list of mappings, empty when it is not there."""
        value = self._members.get(name)
        return tuple(Fields(item) for item in value) if isinstance(value, list) else ()
