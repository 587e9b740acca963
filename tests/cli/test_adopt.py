"""Day 0: what is there is looked at and told, and nothing is changed."""

import asyncio

from reconciler.jetstream import api
from reconciler.jetstream.kv import Bucket
from tests.cli.conftest import Office
from tests.support.streams import connected

KANADES = (
    "EXEC",
    "KV_jobs",
    "KV_jobs_yaml",
    "KV_script_current",
    "OBJ_app_packages",
    "OBJ_scripts",
)


async def messages(office: Office) -> dict[str, int]:
    """Count what is in kanade's own streams."""
    async with connected(office.nats_url) as connection:
        return {
            stream: (await api.stream_info(connection, stream)).state.messages for stream in KANADES
        }


def test_nothing_is_changed_and_what_would_be_done_is_told(kanade: Office) -> None:
    before = asyncio.run(messages(kanade))

    done = kanade.call("adopt", "--wait", "1")

    assert (done.code, done.err) == (
        1,
        "of 2 hosts nothing is known yet: nothing is done to them\n",
    )
    assert "+ publish package tool/1.0.0" in done.out
    assert "+ register job install-tool 1.0.0" in done.out
    assert asyncio.run(messages(kanade)) == before


def test_what_was_seen_is_told_as_of_one_who_only_looks(kanade: Office) -> None:
    kanade.call("adopt", "--wait", "1")

    found = kanade.call("get", "releases")

    assert "observe-only: the controller observes, and changes nothing\n" in found.err
    assert "ObserveOnly" in found.out
    kanade.call("apply")
    assert "observe-only" not in kanade.call("get", "releases").err


def test_it_is_refused_where_a_controller_leads(kanade: Office) -> None:
    async def lead() -> None:
        async with connected(kanade.nats_url) as connection:
            bucket = Bucket(connection, "reconciler_state")
            await bucket.create()
            await bucket.put("lease.term", b'{"instance": "another"}')

    asyncio.run(lead())

    done = kanade.call("adopt")

    assert done.code == 4
    assert "a controller leads already; it reads the fleet by itself" in done.err
