"""Reads rows out of an input's lines: tables (CSV, TSV) and JSON lines.

Whatever cannot be read comes out as a row too, with the reason, and the next line is tried.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from connectors.importing.errors import MappingError, RowError
from connectors.importing.header import check_header, delimiter_hint
from connectors.importing.mapping import ImportMapping
from connectors.importing.opening import LINE_BYTES_MAX, Input
from connectors.importing.values import shown

Values = Mapping[str, object]


class Row(NamedTuple):
    """One source row: what it holds by column, or why it cannot be read."""

    line: int
    values: Values | RowError
    original: bytes | None
    """The source's bytes; None where the row is a part of a line."""


def read_rows(source: Input, mapping: ImportMapping) -> Iterator[Row]:
    """Yield every row of the input; blank lines hold none."""
    if mapping.format == "jsonl":
        return _json_rows(source.lines(), mapping.each)
    return _table_rows(source, mapping)


def value_at(values: object, path: list[str]) -> object:
    """Follow a path of names into nested JSON objects; None where it leads nowhere."""
    for name in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(name)
    return values


# Tables


class _Lines:
    """Feeds a csv reader, remembers what it took for the row at hand, and takes lines back."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.taken: list[bytes] = []
        self.number = 0
        self._lines = iter(lines)
        self._given_back: deque[bytes] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        if len(line) >= LINE_BYTES_MAX:
            raise RowError(f"the line is longer than {LINE_BYTES_MAX:,} bytes")
        # What is not UTF-8 is noticed when the row is encoded; until then it must not stop us.
        return line.decode("utf-8", "surrogateescape")

    def keep_first(self) -> None:
        """Take back all lines of the row at hand but its first."""
        self._given_back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]


def _table_rows(source: Input, mapping: ImportMapping) -> Iterator[Row]:
    lines = _Lines(source.lines())
    quotes = mapping.format == "csv" if mapping.quotes is None else mapping.quotes
    cells_of_rows = csv.reader(
        lines,
        delimiter=mapping.separator,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    columns = mapping.columns
    while True:
        lines.taken.clear()
        line = lines.number + 1
        problem: RowError | None = None
        try:
            cells = next(cells_of_rows)
        except StopIteration:
            return
        except (csv.Error, RowError) as error:
            # A quote that is never closed swallows good lines: refuse the first, try the others.
            lines.keep_first()
            cells, problem = [], RowError(str(error))
        if problem is None and not cells:
            continue  # a blank line
        if columns is None:
            if problem is not None:
                raise MappingError(f"{source.name}:{line}: the header cannot be read: {problem}")
            check_header(cells, mapping, source.name, line)
            columns = cells
            continue
        if problem is None and len(cells) != len(columns):
            hint = delimiter_hint(cells, mapping)
            problem = RowError(f"found {len(cells)} columns, expected {len(columns)}{hint}")
        original = b"".join(lines.taken).rstrip(b"\r\n")
        yield Row(line, problem or dict(zip(columns, cells, strict=True)), original)


# JSON lines


def _json_rows(lines: Iterable[bytes], each: str | None) -> Iterator[Row]:
    decoder = msgspec.json.Decoder()
    path = None if each is None else each.split(".")
    for number, line in enumerate(lines, start=1):
        original = line.rstrip(b"\r\n")
        if not original.strip():
            continue
        values = json_object(decoder, original)
        if path is None or isinstance(values, RowError):
            yield Row(number, values, original)
            continue
        items = value_at(values, path)
        if not isinstance(items, list):
            reason = RowError(f"{each}: found {shown(items)}, expected a list of events")
            yield Row(number, reason, original)
            continue
        for item in items:
            yield Row(number, _with(values, path, item), None)


def json_object(decoder: "msgspec.json.Decoder[object]", line: bytes) -> Values | RowError:
    """Return the object that a text holds, or why it holds none."""
    if len(line) >= LINE_BYTES_MAX:
        return RowError(f"the line is longer than {LINE_BYTES_MAX:,} bytes")
    try:
        values = decoder.decode(line)
    except msgspec.DecodeError as error:
        return RowError(f"not JSON: {error}")
    except UnicodeDecodeError:
        return RowError("not UTF-8")
    except RecursionError:
        return RowError("nested too deeply")
    if not isinstance(values, dict):
        return RowError(f"found {shown(values)}, expected a JSON object")
    return values


def _with(values: Values, path: list[str], item: object) -> Values:
    """Copy the objects along the path and put the item in place of the list at its end."""
    name, *rest = path
    if not rest:
        return {**values, name: item}
    inner = values[name]
    assert isinstance(inner, Mapping)  # the list was found by this path
    return {**values, name: _with(inner, rest, item)}
