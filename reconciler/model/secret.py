"""A value that nobody sees by accident."""

import hmac
from typing import NoReturn


class Secret:
    """Holds a secret's value; only `reveal` gives it away.

    It cannot be printed, logged, formatted, hashed or pickled; comparing takes the same time
    whatever is compared.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, to be handed on and not kept."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would tell values apart

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")
