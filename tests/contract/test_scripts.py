"""Scripts that a command names instead of carrying them."""

import hashlib

import pytest

from reconciler.lab import wire
from tests.contract.commands import command, run, unique
from tests.contract.fleets import Fleet
from tests.contract.test_objects import put_chunks

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAILED = "command failed before it produced an outcome: "


def named(key: str, content: bytes | str, **changes: wire.Json) -> wire.Document:
    """Return a command that names the script object *key*, meaning *content*."""
    data = content.encode() if isinstance(content, str) else content
    digest = hashlib.sha256(data).hexdigest()
    return command("", script_object=key, script_object_sha256=digest, **changes)


async def test_a_script_object_is_fetched_and_run(fleet: Fleet) -> None:
    key, text = f"{unique('script')}/1", "echo from the store"
    await put_chunks(fleet, "scripts", key, [text[:5].encode(), text[5:].encode()])

    result = await run(fleet, named(key, text))

    assert (result["exit_code"], result["stdout"]) == (0, "from the store\n")


async def test_other_bytes_than_those_that_were_meant_are_not_run(fleet: Fleet) -> None:
    key, stored, meant = f"{unique('script')}/1", "echo stored", "echo meant"
    await put_chunks(fleet, "scripts", key, [stored.encode()])

    result = await run(fleet, named(key, meant))

    expected = hashlib.sha256(meant.encode()).hexdigest()
    actual = hashlib.sha256(stored.encode()).hexdigest()
    assert (result["exit_code"], result["skipped"], result["stdout"]) == (-1, False, "")
    assert result["stderr"] == (
        f"{FAILED}script_object '{key}' sha256 mismatch: expected={expected} actual={actual} — "
        "operator likely re-uploaded mid-rollout, refusing to execute unverified bytes"
    )


async def test_a_script_object_that_is_not_there_is_no_outcome(fleet: Fleet) -> None:
    result = await run(fleet, named("nowhere/1", "true"))

    assert (result["exit_code"], result["skipped"]) == (-1, False)
    assert result["stderr"] == f"{FAILED}object_store.get nowhere/1: object not found"


async def test_a_script_object_without_a_digest_is_no_outcome(fleet: Fleet) -> None:
    sent = command("", script_object="any/1")

    result = await run(fleet, sent)

    assert result["stderr"] == (
        f"{FAILED}Command {sent['request_id']} has script_object=any/1 but no "
        "script_object_sha256 — wire builder bug"
    )


async def test_a_script_object_that_is_no_text_is_no_outcome(fleet: Fleet) -> None:
    key, content = f"{unique('script')}/1", b"echo \xff"
    await put_chunks(fleet, "scripts", key, [content])

    result = await run(fleet, named(key, content))

    assert str(result["stderr"]).startswith(
        f"{FAILED}script_object '{key}' bytes are not valid UTF-8"
    )


async def test_a_script_that_was_fetched_once_is_run_again_without_its_store(fleet: Fleet) -> None:
    key, text = f"{unique('script')}/1", f"echo {unique('text')}"
    await put_chunks(fleet, "scripts", key, [text.encode()])
    await run(fleet, named(key, text))

    await fleet.ask("DELETE", f"/api/script-objects/{key}")
    result = await run(fleet, named(key, text))

    assert result["exit_code"] == 0


async def test_a_command_that_has_a_script_does_not_look_at_the_object(fleet: Fleet) -> None:
    sent = command("echo inline", script_object="nowhere/1", script_object_sha256="0" * 64)

    result = await run(fleet, sent)

    assert result["stdout"] == "inline\n"
