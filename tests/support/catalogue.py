"""kanade's catalogue and stores as people fill them by hand, over NATS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.objects import NatsObjects
from reconciler.model.digest import Digest
from reconciler.model.identity import Json, ObjectRef
from reconciler.ports import BytesContent


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """A job as somebody has registered it; what is left out follows from its YAML."""

    text: str | None
    manifest: str | None = None
    pin: str | None = None
    status: str = ""


async def register(connection: Connection, jobs: Mapping[str, ByHand]) -> None:
    """Put *jobs* into the buckets that kanade's backend keeps them in."""
    for name, job in jobs.items():
        said: Json = yaml.safe_load(job.text) if job.text is not None else {}
        version = said.get("version") if isinstance(said, dict) else None
        manifest = job.manifest if job.manifest is not None else json.dumps(said)
        await Bucket(connection, "jobs").put(name, manifest.encode())
        if job.text is not None:
            await Bucket(connection, "jobs_yaml").put(name, job.text.encode())
        await Bucket(connection, "script_current").put(name, str(job.pin or version).encode())
        if job.status:
            await Bucket(connection, "script_status").put(name, job.status.encode())


async def store(connection: Connection, bucket: str, key: str, content: bytes) -> None:
    """Put an object into one of kanade's stores."""
    ref = ObjectRef.parse(key)
    assert ref is not None, key
    objects = NatsObjects(connection, bucket)
    await objects.start()
    await objects.publish(ref, BytesContent(content), Digest.of(content), replaces=0)
    await objects.stop()


async def group(connection: Connection, members: Mapping[str, list[str]]) -> None:
    """Put hosts into groups."""
    for host, groups in members.items():
        value = json.dumps({"groups": groups}).encode()
        await Bucket(connection, "agent_groups").put(host, value)
