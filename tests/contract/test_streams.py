"""What the backend creates on NATS."""

import pytest

from reconciler.lab import wire
from tests.contract.fleets import Fleet
from tests.contract.recordings import recorded

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPECTED = recorded("streams")


async def test_there_are_these_streams_and_no_others(fleet: Fleet) -> None:
    reply = await fleet.client.request("$JS.API.STREAM.NAMES", b"{}", timeout=60)

    listed = wire.document(reply.data)["streams"]
    assert isinstance(listed, list)
    assert {str(name) for name in listed} == {str(row["name"]) for row in EXPECTED}


@pytest.mark.parametrize("expected", EXPECTED, ids=[str(row["name"]) for row in EXPECTED])
async def test_a_stream_has_kanades_own_limits(fleet: Fleet, expected: wire.Document) -> None:
    reply = await fleet.client.request(f"$JS.API.STREAM.INFO.{expected['name']}", b"", timeout=60)

    found = wire.document(reply.data)["config"]
    assert isinstance(found, dict)
    assert {key: found.get(key) for key in expected} == expected
