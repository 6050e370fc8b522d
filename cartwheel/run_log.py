"""What a run tells of itself on standard error: JSON lines, or plain ones on a terminal.

There is at most one line per epoch, and none where nothing was counted, but one a minute.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from cartwheel.observed import ENTERED, LEFT, SENT, by_name
from flows.reports import (
    CountReport,
    QualityReport,
    ReaderReport,
    Report,
    Restart,
    SinkReport,
    WorkersStarted,
)
from operators.times import EventTime, format_time

LARGE_BYTES = 10_000_000
"""Of what a model has learned: to write that takes a good part of a second, at each commit."""

_QUIET_S = 60.0

_FIELDS = ("read", "applied", "duplicates", "late", "dead_letters", "customers", "sessions")
"""Of an epoch's line, beside the triggers and segments of which anything is to be told."""
_WITH_CONSENT = "no_consent"
"""Told where the config asks for consent."""

_BY_NAME = {"sent": SENT, "entered": ENTERED, "left": LEFT}


class RunLog:
    """Writes what happens, as it is reported.

    Args:
        stream: where to.
        clock: in seconds, from anywhere.
    """

    def __init__(
        self, stream: TextIO = sys.stderr, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = _logger(stream)
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._logged: dict[str, int] | None = None
        self._logged_at = clock()
        self._epochs = 0
        self._epoch_s = 0.0
        self._large: dict[str, int] = {}
        self._away: dict[str, set[int]] = {"source": set(), "sink": set()}
        self._away_since: dict[str, float] = {}

    def info(self, event: str, **fields: object) -> None:
        """Write what is as it should be."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write what somebody may have to look after."""
        self._write("warning", event, fields)

    def report(self, report: Report) -> None:
        """Write what a report tells that is worth a line."""
        match report:
            case ReaderReport():
                self._note_reachable("source", report.reader, is_reachable=report.reachable)
            case CountReport():
                self._counts |= report.counts
            case QualityReport():
                self._note_size(report)
            case SinkReport():
                self._note_reachable("sink", 0, is_reachable=report.reachable)
                self._note_epoch(report)
            case WorkersStarted():
                self._epochs, self._epoch_s = 0, 0.0
                self.info("workers started", workers=report.workers)
            case Restart():
                self.warning("restart", cause=report.cause)
            case _:
                pass

    def _note_epoch(self, report: SinkReport) -> None:
        """Write what an epoch has brought, or that there were none with anything for a while."""
        if self._logged is None:
            self._logged = dict(self._counts)  # what earlier runs have counted
        if report.epochs == self._epochs:
            return
        now, before = self._clock(), self._logged
        grown = {name: count - before.get(name, 0) for name, count in self._counts.items()}
        if not any(grown.values()) and now - self._logged_at < _QUIET_S:
            self._epochs, self._epoch_s = report.epochs, report.epoch_s
            return
        fields: dict[str, object] = {name: grown.get(name, 0) for name in _FIELDS}
        if _WITH_CONSENT in self._counts:
            fields[_WITH_CONSENT] = grown.get(_WITH_CONSENT, 0)
        for field, beginning in _BY_NAME.items():
            some = by_name(grown, beginning)
            fields[field] = {name: count for name, count in some.items() if count}
        fields["seconds"] = round(report.epoch_s - self._epoch_s, 3)
        self.info("epoch", **fields)
        self._logged, self._logged_at = dict(self._counts), now
        self._epochs, self._epoch_s = report.epochs, report.epoch_s

    def _note_size(self, report: QualityReport) -> None:
        """Write that a model has grown large, and again when it is twice as large."""
        if report.bytes >= 2 * self._large.get(report.model, LARGE_BYTES // 2):
            self._large[report.model] = report.bytes
            self.warning("a model is large", model=report.model, bytes=report.bytes)

    def _note_reachable(self, what: str, number: int, *, is_reachable: bool) -> None:
        """Write when a broker goes away and when it is back, once for all that need it."""
        away = self._away[what]
        was_there = not away
        (away.discard if is_reachable else away.add)(number)
        if was_there and away:
            self._away_since[what] = self._clock()
            self.warning("broker away", of=what)
        elif not was_there and not away:
            seconds = round(self._clock() - self._away_since[what], 1)
            self.info("broker back", of=what, seconds=seconds)

    def _write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        with suppress(OSError):  # nobody reads any more: that stops nothing
            getattr(self._log, level)(event, **fields)


def _logger(stream: TextIO) -> Any:
    """Return a structlog logger of its own, whatever else is configured in the process."""
    if stream.isatty():
        renderer: Any = structlog.dev.ConsoleRenderer()
    else:
        renderer = structlog.processors.JSONRenderer(
            serializer=lambda fields, **_: msgspec.json.encode(fields).decode()
        )
    return structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[structlog.processors.add_log_level, _in_order, renderer],
        wrapper_class=structlog.BoundLogger,
    )


def _in_order(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Add the time; put what every line has first."""
    now = format_time(EventTime(int(time.time() * 1000)))
    first = {"time": now, "level": fields.pop("level"), "event": fields.pop("event")}
    return first | dict(fields)
