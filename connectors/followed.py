"""A folder that files are put into and appended to, as one stream of lines that goes on and on.

Files are read in order of their names, each as far as its lines are whole; what is appended later
is read later. The folder is one partition: what comes later in this order is newer.
"""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

import msgspec

from connectors.errors import FileProblem, TruncatedFile
from connectors.line_file import (
    BEGINNING,
    ENDINGS,
    LineFile,
    Position,
    is_compressed,
    position_after,
)
from operators.heads import LineReader
from operators.lines import Lines, join
from operators.rejections import Origin

_SCAN_EVERY_S = 0.2


class FollowedFiles(msgspec.Struct, frozen=True, tag="followed"):
    """Folders, files or patterns that are watched."""

    patterns: list[str]


class FollowedPositions(msgspec.Struct, frozen=True, tag="followed"):
    """Where to go on in each file, by its name."""

    positions: dict[str, Position]

    def names(self) -> Sequence[str]:
        """Return what is read."""
        return sorted(self.positions)


class Followed:
    """The lines of watched files; a LiveInput of one partition.

    Attributes:
        ended: never.

    Args:
        source: which files.
        reader: says what the lines are.
        positions: where to go on, None at the first start.
        idle_ms: after how long without lines the input is idle, None for never.
    """

    ended = False
    by_origin = False
    has_share = True
    partitions: Sequence[int] = (0,)

    def __init__(
        self,
        source: FollowedFiles,
        reader: LineReader,
        positions: FollowedPositions | None,
        *,
        idle_ms: int | None,
    ) -> None:
        self._patterns = source.patterns
        self._reader = reader
        self._positions = dict(positions.positions) if positions else {}
        self._idle_ms = idle_ms
        self._file: LineFile | None = None
        self._name = ""
        self._ready: Lines = join([])
        self._read_up_to: dict[str, int] = {}  # how long a file was when its end was reached
        self._next_scan = 0.0
        self._quiet_since: float | None = None
        self._bytes = 0

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The file of the lines that were taken last: the lines of a tick are of one file."""
        return (self._name,)

    def take(self, count: int) -> Lines:
        """Return the next lines, at most so many; none while nothing was added.

        Raises:
            FileProblem: a file cannot be read, or is shorter than it was.
        """
        if not len(self._ready):
            self._ready = self._read() or join([])
        taken = self._ready.slice(0, count)
        self._ready = self._ready.slice(count, len(self._ready))
        if len(taken):
            self._quiet_since = None
            self._bytes += taken.size
            self._positions[self._name] = position_after(taken, len(taken) - 1)
        elif self._quiet_since is None:
            self._quiet_since = monotonic()
        return taken

    def idle(self) -> Sequence[int]:
        """Return the one partition when its end was reached a while ago."""
        if self._idle_ms is None or self._quiet_since is None:
            return ()
        return self.partitions if monotonic() - self._quiet_since >= self._idle_ms / 1000 else ()

    def committed(self) -> None:
        """Nobody needs to know."""

    def lag(self) -> int | None:
        """Return nothing: lines cannot be counted before they are read."""
        return None

    def reachable(self) -> bool:
        """Tell that files are there."""
        return True

    def positions(self) -> FollowedPositions:
        """Return where to go on after what was taken."""
        return FollowedPositions(dict(self._positions))

    def bytes_read(self) -> int:
        """Return how many bytes were taken."""
        return self._bytes

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> Lines | None:
        """Return lines of the open file, else of the next one that has any."""
        lines = self._read_open()
        if lines is not None:
            return lines
        if monotonic() < self._next_scan:
            return None
        for name, size in self._grown():
            lines = self._open(name, size)
            if lines is not None:
                return lines
        self._next_scan = monotonic() + _SCAN_EVERY_S
        return None

    def _open(self, name: str, size: int) -> Lines | None:
        """Read on in a file; None where it has no whole line yet."""
        self._name = name
        self._read_up_to[name] = size
        position = self._positions.get(name, BEGINNING)
        try:
            self._file = LineFile(name, 0, self._reader, position=position, growing=True)
        except TruncatedFile:
            return None
        return self._read_open()

    def _read_open(self) -> Lines | None:
        """Read on in the open file; a compressed one that ends too early waits for its rest."""
        if self._file is None:
            return None
        try:
            lines = self._file.read()
        except TruncatedFile:
            lines = None
        if lines is None:
            self.close()
        return lines

    def _grown(self) -> Iterator[tuple[str, int]]:
        """Give the files that have grown since they were read to their end, and their sizes."""
        sizes = dict(self._sizes())
        for name in [name for name in self._positions if name not in sizes]:
            del self._positions[name]  # removed: one of that name that comes later is another
        for name in [name for name in self._read_up_to if name not in sizes]:
            del self._read_up_to[name]
        for name in sorted(sizes):
            size = sizes[name]
            offset = self._positions.get(name, BEGINNING).offset
            if not is_compressed(name) and size < offset:
                raise FileProblem(
                    f"{name}: has {size} bytes, but {offset} were read from it before; a followed"
                    " file may only grow: put it back, or remove it"
                )
            has_more = is_compressed(name) or size > offset
            if has_more and size != self._read_up_to.get(name):
                yield name, size

    def _sizes(self) -> Iterator[tuple[str, int]]:
        for pattern in self._patterns:
            path = Path(pattern)
            found = path.iterdir() if path.is_dir() else map(Path, glob.iglob(pattern))  # noqa: PTH207 (patterns may be absolute)
            for file in found:
                if file.name.startswith(".") or (path.is_dir() and not file.name.endswith(ENDINGS)):
                    continue
                try:
                    if file.is_file():
                        yield str(file), file.stat().st_size
                except FileNotFoundError:
                    continue
