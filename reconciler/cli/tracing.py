"""Traces, where OpenTelemetry's environment variables ask for them and the extra is installed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from reconciler import __version__
from reconciler.ports import Onlooker

_ASKING = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

log = structlog.get_logger()


@asynccontextmanager
async def open_traces(
    instance: str, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Onlooker, ...]]:
    """Give who traces, or nobody: without an endpoint not even the library is loaded."""
    if not any(environment.get(name) for name in _ASKING):
        yield ()
        return
    try:
        from reconciler.telemetry.otel import exported  # noqa: PLC0415 (who asks pays)
    except ImportError:
        log.warning("no traces", hint="pip install 'kanade-reconciler[otel]'")
        yield ()
        return
    async with exported(instance, __version__) as onlooker:
        yield (onlooker,)
