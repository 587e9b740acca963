"""Packages and script objects, over HTTP and in kanade's own chunks on NATS."""

import base64
import contextlib
import hashlib
import io
import secrets
from collections.abc import Sequence

import aiohttp
import pytest
from nats.js.errors import NotFoundError

from reconciler.lab import wire
from tests.contract.commands import unique
from tests.contract.fleets import Fleet, Reply

pytestmark = pytest.mark.asyncio(loop_scope="session")

PACKAGES, SCRIPTS = "/api/app-packages", "/api/script-objects"
CONTENT = b"0123456789"


def digest(content: bytes) -> str:
    return f"SHA-256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()}"


async def publish(fleet: Fleet, path: str, *fields: tuple[str, bytes]) -> Reply:
    with aiohttp.MultipartWriter("form-data") as form:
        for name, content in fields:
            part = form.append(io.BytesIO(content))
            part.set_content_disposition("form-data", name=name, filename="package.bin")
    # In one piece: kanade refuses a form before its end, and closes.
    whole = io.BytesIO(await form.as_bytes())
    return await fleet.ask("POST", path, whole, kind=form.content_type)


async def put_chunks(fleet: Fleet, bucket: str, name: str, chunks: Sequence[bytes]) -> None:
    """Publish an object as kanade's command line does when there is no backend."""
    nuid = secrets.token_hex(11)
    for chunk in chunks:
        await fleet.jetstream.publish(f"$O.{bucket}.C.{nuid}", chunk)
    content = b"".join(chunks)
    meta: wire.Document = {
        "name": name,
        "bucket": bucket,
        "nuid": nuid,
        "size": len(content),
        "chunks": len(chunks),
        "digest": digest(content),
        "options": {"max_chunk_size": 131072},
        "mtime": wire.now(),
    }
    key = base64.urlsafe_b64encode(name.encode()).decode()
    subject = f"$O.{bucket}.M.{key}"
    await fleet.jetstream.publish(subject, wire.encode(meta), headers={"Nats-Rollup": "sub"})


@pytest.mark.parametrize("store", [PACKAGES, SCRIPTS])
async def test_what_is_published_is_listed_and_served(fleet: Fleet, store: str) -> None:
    name = unique("package")

    published = await publish(fleet, f"{store}/{name}/1.10", ("file", CONTENT))
    served = await fleet.ask("GET", f"{store}/{name}/1.10")
    rows = (await fleet.ask("GET", store)).rows

    assert published.status == 200
    assert published.document == {
        "name": name,
        "version": "1.10",
        "size": 10,
        "digest": digest(CONTENT),
    }
    assert (served.status, served.body) == (200, CONTENT)
    assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-length"] == "10"
    assert served.headers["accept-ranges"] == "bytes"
    assert served.headers["etag"] == f'"{digest(CONTENT)}"'
    assert served.headers["content-disposition"] == f'attachment; filename="{name}-1.10"'
    row = next(row for row in rows if row["name"] == name)
    assert row == {**published.document, "modified": row["modified"]}
    assert wire.instant(str(row["modified"])) <= wire.instant(wire.now())


async def test_a_package_of_many_chunks_comes_back_whole(fleet: Fleet) -> None:
    name, content = unique("package"), secrets.token_bytes(3_000_001)

    published = await publish(fleet, f"{PACKAGES}/{name}/1", ("file", content))
    served = await fleet.ask("GET", f"{PACKAGES}/{name}/1")

    assert published.document["digest"] == digest(content)
    assert served.body == content


async def test_the_chunks_of_a_package_that_was_replaced_are_gone(fleet: Fleet) -> None:
    name, path = unique("package"), PACKAGES + "/"
    await publish(fleet, f"{path}{name}/1", ("file", b"old"))
    old = await _meta(fleet, f"{name}/1")

    await publish(fleet, f"{path}{name}/1", ("file", b"new"))

    served = await fleet.ask("GET", f"{path}{name}/1")
    assert served.body == b"new"
    with pytest.raises(NotFoundError):
        await fleet.jetstream.get_last_msg("OBJ_app_packages", f"$O.app_packages.C.{old['nuid']}")


