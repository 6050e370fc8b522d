"""Turns records of a topic into lines of input, and keeps what a line cannot hold."""

from collections.abc import Iterator, Sequence

import numpy as np

from connectors.kafka.client_interface import Records
from operators.heads import LineReader
from operators.lines import Envelope, Ints, Lines
from operators.rejections import Rejection

_BLOCK_BYTES = 1 << 18  # what is decoded at once
_FRAMING = b"\0"  # how a value begins that was written with a schema registry


class RecordLines:
    """Reads records.

    Args:
        mapping: text of a mapping file for records that are no Segment events, empty for none.
    """

    def __init__(self, mapping: str = "") -> None:
        assert not mapping, "mappings are not read yet"

    def read(self, records: Records, now: Ints, reader: LineReader) -> list[Lines]:
        """Turn records into lines, some at a time.

        Args:
            records: of one partition.
            now: what each event without ``receivedAt`` is held against, shape (n,).
            reader: says what the values are.
        """
        return [
            self._read(records, slice(start, stop), now, reader)
            for start, stop in _blocks(records.values)
        ]

    def _read(self, records: Records, part: slice, now: Ints, reader: LineReader) -> Lines:
        values = records.values[part]
        raw = [_line(value) for value in values]
        places = np.zeros((3, len(raw)), np.int64)
        places[0] = records.partition
        places[2] = records.offsets[part]
        lines = reader.read_records(raw, places, now[part])
        for index, rejection in lines.rejected.items():
            lines.rejected[index] = _explained(rejection, values[index])
        columns = zip(
            records.keys[part], records.headers[part], values, raw, lines.customers, strict=True
        )
        for index, (key, headers, value, line, customer) in enumerate(columns):
            is_line = line is value
            if headers or not is_line or not customer or key != customer.encode():
                lines.envelopes[index] = Envelope(
                    key, headers, is_line=is_line, value=None if is_line else value
                )
        return lines


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


def _explained(rejection: Rejection, value: bytes | None) -> Rejection:
    """Say what is peculiar to records."""
    if value is None:
        return Rejection(rejection.stage, "a tombstone: the record has no value")
    if value.startswith(_FRAMING):
        reason = "not JSON: it begins with a byte 0, as what a schema registry frames does"
        return Rejection(rejection.stage, reason)
    return rejection
