"""Reads a file of customers, such as the export of a CRM: CSV with a line of column names.

Whatever is wrong with it is an error with its line: no row is passed over, no value is guessed.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, NoReturn

from connectors.compression import DAMAGED, decompressed
from connectors.errors import FileProblem
from connectors.importing.errors import RowError
from connectors.importing.values import read_number, shown
from connectors.importing.wording import listed, quote, suggestion
from operators.features.row_values import row_number
from operators.head_types import NAME_CHARACTERS

ColumnType = Literal["text", "number", "true_false"]
Value = str | float | bool | None

ROW_BYTES_MOST = 1 << 20
"""The longest row, with all its lines."""

PROBLEMS_MOST = 20
"""After so many wrong values reading stops."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TRUE_FALSE = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


class AttributesError(FileProblem):
    """A file of customers is not what the config says, or cannot be read.

    Attributes:
        file: its path.
        problems: everything that was found: the line, 1 where it is about the whole, and what.
    """

    def __init__(self, file: str, problems: Sequence[tuple[int, str]]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda each: each[0]))
        super().__init__("\n".join(f"{file}:{line}: {what}" for line, what in self.problems))


@dataclass(frozen=True)
class CustomersFile:
    """Which file, and what of it.

    Attributes:
        file: its path; ``.gz`` and ``.zst`` are decompressed.
        customer: the column with the customers' ids.
        columns: the columns to read, and what each holds.
    """

    file: str
    customer: str
    columns: Mapping[str, ColumnType]


class CustomerRow(NamedTuple):
    """What the file says of one customer.

    Attributes:
        line: where the row begins, from 1.
        customer: the id.
        values: of the columns, in their order; None where a cell is empty.
    """

    line: int
    customer: str
    values: list[Value]


class OpenCustomers:
    """A file of customers that is open.

    Attributes:
        source: a text that is another when the bytes of the file or the customers' column are.

    Args:
        plan: which file.
        raw: the file, opened for reading.
    """

    def __init__(self, plan: CustomersFile, raw: BufferedReader) -> None:
        self._plan = plan
        self._raw = raw
        self._digest = self._digest_now()
        told = f"{plan.customer}\n{self._digest}"
        self.source = hashlib.sha256(told.encode()).hexdigest()
        self._lines = _Lines(plan.file, raw)
        self._problems: list[tuple[int, str]] = []

    def rows(self) -> Iterator[CustomerRow]:
        """Give every row that is right, once; note what is wrong with the others.

        Raises:
            AttributesError: there is no going on.
        """
        self._raw.seek(0)
        rows = self._rows_of_cells()
        line, header = next(rows, (1, []))
        customer, *places = self._places(header, line)
        columns = list(zip(self._plan.columns.items(), places, strict=True))
        for line, cells in rows:
            if len(cells) != len(header):
                self._fail(line, f"found {len(cells)} cells, expected {len(header)}{_hint(cells)}")
            column = self._plan.customer
            try:
                _check_id(cells[customer])
                values: list[Value] = []
                for (column, kind), place in columns:  # noqa: B007 (named by the error)
                    values.append(_READERS[kind](cells[place]))
            except RowError as error:
                self.note(line, f"{column}: {error}")
            else:
                yield CustomerRow(line, cells[customer], values)

    def finish(self) -> None:
        """Say what was wrong with the rows.

        Raises:
            AttributesError: with all of it, or the file has changed since it was opened.
        """
        if self._problems:
            raise AttributesError(self._plan.file, self._problems)
        if self._digest_now() != self._digest:
            self._fail(1, "the file was changed while it was read; try again")

    def note(self, line: int, what: str) -> None:
        """Take note of what is wrong with a row.

        Raises:
            AttributesError: it is enough.
        """
        self._problems.append((line, what))
        if len(self._problems) >= PROBLEMS_MOST:
            raise AttributesError(self._plan.file, self._problems)

    def _rows_of_cells(self) -> Iterator[tuple[int, list[str]]]:
        """Give the cells of each row, and the line where it begins; blank lines are none."""
        lines = self._lines
        cells_of_rows = csv.reader(lines, strict=True)
        while True:
            lines.row_bytes = 0
            line = lines.number + 1
            try:
                cells = next(cells_of_rows)
            except StopIteration:
                return
            except (csv.Error, RowError) as error:
                self._fail(line, f"the row cannot be read: {error}")
            if cells:
                yield line, cells

    def _places(self, header: Sequence[str], line: int) -> list[int]:
        """Find the customers' column, then the others.

        Raises:
            AttributesError: with each column that is not there once.
        """
        wanted = [self._plan.customer, *self._plan.columns]
        if not header:
            self._fail(line, f"found nothing, expected a line with the columns {listed(wanted)}")
        if _hint(header):
            self._fail(line, f"found one column {quote(header[0])}{_hint(header)}")
        for name in dict.fromkeys(wanted):
            if header.count(name) > 1:
                self.note(line, f"there are {header.count(name)} columns {quote(name)}")
            elif name not in header:
                near = suggestion(name, header) or f"; there are {listed(header)}"
                self.note(line, f"there is no column {quote(name)}{near}")
        if self._problems:
            raise AttributesError(self._plan.file, self._problems)
        return [header.index(name) for name in wanted]

    def _digest_now(self) -> str:
        self._raw.seek(0)
        return hashlib.file_digest(self._raw, "sha256").hexdigest()

    def _fail(self, line: int, what: str) -> NoReturn:
        raise AttributesError(self._plan.file, [*self._problems, (line, what)])


