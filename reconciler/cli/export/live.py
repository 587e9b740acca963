"""Everything of a live kanade that an export is made of."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from reconciler.cli.clock import SystemClock
from reconciler.desired.live_schema import LiveSchema
from reconciler.desired.script import MOST_SCRIPT_BYTES
from reconciler.errors import ReconcilerError, Unauthorized
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.http import BackendClient
from reconciler.kanade.http_hosts import known_hosts
from reconciler.kanade.jobs import NatsCatalogue
from reconciler.kanade.names import APP_PACKAGES, JOBS_YAML, SCRIPTS
from reconciler.kanade.objects import NatsObjects
from reconciler.kanade.view import optional_view
from reconciler.model.identity import HostName, JobId, ObjectRef
from reconciler.model.observed import UNSEEN, LiveJob, Observed


@dataclass(frozen=True, kw_only=True)
class Live:
    """One reading of it all."""

    observed: Observed
    texts: Mapping[JobId, str]
    """The manifests as people have written them."""
    scripts: Mapping[ObjectRef, bytes]
    """Those that jobs run."""
    schema: LiveSchema | None
    """What the backend takes; `None` where there is none to ask."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the backend alone can show, and why it did not."""

    hosts: frozenset[HostName] | None = None
    """Every host that was ever heard, also those that are off now."""
    schema: LiveSchema | None = None
    trouble: str = ""


async def ask_backend(backend: BackendClient) -> Known:
    """Ask for what is not on NATS.

    Raises:
        Unauthorized: it refuses our token.
    """
    try:
        hosts = await known_hosts(backend)
        schema = await backend.manifest_schema()
        return Known(hosts=hosts, schema=LiveSchema(schema) if schema is not None else None)
    except Unauthorized:
        raise
    except (ReconcilerError, ValueError) as error:
        return Known(trouble=str(error))


async def read_live(connection: Connection, known: Known, listen: timedelta) -> Live:
    """Read everything; hosts are heard for as long as *listen*, since NATS stores no heartbeat.

    A host that is in a group, or that was sent a command of late, is known without that.

    Raises:
        KanadeRefused: kanade's buckets are not there, or may not be read.
        KanadeUnavailable: NATS does not answer.
    """
    catalogue = NatsCatalogue(connection)
    fleet = NatsFleet(connection, SystemClock())
    packages, scripts = NatsObjects(connection, APP_PACKAGES), NatsObjects(connection, SCRIPTS)
    texts = optional_view(connection, JOBS_YAML, _text, lambda: None)
    async with AsyncExitStack() as stack:
        for part in (fleet, catalogue, packages, scripts):
            stack.push_async_callback(part.stop)
            await part.start()
        stack.push_async_callback(texts.stop)
        await texts.refresh()
        await asyncio.sleep(listen.total_seconds())
        unheard = fleet.slots().keys() | (known.hosts or frozenset())
        observed = Observed(
            packages=packages.stored(),
            scripts=scripts.stored(),
            jobs=catalogue.live(),
            hosts={**dict.fromkeys(unheard, UNSEEN), **fleet.hosts()},
            slots=fleet.slots(),
        )
        wanted = sorted(filter(None, map(script_of, observed.jobs.values())))
        return Live(
            observed=observed,
            texts={JobId(name): text for name, text in texts.read().items()},
            scripts={
                ref: await scripts.read_small(str(ref), MOST_SCRIPT_BYTES)
                for ref in wanted
                if ref in observed.scripts
            },
            schema=known.schema,
        )


def script_of(job: LiveJob) -> ObjectRef | None:
    """Return the script object that a job runs, if it runs one."""
    execute = job.manifest.get("execute")
    named = execute.get("script_object") if isinstance(execute, dict) else None
    return ObjectRef.parse(named) if isinstance(named, str) else None


def _text(message: Message) -> str:
    return message.data.decode("utf-8", "replace")
