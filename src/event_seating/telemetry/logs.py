"""The log of the process: one logger, and one pipe for all lines.

Owns the configuration of structlog and of the standard library's `logging` while a process runs,
and restores it at the end. Development and tests write lines for people to standard output and to
no file; production writes JSON lines there and to `combined.log` and `error.log`. Logging a line
costs its caller the creation of one small object: `sink` does the rest in a thread, `render` or,
for requests, `access_line` formats it, `redact` decides what it may contain. It never decides what
is worth a line.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

from event_seating.clock import Clock
from event_seating.telemetry.access_line import (
    SERVER_ERROR,
    AccessRenderer,
    JsonAccessRenderer,
    TextAccessRenderer,
)
from event_seating.telemetry.output import Console, Output, RotatingFile
from event_seating.telemetry.redact import plain, plain_mapping
from event_seating.telemetry.render import JsonRenderer, LogLine, Renderer, TextRenderer
from event_seating.telemetry.sink import Lost, OutputState, Report, Sink, Unwritable

FILE_MAX_BYTES: Final = 5 * 1024 * 1024
"""As in the original service: a file that an editor opens at once."""

FILES_MAX: Final = 5
"""Files of each kind, including the current one: 50 MB in all."""

CLOSE_TIMEOUT_S: Final = 3.0
"""Time for the last lines at the end of a process, out of the 25 s that stopping may take."""

TAKEN_OVER: Final = ("", "_granian", "granian", "granian.access", "sqlalchemy", "asyncio", "uvloop")
"""Loggers of libraries, the root first, whose own handlers are replaced, so that no line is written
twice or bypasses the pipe."""

ABOVE_EVERY_STATUS: Final = 1_000
"""No answer has this status or a higher one."""


def get_logger(component: str) -> FilteringBoundLogger:
    """The logger of one part of the service; its lines name the `component`.

    It may be called at import time: it reads the configuration when it is used.
    """
    return cast("FilteringBoundLogger", structlog.get_logger(component=component))


class Logs:
    """The log of one process, from `start` to `close`.

    `directory` is where the files go in production, None for no files; only one process may write
    to a directory. In development it is ignored.
    """

    def __init__(
        self,
        *,
        level: str,
        production: bool,
        directory: Path | None,
        clock: Clock,
        stdout: TextIO | None = None,
        file_max_bytes: int = FILE_MAX_BYTES,
        files_max: int = FILES_MAX,
    ) -> None:
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._production = production
        self._directory = directory if production else None
        self._stdout = stdout or sys.stdout
        self._file_limits = {"max_bytes": file_max_bytes, "files": files_max}
        self._now_ms = clock.now_ms
        self._access_from = self._least_status()
        self._taken_over: list[tuple[logging.Logger, list[logging.Handler], int, bool]] = []
        self._sink: Sink | None = None
        self._renderer, self._render_access = self._renderers()
        self._put_access: Callable[[bytes], None] = _not_started

    @property
    def dropped(self) -> int:
        """Lines lost so far, because the queue was full or an output failed."""
        return self._sink.dropped if self._sink else 0

    def start(self) -> None:
        """Open the files, start the thread, and route structlog and `logging` into it.

        Raises `StartupError` if the directory cannot be written.
        """
        combined, error = self._open_files()
        self._sink = Sink(
            self._renderer,
            outputs=[*combined, Console(self._stdout)],
            error_outputs=error,
            describe=self._describe,
        )
        self._sink.start()
        self._put_access = self._sink.put_access
        self._configure_structlog(self._sink)
        self._take_over_logging(self._sink)

    def access(
        self,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        cache: str,
        size: int,
        principal: str,
        address: str,
        stands_for: int,
    ) -> None:
        """Log one request; this is the hot path, about a microsecond and a half.

        `route` is the template of the route, or `redact.loggable_path` of an unmatched path;
        `seconds` is the duration, `cache` is `hit`, `miss` or `-`, `size` the body's bytes;
        `principal` is the caller's name and `address` theirs, of which only the network is written;
        `stands_for` is how many requests the line represents.
        """
        if status < self._access_from:
            return
        try:
            line = self._render_access(
                self._now_ms(), request_id, method, route, status, seconds, cache, size,
                principal, address, stands_for,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - one odd value must not fail the request
            if self._sink is not None:
                self._sink.put(self._describe(Unwritable(repr(error))))
            return
        self._put_access(line)

    def flush(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait until all earlier lines are written; whether they were, within this time."""
        return self._sink is None or self._sink.flush(timeout_s)

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Write the lines in the queue, for no longer than this, and restore `logging`.

        Later lines still go to the same outputs, written by their callers.
        """
        for logger, handlers, level, propagate in reversed(self._taken_over):
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate
        self._taken_over.clear()
        if self._sink is not None:
            self._sink.close(timeout_s)

    def _least_status(self) -> int:
        """The least status worth an access line: those of failed requests are warnings."""
        if self._level <= logging.INFO:
            return 0
        return SERVER_ERROR if self._level <= logging.WARNING else ABOVE_EVERY_STATUS

    def _open_files(self) -> tuple[list[Output], list[Output]]:
        if self._directory is None:
            return [], []
        combined = RotatingFile(self._directory / "combined.log", **self._file_limits)
        return [combined], [RotatingFile(self._directory / "error.log", **self._file_limits)]

    def _renderers(self) -> tuple[Renderer, AccessRenderer]:
        if self._production:
            return JsonRenderer(), JsonAccessRenderer()
        wants_colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        colour = wants_colour and self._stdout.isatty()
        return TextRenderer(colour=colour), TextAccessRenderer(colour=colour)

    def _configure_structlog(self, sink: Sink) -> None:
        # Loggers are not cached on first use: a module's logger must follow a later `start`.
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                self._finish,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(self._level),
            logger_factory=lambda *_args: _ToSink(sink),
            cache_logger_on_first_use=False,
        )

    def _take_over_logging(self, sink: Sink) -> None:
        for name in TAKEN_OVER:
            logger = logging.getLogger(name)
            self._taken_over.append((logger, list(logger.handlers), logger.level, logger.propagate))
            logger.handlers.clear()
            logger.propagate = True
        root = logging.getLogger()
        root.setLevel(max(self._level, logging.WARNING))
        root.addHandler(_FromLogging(self, sink))

    def _finish(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> tuple[tuple[LogLine], dict[str, Any]]:
        """The last processor of structlog: turns an event into a `LogLine`."""
        return (self.line(dict(event)),), {}

    def line(self, event: dict[str, Any]) -> LogLine:
        """A `LogLine` from structlog's event: everything copied, plain and free of secrets."""
        return LogLine(
            self._now_ms(),
            str(event.pop("level", "info")),
            str(event.pop("component", "-")),
            str(plain(event.pop("event", ""))),
            failure=_failure(event.pop("exc_info", None)),
            values=plain_mapping(event),
        )

    def _describe(self, report: Report) -> LogLine:
        """The line about the log itself."""
        values: dict[str, object] = report._asdict()
        if isinstance(report, Lost):
            level, message = "error" if report.errors else "warning", "Log lines were lost"
        elif isinstance(report, OutputState):
            level = "error" if report.reason else "warning"
            message = "A log cannot be written" if report.reason else "A log can be written again"
        else:
            level, message = "error", "A line could not be written"
        return LogLine(self._now_ms(), level, "log", message, values, None)