@contextmanager
def open_customers(plan: CustomersFile) -> Iterator[OpenCustomers]:
    """Open a file of customers.

    Raises:
        AttributesError: it cannot be opened or read.
    """
    try:
        with Path(plan.file).open("rb") as raw:
            yield OpenCustomers(plan, raw)
    except OSError as error:
        if error.filename not in (None, plan.file):
            raise
        what = f"cannot be read: {error.strerror or error}"
        raise AttributesError(plan.file, [(1, what)]) from error


class _Lines:
    """The lines of a file as text, with their numbers.

    Attributes:
        number: of the last line given, from 1.
        row_bytes: given since it was set to 0.
    """

    def __init__(self, file: str, raw: BufferedReader) -> None:
        self.number = 0
        self.row_bytes = 0
        self._file = file
        self._raw = raw
        self._stream: BinaryIO | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._stream is None:
            self._stream = decompressed(self._file, self._raw)
        line = self._read(self._stream)
        if not line:
            raise StopIteration
        self.number += 1
        self.row_bytes += len(line)
        if self.row_bytes > ROW_BYTES_MOST:
            raise RowError(f"it has more than {ROW_BYTES_MOST:,} bytes; is a quote not closed?")
        if self.number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            found = f"found the byte 0x{line[error.start]:02x}, expected text in UTF-8"
            raise AttributesError(self._file, [(self.number, found)]) from None

    def _read(self, stream: BinaryIO) -> bytes:
        try:
            return stream.readline(ROW_BYTES_MOST + 1)
        except EOFError:
            what = "the compressed file ends too early; it was truncated, fetch it again"
        except DAMAGED as error:
            what = f"damaged, or not compressed as its name says ({error})"
        raise AttributesError(self._file, [(self.number + 1, what)])


def _check_id(cell: str) -> None:
    if not cell.strip():
        raise RowError("found nothing, expected a customer's id")
    if len(cell) > NAME_CHARACTERS:
        raise RowError(f"found {len(cell):,} characters, expected at most {NAME_CHARACTERS:,}")


def _text(cell: str) -> str | None:
    if len(cell) > NAME_CHARACTERS:
        raise RowError(f"found {len(cell):,} characters, expected at most {NAME_CHARACTERS:,}")
    return cell if cell.strip() else None


def _number(cell: str) -> float | None:
    text = cell.strip()
    return row_number(read_number(text)) if text else None


def _true_false(cell: str) -> bool | None:
    text = cell.strip()
    if not text:
        return None
    try:
        return _TRUE_FALSE[text.lower()]
    except KeyError:
        raise RowError(f"found {shown(text)}, expected true or false, yes or no, 1 or 0") from None


_READERS: Mapping[ColumnType, Callable[[str], Value]] = {
    "text": _text,
    "number": _number,
    "true_false": _true_false,
}


def _hint(cells: Sequence[str]) -> str:
    """Say what the file is probably separated by, where a row is one cell."""
    if len(cells) != 1:
        return ""
    found = [name for sign, name in _OTHER_DELIMITERS.items() if sign in cells[0]]
    return f" (cells are separated by commas here, not by {found[0]})" if found else ""
