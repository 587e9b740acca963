"""A request has another answer than it asked for."""

from collections.abc import Mapping
from http import HTTPStatus


class Refusal(Exception):
    """What is answered instead: *detail* is one line, and no secret."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = " ".join(detail.split())
        self.headers = headers or {}
