"""Recorded files as one stream of lines: merged by event time, or one after the other by name.

Merging takes, again and again, the file whose next line is the earliest; lines that are out of
order inside a file follow those before them, and lines that are no events pass at once. That is
the same as sorting by (greatest time so far in the file, file, line), which is done by the block.
"""

from collections import deque
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from connectors.errors import FileProblem, SourceProblem
from connectors.line_file import BEGINNING, BLOCK_BYTES, LineFile, Position, position_after
from operators.heads import LineReader
from operators.lines import Ints, Lines, join
from operators.rejections import Origin
from operators.times import AFTER_ALL, BEFORE_ALL

Order = Literal["time", "name"]


class RecordedFiles(msgspec.Struct, frozen=True, tag="recorded"):
    """Files that are complete.

    Attributes:
        readers: the files of each reader.
        order: how a reader's files become one stream.
    """

    readers: list[list[str]]
    order: Order


class RecordedPositions(msgspec.Struct, frozen=True, tag="recorded"):
    """Where a reader of recorded files goes on.

    Attributes:
        files: their names.
        order: how they become one stream.
        positions: in each file.
    """

    files: list[str]
    order: Order
    positions: list[Position]

    def names(self) -> Sequence[str]:
        """Return what is read."""
        return self.files

    def check(self, source: RecordedFiles, number: int) -> None:
        """Check that a reader is given the files that it has read before.

        Raises:
            SourceProblem: it is given others, or in another order.
        """
        files = source.readers[number]
        if self.files != files:
            added = sorted(set(files) - set(self.files))
            if added and set(self.files) <= set(files):
                raise SourceProblem(
                    f"{added[0]} cannot be added: this state replays the files that it has begun"
                    " with. `cartwheel run` takes further files from a folder that it follows"
                )
            odd = sorted(set(self.files) ^ set(files)) or files
            names = ", ".join(self.files[:_NAMED]) + (", …" if len(self.files) > _NAMED else "")
            raise SourceProblem(
                f"the state's reader {number} has read other files than it is given now"
                f" ({odd[0]} differs); name the same ones in the same order ({names}),"
                " or start a new state"
            )
        if self.order != source.order:
            raise SourceProblem(
                f"the state has taken its files in order of {self.order}, not {source.order};"
                " that cannot change later"
            )


TICK_BYTES = 16 << 20
"""The most that a tick holds, but for its last line, however few lines that is."""

OPEN_FILES = 100
"""How many files may overlap in time."""

_NAMED = 5  # files in a message
_PEEK_BYTES = 64 * 1024


class _OpenFile:
    """An open file, the lines that were read ahead of it, and their places in the merge."""

    def __init__(self, file: LineFile) -> None:
        self.file = file
        self.lines: Lines = join([])
        self.keys: Ints = np.empty(0, np.int64)
        self._greatest: int = BEFORE_ALL

    def fill(self) -> bool:
        """Read on if nothing is left; tell whether there is anything."""
        if not len(self.lines):
            lines = self.file.read()
            if lines is None:
                return False
            times = lines.times
            if lines.rejected:
                times = times.copy()
                times[list(lines.rejected)] = BEFORE_ALL
            self.lines = lines
            self.keys = np.maximum(np.maximum.accumulate(times), self._greatest)
            self._greatest = int(self.keys[-1])
        return True

    def take(self, count: int) -> Lines:
        """Take the first lines."""
        taken = self.lines.slice(0, count)
        self.lines = self.lines.slice(count, len(self.lines))
        self.keys = self.keys[count:]
        return taken


