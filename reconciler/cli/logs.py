"""structlog: for people on a terminal, JSON otherwise; secrets never get that far."""

import logging
import os
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from reconciler.cli.settings import LogFormat, LogSettings
from reconciler.model.control import without_control


class _Stderr:
    """What `sys.stderr` is at the moment: bars that are drawn want to be below what is logged."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def is_for_people(settings: LogSettings) -> bool:
    """True where the log is readable lines, and not JSON."""
    automatic = settings.format is LogFormat.AUTO
    return settings.format is LogFormat.HUMAN or (automatic and sys.stderr.isatty())


def configure(settings: LogSettings) -> None:
    """Set the log up; it goes to stderr, where it does not get between a command's output."""
    on_terminal, stderr = sys.stderr.isatty(), cast("TextIO", _Stderr())
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=on_terminal and not os.environ.get("NO_COLOR"))
        if is_for_people(settings)
        else structlog.processors.JSONRenderer()
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not is_for_people(settings):
        shared.append(structlog.processors.format_exc_info)
    last: list[Processor] = [_without_control_characters, renderer]
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stderr),
    )
    _route_others(shared, last, max(level, logging.WARNING))


def _route_others(shared: list[Processor], last: list[Processor], level: int) -> None:
    """Format the logs of libraries, such as aiohttp, like ours: a line each, traceback and all."""
    root = logging.getLogger()
    handlers = [handler for handler in root.handlers if isinstance(handler, _OnStderr)]
    handler = handlers[0] if handlers else _OnStderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    if not handlers:
        root.addHandler(handler)
    root.setLevel(level)


class _OnStderr(logging.Handler):
    """Writes to whatever stderr is by then."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A host may print anything; a terminal must not obey it."""
    return {
        key: without_control(value) if isinstance(value, str) else value
        for key, value in event.items()
    }