class _ToSink:
    """The logger that structlog calls in the end, with a method for each level."""

    def __init__(self, sink: Sink) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = sink.put


class _FromLogging(logging.Handler):
    """Passes what libraries write to `logging` into the same pipe."""

    def __init__(self, logs: Logs, sink: Sink) -> None:
        super().__init__()
        self._logs = logs
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """Log a line with the logger's name as its component, and the request's id if any."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit the format
            message = str(record.msg)
        event = {
            **structlog.contextvars.get_contextvars(),
            "event": message,
            "level": record.levelname.lower(),
            "component": record.name.lstrip("_"),
            "exc_info": record.exc_info,
        }
        self._sink.put(self._logs.line(event))


def _not_started(_line: bytes) -> None:
    """Before `start` there is no output."""


def _failure(exc_info: object) -> traceback.TracebackException | None:
    """The error as it is now, without its frames.

    Frames must not reach the log thread, since the objects that they hold would be freed there. The
    lines of source are read there, when the stack is formatted.
    """
    if isinstance(exc_info, BaseException):
        error: BaseException | None = exc_info
    elif isinstance(exc_info, tuple):
        error = exc_info[1]
    else:
        error = sys.exc_info()[1] if exc_info else None
    if error is None:
        return None
    return traceback.TracebackException.from_exception(error, lookup_lines=False, compact=True)