class Replay:
    """The lines of a reader's files, in order; an Input.

    Attributes:
        ended: whether everything was taken.

    Args:
        files: their paths.
        reader: says what the lines are.
        order: how they become one stream.
        positions: where to go on in each file; none: at the beginning of all.

    Raises:
        FileProblem: a file cannot be read.
    """

    def __init__(
        self,
        files: Sequence[str],
        reader: LineReader,
        *,
        order: Order,
        positions: Sequence[Position] = (),
    ) -> None:
        self.ended = False
        self._order = order
        self._positions = list(positions) or [BEGINNING] * len(files)
        self._all_read = False
        self._problem: FileProblem | None = None
        self._files = files
        self._reader = reader
        self._ready: Lines = join([])
        self._open: dict[int, _OpenFile] = {}
        self._bytes_closed = 0
        if order == "time" and len(files) > 1:
            waiting = [(self._first_time(index), index) for index in range(len(files))]
            self._waiting = deque(sorted(waiting))
        else:
            by_name = sorted(range(len(files)), key=lambda index: files[index])
            self._waiting = deque((AFTER_ALL, index) for index in by_name)

    def take(self, count: int, size: int = TICK_BYTES) -> Lines:
        """Return the next lines, fewer than asked for only at the end or before a problem.

        Args:
            count: the most lines.
            size: how many bytes are enough; the line that reaches them is the last.

        Raises:
            FileProblem: a file cannot be read, and all before it was taken.
        """
        lines = self._read(count, size)
        if self._problem and not len(lines):
            raise self._problem
        if lines.size > size:
            lengths = np.fromiter(map(len, lines.raw), np.int64, len(lines)) + 1
            count = min(count, int(np.searchsorted(np.cumsum(lengths), size)) + 1)
        taken = lines.slice(0, count)
        self._ready = lines.slice(count, len(lines))
        self.ended = self._all_read and not len(self._ready)
        self._note_positions(taken)
        return taken

    def _read(self, count: int, size: int) -> Lines:
        """Return at least so many lines or bytes, unless there are no more or a problem."""
        parts = [self._ready]
        have, have_size = len(self._ready), self._ready.size
        while have < count and have_size < size and not self._all_read and not self._problem:
            try:
                lines = self._next()
            except FileProblem as problem:
                self._problem = problem
                break
            if lines is None:
                self._all_read = True
                break
            parts.append(lines)
            have += len(lines)
            have_size += lines.size
        return join(parts)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What the places of lines mean."""
        return tuple(self._files)

    def positions(self) -> RecordedPositions:
        """Return where to go on after what was taken."""
        return RecordedPositions(list(self._files), self._order, list(self._positions))

    def bytes_read(self) -> int:
        """Return how many bytes of the files were read so far, for progress."""
        return self._bytes_closed + sum(each.file.bytes_read() for each in self._open.values())

    def close(self) -> None:
        """Close all files."""
        for each in self._open.values():
            each.file.close()

    def _next(self) -> Lines | None:
        """Return some lines that come next; None at the end."""
        self._close_ended()
        if not self._open and not self._open_next():
            return None
        while self._waiting and self._waiting[0] <= self._limit():
            self._open_next()
        if len(self._open) == 1:
            (only,) = self._open.values()
            return only.take(len(only.lines))
        return self._merge()

    def _limit(self) -> tuple[int, int]:
        """Return up to where in the merge all lines are in memory: greatest time, file."""
        return min((int(each.keys[-1]), index) for index, each in self._open.items())

    def _merge(self) -> Lines:
        """Take the lines up to the limit from all open files, in order."""
        limit, last_file = self._limit()
        parts, keys = [], []
        for index in sorted(self._open):
            each = self._open[index]
            bound = limit + 1 if index <= last_file else limit
            count = int(np.searchsorted(each.keys, bound))
            keys.append(each.keys[:count])
            parts.append(each.take(count))
        order: Ints = np.argsort(np.concatenate(keys), kind="stable")
        return join(parts).take(order)

    def _close_ended(self) -> None:
        for index, each in list(self._open.items()):
            if not each.fill():
                self._bytes_closed += each.file.bytes_read()
                each.file.close()
                del self._open[index]

    def _open_next(self) -> bool:
        """Open the next file that has lines left; tell whether there was one."""
        while self._waiting:
            if len(self._open) == OPEN_FILES:
                raise FileProblem(
                    f"more than {OPEN_FILES} files overlap in time;"
                    " merge some of them first, or take them one after the other by name"
                )
            _, index = self._waiting.popleft()
            each = _OpenFile(self._line_file(index))
            if each.fill():
                self._open[index] = each
                return True
            each.file.close()
        return False

    def _first_time(self, index: int) -> int:
        """Find the place of a file's first line in the merge, without reading it all."""
        file = self._line_file(index, block_bytes=_PEEK_BYTES)
        lines = file.read()
        file.close()
        return BEFORE_ALL if lines is None or 0 in lines.rejected else int(lines.times[0])

    def _line_file(self, index: int, block_bytes: int = BLOCK_BYTES) -> LineFile:
        return LineFile(
            self._files[index],
            index,
            self._reader,
            position=self._positions[index],
            block_bytes=block_bytes,
        )

    def _note_positions(self, taken: Lines) -> None:
        """Note where to go on after these lines."""
        files = taken.places[0]
        for index in np.unique(files).tolist():
            last = int(np.flatnonzero(files == index)[-1])
            self._positions[index] = position_after(taken, last)