async def test_the_metadata_is_what_every_client_of_nats_can_read(fleet: Fleet) -> None:
    name = unique("package")
    await publish(fleet, f"{PACKAGES}/{name}/1", ("file", CONTENT))

    meta = await _meta(fleet, f"{name}/1")
    store = await fleet.jetstream.object_store("app_packages")

    assert list(meta) == [
        "name", "description", "metadata", "headers", "options", "bucket", "nuid", "size",
        "chunks", "mtime", "digest",
    ]  # fmt: skip
    assert meta["options"] == {"link": None, "max_chunk_size": 131072}
    assert (await store.get(f"{name}/1")).data == CONTENT


@pytest.mark.parametrize(("bucket", "store"), [("app_packages", PACKAGES), ("scripts", SCRIPTS)])
async def test_chunks_on_nats_are_a_package_like_any_other(
    fleet: Fleet, bucket: str, store: str
) -> None:
    name = unique("package")
    await put_chunks(fleet, bucket, f"{name}/1", [b"abc", b"def", b"g"])

    served = await fleet.ask("GET", f"{store}/{name}/1")

    assert (served.status, served.body) == (200, b"abcdefg")


@pytest.mark.parametrize(
    ("asked", "body", "span"),
    [("bytes=2-4", b"234", "2-4"), ("bytes=5-", b"56789", "5-9"), ("bytes=0-9", CONTENT, "0-9")],
)
async def test_a_part_can_be_asked_for(fleet: Fleet, asked: str, body: bytes, span: str) -> None:
    name = unique("package")
    await publish(fleet, f"{PACKAGES}/{name}/1", ("file", CONTENT))

    reply = await fleet.ask("GET", f"{PACKAGES}/{name}/1", headers={"Range": asked})

    assert (reply.status, reply.body) == (206, body)
    assert reply.headers["content-range"] == f"bytes {span}/10"


@pytest.mark.parametrize("asked", ["bytes=-3", "bytes=20-", "bytes=0-100", "bytes=4-2", "x"])
async def test_a_part_that_is_not_there_is_refused(fleet: Fleet, asked: str) -> None:
    name = unique("package")
    await publish(fleet, f"{PACKAGES}/{name}/1", ("file", CONTENT))

    reply = await fleet.ask("GET", f"{PACKAGES}/{name}/1", headers={"Range": asked})

    assert (reply.status, reply.text) == (
        416,
        "Range header invalid or out of bounds for object size 10\n",
    )
    assert reply.headers["content-range"] == "bytes */10"


async def test_a_part_of_other_bytes_is_refused(fleet: Fleet) -> None:
    name = unique("package")
    await publish(fleet, f"{PACKAGES}/{name}/1", ("file", CONTENT))

    reply = await fleet.ask("GET", f"{PACKAGES}/{name}/1", headers={"If-Match": '"x"'})

    assert reply.status == 412
    assert reply.text == (
        'If-Match "\\"x\\"" doesn\'t match current ETag "\\"' + digest(CONTENT) + '\\""'
    )


@pytest.mark.parametrize(("store", "noun"), [(PACKAGES, "app package"), (SCRIPTS, "script object")])
async def test_a_deleted_object_is_gone_and_may_be_deleted_again(
    fleet: Fleet, store: str, noun: str
) -> None:
    name = unique("package")
    await publish(fleet, f"{store}/{name}/1", ("file", CONTENT))

    deleted = await fleet.ask("DELETE", f"{store}/{name}/1")
    again = await fleet.ask("DELETE", f"{store}/{name}/1")
    served = await fleet.ask("GET", f"{store}/{name}/1")
    rows = (await fleet.ask("GET", store)).rows

    assert (deleted.status, deleted.body, again.status) == (204, b"", 204)
    assert (served.status, served.text) == (404, f"{noun} '{name}/1' not found")
    assert name not in {row["name"] for row in rows}


@pytest.mark.parametrize(("store", "noun"), [(PACKAGES, "app package"), (SCRIPTS, "script object")])
async def test_what_never_was_is_not_found(fleet: Fleet, store: str, noun: str) -> None:
    name = unique("package")

    served = await fleet.ask("GET", f"{store}/{name}/1")
    deleted = await fleet.ask("DELETE", f"{store}/{name}/1")

    assert (served.status, served.text) == (404, f"{noun} '{name}/1' not found")
    assert (deleted.status, deleted.text) == (404, f"{noun} '{name}/1' not in Object Store")


