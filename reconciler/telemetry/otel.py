"""Traces for OpenTelemetry; imported only where somebody has asked for them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from reconciler.model.identity import Revision
from reconciler.model.outcome import Applied
from reconciler.model.status import Status as Published
from reconciler.telemetry.spans import Fetch, Span, spans

_EXPORT_SECONDS = 3
_REMEMBERED = 100_000


class Traces:
    """Implements `ports.Onlooker`."""

    def __init__(self, processor: SpanProcessor, instance: str, version: str) -> None:
        self._processor = processor
        self._resource = Resource.create(
            {
                "service.name": "kanade-reconciler",
                "service.instance.id": instance,
                "service.version": version,
            }
        )
        self._scope = InstrumentationScope("reconciler", version)
        self._fetch: Fetch | None = None
        self._published: tuple[Published, Published] | None = None
        self._sent: set[str] = set()
        self._order: deque[str] = deque()

    def fetched(self, began: datetime, ended: datetime, revision: Revision | None) -> None:
        """See `ports.Onlooker`; only the fetch that has brought a revision counts."""
        if revision is not None and (self._fetch is None or self._fetch.revision != revision):
            self._fetch = Fetch(revision=revision, began=began, ended=ended)

    def published(self, before: Published, after: Published) -> None:
        """See `ports.Onlooker`."""
        self._published = (before, after)

    def passed(self, _took: timedelta, applied: Applied | None, _reason: str) -> None:
        """See `ports.Onlooker`."""
        published, self._published = self._published, None
        if applied is None or published is None:
            return
        for span in spans(*published, applied, self._fetch):
            if span.id not in self._sent:
                self._remember(span.id)
                self._processor.on_end(self._readable(span))

    def _remember(self, name: str) -> None:
        self._sent.add(name)
        self._order.append(name)
        if len(self._order) > _REMEMBERED:
            self._sent.discard(self._order.popleft())

    def _readable(self, span: Span) -> ReadableSpan:
        parent = _context(span.trace, span.parent) if span.parent is not None else None
        return ReadableSpan(
            span.name,
            context=_context(span.trace, span.id),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.OK),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(span.ended),
            instrumentation_scope=self._scope,
        )


@asynccontextmanager
async def exported(instance: str, version: str) -> AsyncIterator[Traces]:
    """Send to where OpenTelemetry's own environment variables say, from a thread of its own."""
    processor = BatchSpanProcessor(OTLPSpanExporter(timeout=_EXPORT_SECONDS))
    try:
        yield Traces(processor, instance, version)
    finally:
        await asyncio.to_thread(processor.shutdown)


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(
        int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
