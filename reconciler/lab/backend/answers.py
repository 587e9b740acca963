"""How the backend answers: compact JSON, or a status with one line of text."""

from collections.abc import Mapping

from aiohttp import web

from reconciler.lab import wire


def json_answer(
    document: wire.Json | Mapping[str, wire.Json], headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return *document* as a response."""
    body = wire.encode(document)
    return web.Response(body=body, content_type="application/json", headers=headers)


def no_content() -> web.Response:
    """Return the answer of a request that leaves nothing to say."""
    return web.Response(status=204)


class Refused(Exception):
    """The request is answered with this status and this one line."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def response(self) -> web.Response:
        """Return the answer; without a text it has no body at all."""
        if not self.text:
            return web.Response(status=self.status)
        return web.Response(status=self.status, text=self.text)