@pytest.mark.parametrize("store", [PACKAGES, SCRIPTS])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([("file", b"")], "'file' field is empty"),
        ([("other", b"x")], "missing 'file' field"),
    ],
)
async def test_a_form_without_a_file_is_refused(
    fleet: Fleet, store: str, fields: list[tuple[str, bytes]], text: str
) -> None:
    reply = await publish(fleet, f"{store}/{unique('package')}/1", *fields)

    assert (reply.status, reply.text) == (400, text)


async def test_two_files_in_one_form_are_refused(fleet: Fleet) -> None:
    path = f"{PACKAGES}/{unique('package')}/1"

    reply = await publish(fleet, path, ("file", b"a"), ("file", b"b"))

    assert (reply.status, reply.text) == (400, "multipart body has more than one 'file' field")


async def test_a_body_that_is_no_form_is_refused(fleet: Fleet) -> None:
    path = f"{PACKAGES}/{unique('package')}/1"

    reply = await fleet.ask("POST", path, b"junk", kind="application/octet-stream")
    broken = await fleet.ask("POST", path, b"junk", kind="multipart/form-data; boundary=B")

    assert (reply.status, reply.text) == (
        400,
        "Invalid `boundary` for `multipart/form-data` request",
    )
    assert (broken.status, broken.text) == (
        400,
        "read multipart field: Error parsing `multipart/form-data` request",
    )


async def test_a_script_of_more_than_four_megabytes_is_refused(fleet: Fleet) -> None:
    path = f"{SCRIPTS}/{unique('script')}/1"

    # The answer may come, and the connection end, while the body is still being sent.
    with contextlib.suppress(aiohttp.ClientOSError):
        reply = await publish(fleet, path, ("file", b"x" * (4 * 1024 * 1024 + 1)))
        assert (reply.status, reply.text) == (
            400,
            "read file field: Error parsing `multipart/form-data` request",
        )

    assert (await fleet.ask("GET", path)).status == 404


async def test_a_full_bucket_refuses_and_keeps_what_it_had_taken(fleet: Fleet) -> None:
    path = f"{PACKAGES}/{unique('package')}/1"
    stream = await fleet.jetstream.stream_info("OBJ_app_packages")
    room = stream.config.max_bytes
    await fleet.jetstream.update_stream(stream.config, max_bytes=stream.state.bytes + 1_000_000)

    reply = await publish(fleet, path, ("file", secrets.token_bytes(3_000_000)))
    after = await fleet.jetstream.stream_info("OBJ_app_packages")
    await fleet.jetstream.update_stream(stream.config, max_bytes=room)

    assert reply.status == 500
    assert reply.text == (
        "failed publishing object chunks: failed getting chunk ack: publish failed: "
        "maximum bytes exceeded (code 503, error code 10077)"
    )
    assert (await fleet.ask("GET", path)).status == 404
    assert after.state.messages > stream.state.messages


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p%2Fq/1", "name must not contain '/'"),
        ("p%22/1", "name must not contain '\"' or '\\\\'"),
        ("p/1%5C2", "version must not contain '\"' or '\\\\'"),
        ("p/%01", "version must not contain control characters"),
        ("p/%C3%A9", "version must be ASCII-printable (rejected non-ASCII character 'é')"),
    ],
)
async def test_a_name_that_no_store_takes_is_refused(fleet: Fleet, path: str, text: str) -> None:
    # Asked by GET, since the answer to a POST may come before its body is sent.
    reply = await fleet.ask("GET", f"{PACKAGES}/{path}")

    assert (reply.status, reply.text) == (400, text)


async def _meta(fleet: Fleet, name: str) -> wire.Document:
    key = base64.urlsafe_b64encode(name.encode()).decode()
    message = await fleet.jetstream.get_last_msg("OBJ_app_packages", f"$O.app_packages.M.{key}")
    return wire.document(message.data or b"")
