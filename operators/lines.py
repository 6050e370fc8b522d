"""Lines of input as columns: who, when, where; and what records of topics have besides."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from operators.identity_plan import Names
from operators.rejections import Rejection

Ints = NDArray[np.int64]

T = TypeVar("T")

_NO_TIMES = np.empty(0, np.int64)
_NO_PLACES = np.empty((3, 0), np.int64)


Headers = tuple[tuple[str, bytes | None], ...]
"""What a record of a topic carries beside its key and its value."""


class Envelope(NamedTuple):
    """What came with a line that was a record's value, and cannot be told from the line.

    Attributes:
        key: of the record.
        headers: of the record.
        is_line: whether the record's value is the line.
        value: of the record, where it is not the line.
    """

    key: bytes | None
    headers: Headers = ()
    is_line: bool = True
    value: bytes | None = None


@dataclass(slots=True)
class Lines:
    """Some lines of input, in order.

    Attributes:
        raw: the lines, without their newlines.
        customers: of each line, empty where it was rejected.
        times: event times in ms, shape (n,); 0 where the line was rejected.
        places: origin, line and offset, shape (3, n); the origin as an index of the reader's.
        rejected: why, by index.
        envelopes: by index; none where it is a record's with the customer as its key and without
            headers, or a file's.
        names: whom the lines name beside their customers; None where anonymous ids are linked to
            nobody.
        lengths: of each line as it came, where lines were changed since.
    """

    raw: list[bytes]
    customers: list[str]
    times: Ints
    places: Ints
    rejected: dict[int, Rejection]
    envelopes: dict[int, Envelope] = field(default_factory=dict)
    names: Names | None = None
    lengths: Ints | None = None

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def size(self) -> int:
        """How many bytes are kept of the lines, with their newlines."""
        return sum(map(len, self.raw)) + len(self.raw)

    def length(self, index: int) -> int:
        """Return how many bytes a line had in its file, without its newline."""
        if self.lengths is not None:
            return int(self.lengths[index])
        rejection = self.rejected.get(index)
        kept = len(self.raw[index])
        return rejection.length if rejection and rejection.length else kept

    def reject_whole(self, index: int, rejection: Rejection) -> None:
        """Reject a line as a whole, unless it is already."""
        known = self.rejected.get(index)
        if known is None or known.field:
            self.rejected[index] = rejection
            self.customers[index], self.times[index] = "", 0

    def slice(self, start: int, stop: int) -> "Lines":
        """Return the lines from start to before stop."""
        return Lines(
            self.raw[start:stop],
            self.customers[start:stop],
            self.times[start:stop],
            self.places[:, start:stop],
            _between(self.rejected, start, stop),
            _between(self.envelopes, start, stop),
            self.names.slice(start, stop) if self.names else None,
            None if self.lengths is None else self.lengths[start:stop],
        )

    def take(self, order: Ints) -> "Lines":
        """Return the lines at these indices."""
        indices = order.tolist()
        return Lines(
            [self.raw[i] for i in indices],
            [self.customers[i] for i in indices],
            self.times[order],
            self.places[:, order],
            _at(self.rejected, indices),
            _at(self.envelopes, indices),
            self.names.take(indices) if self.names else None,
            None if self.lengths is None else self.lengths[order],
        )


def join(parts: list[Lines]) -> Lines:
    """Put lines one after the other."""
    parts = [part for part in parts if part.raw]
    if len(parts) == 1:
        return parts[0]
    raw: list[bytes] = []
    customers: list[str] = []
    rejected: dict[int, Rejection] = {}
    envelopes: dict[int, Envelope] = {}
    for part in parts:
        rejected.update((len(raw) + i, why) for i, why in part.rejected.items())
        envelopes.update((len(raw) + i, each) for i, each in part.envelopes.items())
        raw += part.raw
        customers += part.customers
    times: Ints = np.concatenate([_NO_TIMES, *(part.times for part in parts)])
    places: Ints = np.concatenate([_NO_PLACES, *(part.places for part in parts)], axis=1)
    lengths: Ints | None = None
    if any(part.lengths is not None for part in parts):
        came = [part.length(index) for part in parts for index in range(len(part))]
        lengths = np.array(came, np.int64)
    names = _join_names(parts)
    return Lines(raw, customers, times, places, rejected, envelopes, names, lengths)


def _join_names(parts: list[Lines]) -> Names | None:
    """Put names one after the other, where lines have any; one that was cut off has none."""
    if not any(part.names for part in parts):
        return None
    names = [part.names or Names.of_nobody(len(part)) for part in parts]
    naming = np.concatenate([each.naming for each in names])
    return Names(naming, [text for each in names for text in each.anonymous])


def _between(values: dict[int, T], start: int, stop: int) -> dict[int, T]:
    return {i - start: value for i, value in values.items() if start <= i < stop}


def _at(values: dict[int, T], indices: list[int]) -> dict[int, T]:
    return {n: values[i] for n, i in enumerate(indices) if i in values} if values else {}
