"""Turns records of a topic into lines of input, and keeps what a line cannot hold."""

from collections.abc import Iterator, Sequence

import numpy as np

from connectors.importing.errors import RowError
from connectors.kafka.client_interface import Records
from connectors.kafka.mapped_records import MAP, RecordMapping
from operators.heads import LineReader
from operators.lines import Envelope, Ints, Lines
from operators.rejections import Rejection

_BLOCK_BYTES = 1 << 18  # what is decoded at once
_FRAMING = b"\0"  # how a value begins that was written with a schema registry


class RecordLines:
    """Reads records.

    Args:
        mapping: text of a mapping file for records that are no Segment events, empty for none.

    Raises:
        MappingError: the mapping is wrong.
    """

    def __init__(self, mapping: str = "") -> None:
        self._mapping = RecordMapping(mapping) if mapping else None

    def read(self, records: Records, now: Ints, reader: LineReader) -> list[Lines]:
        """Turn records into lines, some at a time; those that the mapping skips become none.

        Args:
            records: of one partition.
            now: what each event without ``receivedAt`` is held against, shape (n,).
            reader: says what the values are.
        """
        return [
            self._read(_slice(records, slice(start, stop)), now[start:stop], reader)
            for start, stop in _blocks(records.values)
        ]

    def _read(self, records: Records, now: Ints, reader: LineReader) -> Lines:
        if self._mapping is None:
            return _lines(records, [_line(value) for value in records.values], now, reader)
        return _mapped(self._mapping, records, now, reader)


def _mapped(mapping: RecordMapping, records: Records, now: Ints, reader: LineReader) -> Lines:
    """Read records by a mapping; what it cannot read becomes a blank line that says why."""
    kept: list[int] = []
    raw: list[bytes] = []
    refused: dict[int, Rejection] = {}
    for index, value in enumerate(records.values):
        line: bytes | None = b""
        if value is not None:
            try:
                line = mapping.event(value)
            except RowError as error:
                refused[len(raw)] = Rejection(MAP, str(error))
        if line is not None:
            kept.append(index)
            raw.append(line)
    some = _at(records, kept)
    lines = _lines(some, raw, now[kept], reader)
    for index, rejection in refused.items():
        lines.rejected[index] = _told(rejection, some.values[index], reader, is_new=True)
    return lines


def _lines(records: Records, raw: list[bytes], now: Ints, reader: LineReader) -> Lines:
    """Find customers and times of records, given as events too, and keep what came."""
    places = np.zeros((3, len(raw)), np.int64)
    places[0] = records.partition
    places[2] = records.offsets
    lines = reader.read_records(raw, places, now)
    for index, rejection in lines.rejected.items():
        lines.rejected[index] = _told(rejection, records.values[index], reader)
    if reader.minimizer is not None:
        return lines  # nobody can look into keys and headers, so they are not kept
    columns = zip(records.keys, records.headers, records.values, raw, lines.customers, strict=True)
    for index, (key, headers, value, line, customer) in enumerate(columns):
        is_line = line is value
        if headers or not is_line or not customer or key != customer.encode():
            lines.envelopes[index] = Envelope(
                key, headers, is_line=is_line, value=None if is_line else value
            )
    return lines


def _slice(records: Records, part: slice) -> Records:
    partition, offsets, timestamps, keys, values, headers = records
    return Records(
        partition, offsets[part], timestamps[part], keys[part], values[part], headers[part]
    )


def _at(records: Records, indices: Sequence[int]) -> Records:
    partition, offsets, timestamps, keys, values, headers = records
    return Records(
        partition,
        [offsets[index] for index in indices],
        [timestamps[index] for index in indices],
        [keys[index] for index in indices],
        [values[index] for index in indices],
        [headers[index] for index in indices],
    )


def _blocks(values: Sequence[bytes | None]) -> Iterator[tuple[int, int]]:
    """Cut values into blocks that are decoded at once."""
    start = size = 0
    for index, value in enumerate(values):
        size += 1 + len(value or b"")
        if size > _BLOCK_BYTES:
            yield start, index + 1
            start, size = index + 1, 0
    if start < len(values):
        yield start, len(values)


def _line(value: bytes | None) -> bytes:
    """Return a value without newlines, which in JSON stand only between tokens."""
    if value is None:
        return b""
    return value.replace(b"\n", b" ") if b"\n" in value else value


def _told(
    rejection: Rejection, value: bytes | None, reader: LineReader, *, is_new: bool = False
) -> Rejection:
    """Say why a record is rejected, and which it was where it is withheld."""
    explained = _explained(rejection, value)
    if reader.minimizer is None or value is None or (explained is rejection and not is_new):
        return explained
    return reader.minimizer.withheld(explained, value)


def _explained(rejection: Rejection, value: bytes | None) -> Rejection:
    """Say what is peculiar to records."""
    if value is None:
        return Rejection(rejection.stage, "a tombstone: the record has no value")
    if value.startswith(_FRAMING):
        reason = "not JSON: it begins with a byte 0, as what a schema registry frames does"
        return Rejection(rejection.stage, reason)
    return rejection
