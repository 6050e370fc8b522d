"""Turns one source row into one Segment-spec event line.

The mapping is compiled once into a translator. The messageId is a hash of the whole source row, so
a row that was recorded twice, or imported twice, gives the same event twice, and the engine drops
the second.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from connectors.importing.errors import RowError
from connectors.importing.mapping import EventColumn, ImportMapping
from connectors.importing.rows import Values, value_at
from connectors.importing.values import (
    read_comma_number,
    read_number,
    read_text,
    shown,
    time_reader,
)
from operators.times import EventTime, format_time

_MESSAGE_ID_BYTES = 16

_T = TypeVar("_T")
_Column = Callable[[Values], _T | None]
"""Reads one column of a row; None where the row has no value there."""


class Translator:
    """One mapping, ready for rows."""

    def __init__(self, mapping: ImportMapping) -> None:
        self._missing = frozenset(["", *mapping.missing])
        self._nested = mapping.format == "jsonl"
        read_time = time_reader(mapping.time.format, ZoneInfo(mapping.time.zone))
        self._time = _required(mapping.time.column, self._column(mapping.time.column, read_time))
        self._customer = _required(mapping.customer, self._column(mapping.customer, read_text))
        self._event = self._event_column(mapping.event)
        number = read_comma_number if mapping.decimal == "," else read_number
        self._properties = [
            (name, self._column(part.column, number if part.type == "number" else read_text))
            for name, part in mapping.properties.items()
        ]
        self._constants = mapping.constants
        self._encode = msgspec.json.Encoder().encode
        self._encode_canonical = msgspec.json.Encoder(order="deterministic").encode

    def __call__(self, values: Values) -> tuple[int, bytes] | None:
        """Return the event's time in milliseconds and its line, or None where it is to be skipped.

        Raises:
            RowError: the row cannot become an event.
        """
        message_id = self._message_id(values)
        event = self._event(values)
        if event is None:
            return None
        time = self._time(values)
        properties: dict[str, object] = {}
        user_id = self._customer(values)
        for name, read in self._properties:
            value = read(values)
            if value is not None:
                properties[name] = value
        for name, constant in self._constants.items():
            properties.setdefault(name, constant)
        line = self._encode(
            {
                "type": "track",
                "event": event,
                "messageId": message_id,
                "userId": user_id,
                "timestamp": format_time(EventTime(time)),
                "properties": properties,
            }
        )
        return time, line + b"\n"

    def _message_id(self, values: Values) -> str:
        try:
            content = self._encode_canonical(values)
        except UnicodeEncodeError as error:
            raise RowError("not UTF-8") from error
        except RecursionError as error:
            raise RowError("nested too deeply") from error
        return hashlib.blake2b(content, digest_size=_MESSAGE_ID_BYTES).hexdigest()

    def _event_column(self, mapped: EventColumn) -> _Column[str]:
        if mapped.column is None:
            return lambda _values: mapped.always
        column, names = mapped.column, mapped.names
        read_value = _required(column, self._column(column, read_text))

        def read(values: Values) -> str | None:
            value = read_value(values)
            name = names.get(value)
            if name is not None:
                return name
            if mapped.others == "reject":
                expected = ", ".join(names)
                raise RowError(f"{column}: found {shown(value)}, expected one of {expected}")
            return value if mapped.others == "keep" else None

        return read

    def _column(self, column: str, read_value: Callable[[object], _T]) -> _Column[_T]:
        missing = self._missing
        path = column.split(".") if self._nested else [column]
        name = path[0]
        alone = len(path) == 1

        def read(values: Values) -> _T | None:
            value = values.get(name) if alone else value_at(values, path)
            if value is None or (isinstance(value, str) and value in missing):
                return None
            try:
                return read_value(value)
            except RowError as error:
                raise RowError(f"{column}: {error}") from error

        return read


def _required(column: str, read: _Column[_T]) -> Callable[[Values], _T]:
    def read_required(values: Values) -> _T:
        value = read(values)
        if value is None:
            raise RowError(f"{column}: missing or empty")
        return value

    return read_required
