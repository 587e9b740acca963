"""structlog: for people on a terminal, JSON otherwise; secrets never get that far."""

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from reconciler.cli.settings import LogFormat, LogSettings

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def configure(settings: LogSettings) -> None:
    """Set the log up, once a process; it goes to stderr."""
    human = settings.format is LogFormat.HUMAN or (
        settings.format is LogFormat.AUTO and sys.stderr.isatty()
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if human
        else structlog.processors.JSONRenderer()
    )
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_control_characters,
        renderer,
    ]
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A host may print anything; a terminal must not obey it."""
    return {
        key: _CONTROL.sub("�", value) if isinstance(value, str) else value
        for key, value in event.items()
    }
