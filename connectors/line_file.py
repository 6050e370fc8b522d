"""One input file as blocks of lines, in bounded memory, from any position on."""

import hashlib
import io
from pathlib import Path

import msgspec
import numpy as np

from connectors.compression import DAMAGED, decompressed
from connectors.errors import FileProblem, TruncatedFile
from operators.heads import LINE_BYTES, LineReader
from operators.lines import Lines
from operators.rejections import KEPT_BYTES

BLOCK_BYTES = 1 << 18
"""How much is read at a time: what stays in a core's cache while it is looked at."""

ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
"""How the names of event files end, where a folder is named."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where reading goes on: the next line's number from 1, its offset from 0 (uncompressed)."""

    line: int = 1
    offset: int = 0


BEGINNING = Position()


def position_after(lines: Lines, index: int) -> Position:
    """Return where to go on in a file after one of its lines."""
    _, line, offset = lines.places[:, index].tolist()
    return Position(line + 1, offset + lines.length(index) + 1)


def is_compressed(name: str) -> bool:
    """Tell from its name whether a file is compressed."""
    return Path(name).suffix in {".gz", ".zst"}


def has_grown(name: str, position: Position) -> bool:
    """Tell whether a plain file has more in it than was read; not known of a compressed one."""
    path = Path(name)
    return not is_compressed(name) and path.exists() and path.stat().st_size > position.offset


class LineFile:
    """An input file, plain, gzip or zstd.

    Args:
        name: the path, as dead letters name it.
        index: of the file among its reader's.
        reader: says what the lines are.
        position: where to start.
        block_bytes: how much is read at a time.
        growing: whether the file may still be written, so that what follows its last newline
            is no line yet; what is added is found by opening the file again.

    Raises:
        FileProblem: the file cannot be opened or is shorter than the position.
    """

    def __init__(  # noqa: PLR0913 (each is one thing that may differ)
        self,
        name: str,
        index: int,
        reader: LineReader,
        *,
        position: Position = BEGINNING,
        block_bytes: int = BLOCK_BYTES,
        growing: bool = False,
    ) -> None:
        self._growing = growing and not is_compressed(name)
        self._name = name
        self._index = index
        self._reader = reader
        self._block_bytes = block_bytes
        self._line, self._offset = position.line, position.offset
        self._rest = b""
        try:
            self._raw = Path(name).open("rb")  # noqa: SIM115 (closed by close)
            self._stream = decompressed(name, self._raw)
        except OSError as error:
            raise FileProblem(f"{name}: cannot be opened: {error.strerror}") from error
        self._skip_to(position.offset)

    def read(self) -> Lines | None:
        """Return the next lines, at least one; None at the end of the file.

        Raises:
            TruncatedFile: the compressed file ends too early.
            FileProblem: the file cannot be read or is damaged.
        """
        while True:
            data = self._read_bytes(self._block_bytes)
            if not data:
                return self._take_rest()
            block = self._rest + data if self._rest else data
            end = block.rfind(b"\n") + 1
            self._rest = block[end:]
            if end:
                return self._take(block[: end - 1], end)
            if len(self._rest) > LINE_BYTES:
                return self._take_overlong()

    def bytes_read(self) -> int:
        """Return how many bytes of the file itself were read, for progress."""
        return self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _read_bytes(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except EOFError:
            raise TruncatedFile(
                f"{self._name}: the compressed file ends too early, after line {self._line - 1};"
                " it was truncated; fetch it again"
            ) from None
        except DAMAGED as error:
            raise FileProblem(
                f"{self._name}: damaged after line {self._line - 1}, or not compressed as its"
                f" name says ({error})"
            ) from error
        except OSError as error:
            raise FileProblem(f"{self._name}: cannot be read: {error.strerror}") from error

    def _take(self, block: bytes, length: int) -> Lines:
        lines = self._reader.read(block, file=self._index, line=self._line, offset=self._offset)
        self._line += len(lines)
        self._offset += length
        return lines

    def _take_rest(self) -> Lines | None:
        """Take what is left at the end; what has no newline is a line only if the file is whole."""
        end = self._rest.rfind(b"\n") + 1 if self._growing else len(self._rest)
        rest, self._rest = self._rest[:end], b""
        return self._take(rest.removesuffix(b"\n"), len(rest)) if rest else None

    def _take_overlong(self) -> Lines | None:
        """Read on to the end of a line that is too long, keeping only its beginning."""
        kept, length, digest = self._rest[:KEPT_BYTES], 0, hashlib.sha256()
        data = self._rest
        while data and b"\n" not in data:
            digest.update(data)
            length += len(data)
            data = self._read_bytes(self._block_bytes)
        if not data and self._growing:
            return None
        line, newline, self._rest = data.partition(b"\n")
        digest.update(line)
        length += len(line)
        place = np.array([[self._index], [self._line], [self._offset]], np.int64)
        lines = self._reader.overlong(place, kept, length, digest.hexdigest())
        self._line += 1
        self._offset += length + len(newline)
        return lines

    def _skip_to(self, offset: int) -> None:
        """Go to a position; a compressed file is read up to it."""
        if self._stream is self._raw:
            size = self._raw.seek(0, io.SEEK_END)
            if size < offset - 1:  # the last line may have had no newline
                self._too_short(size, offset)
            self._raw.seek(offset)
            return
        done = 0
        while done < offset:
            data = self._read_bytes(min(self._block_bytes, offset - done))
            if not data:
                if done < offset - 1:
                    self._too_short(done, offset)
                break
            done += len(data)

    def _too_short(self, size: int, offset: int) -> None:
        raise FileProblem(
            f"{self._name}: has {size} bytes, but {offset} were read from it before;"
            " the state belongs to another file"
        )
