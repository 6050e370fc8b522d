"""The import itself: rows of all inputs in, one stream of events in time order out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from connectors.importing.errors import RowError
from connectors.importing.mapping import ImportMapping
from connectors.importing.opening import open_input
from connectors.importing.rows import Row, read_rows
from connectors.importing.sorting import EventSorter
from connectors.importing.translate import Translator

_ROWS_PER_REPORT = 10_000


@dataclass(frozen=True)
class Reject:
    """A row that could not become an event."""

    file: str
    line: int
    reason: str
    original: bytes


@dataclass
class Counts:
    """What became of the rows."""

    events: int = 0
    rejected: int = 0
    skipped: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return self.events + self.rejected + self.skipped


def read_events(
    paths: Sequence[str],
    mapping: ImportMapping,
    sorter: EventSorter,
    *,
    on_reject: Callable[[Reject], None],
    on_progress: Callable[[int], None],
) -> Counts:
    """Read all inputs into the sorter, one after the other.

    Args:
        paths: files, ``-`` for standard input.
        mapping: what their columns mean.
        sorter: takes the events; drain it afterwards.
        on_reject: told of every row that cannot be used.
        on_progress: told now and then how many bytes of the files have been read.

    Raises:
        ImportingError: an input cannot be read to its end, or does not fit the mapping.
    """
    translate = Translator(mapping)
    counts = Counts()
    finished_bytes = 0
    for path in paths:
        with open_input(path) as source:
            for number, row in enumerate(read_rows(source, mapping)):
                try:
                    event = _translated(row, translate)
                except RowError as error:
                    counts.rejected += 1
                    on_reject(Reject(source.name, row.line, str(error), _original(row)))
                else:
                    if event is None:
                        counts.skipped += 1
                    else:
                        counts.events += 1
                        sorter.add(*event)
                if number % _ROWS_PER_REPORT == 0:
                    on_progress(finished_bytes + source.position())
            finished_bytes += source.position()
            on_progress(finished_bytes)
    return counts


def _translated(row: Row, translate: Translator) -> tuple[int, bytes] | None:
    if isinstance(row.values, RowError):
        raise row.values
    return translate(row.values)


def _original(row: Row) -> bytes:
    return msgspec.json.encode(row.values) if row.original is None else row.original


def chunks(lines: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Group lines for writing."""
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
