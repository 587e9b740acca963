"""The API's document tells the truth: asked all that it allows, and more, it answers as told."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

import pytest
import schemathesis
from aiohttp.test_utils import TestServer
from hypothesis import settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CaseMetadata
from schemathesis.specs.openapi.checks import negative_data_rejection

from reconciler.serve.api.openapi import document
from reconciler.serve.api.routes import PREFIX
from reconciler.serve.api.table import EVENTS, OPERATIONS
from tests.serve.controls import BACKEND, fleet
from tests.serve.endpoints import ALICE, KEYS, endpoints_of

DESCRIBED = dict(document(PREFIX, OPERATIONS, EVENTS))
pytestmark = pytest.mark.slow
EXAMPLES = settings().max_examples // 4
MENDED = {ParameterLocation.PATH, ParameterLocation.HEADER}
"""What is put right before it is sent: the name, and who asks."""
SCHEMA = schemathesis.openapi.from_dict(DESCRIBED)


class Case(Protocol):
    """What we use of a request that schemathesis has thought of."""

    path: str
    path_parameters: dict[str, str]
    meta: CaseMetadata | None

    def call_and_validate(
        self, *, base_url: str, headers: dict[str, str], excluded_checks: Sequence[object] = ()
    ) -> object: ...


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A real server on a loop of its own: who asks here blocks."""
    started, stop = threading.Event(), asyncio.Event()
    server = TestServer(endpoints_of(fleet(), KEYS))
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with server:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(60)
    yield str(server.make_url("")).rstrip("/")
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES)
def test_every_answer_is_one_that_the_document_tells_of(case: Case, address: str) -> None:
    case.call_and_validate(base_url=f"{address}{PREFIX}", headers=ALICE)


@SCHEMA.include(path_regex="name").parametrize()
@settings(max_examples=EXAMPLES)
def test_so_is_every_answer_on_what_there_is(case: Case, address: str) -> None:
    case.path_parameters = {"name": "office-03" if "hosts" in case.path else BACKEND}

    excluded = [negative_data_rejection] if wrong_parts(case) <= MENDED else []
    case.call_and_validate(base_url=f"{address}{PREFIX}", headers=ALICE, excluded_checks=excluded)


def wrong_parts(case: Case) -> set[ParameterLocation]:
    """Return where the request was made to be wrong."""
    parts = case.meta.components if case.meta is not None else {}
    return {where for where, part in parts.items() if part.mode.is_negative}
