"""Opens what is to be imported: plain, gzip or zstd, a file or standard input, as lines of bytes.

A compressed file that ends too early is an error and never taken for a shorter file.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from connectors.compression import DAMAGED, decompressed
from connectors.importing.errors import ImportingError

LINE_BYTES_MAX = 16 * 1024 * 1024
"""A line that comes out this long (its line break included) was cut; its rest is passed over."""

_BUFFER_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Input:
    """One opened input: its name for messages, its lines, and how far it was read."""

    def __init__(self, path: str, raw: BinaryIO) -> None:
        self.name = "<stdin>" if path == "-" else path
        self._raw = raw
        self._stream = decompressed(path, raw)

    def lines(self) -> Iterator[bytes]:
        """Yield each line with its line break; a byte order mark at the start is left out.

        Raises:
            ImportingError: the file cannot be read, is damaged or ends too early.
        """
        try:
            line = self._stream.readline(LINE_BYTES_MAX)
            line = line.removeprefix(_BYTE_ORDER_MARK)
            while line:
                yield line
                if len(line) == LINE_BYTES_MAX:
                    self._pass_over_rest(line)
                line = self._stream.readline(LINE_BYTES_MAX)
        except EOFError as error:
            raise ImportingError(
                f"{self.name}: the compressed file ends too early; it was truncated, "
                "so nothing was imported. Fetch it again"
            ) from error
        except DAMAGED as error:
            raise ImportingError(
                f"{self.name}: damaged, or not compressed as its name says ({error}); "
                "nothing was imported"
            ) from error
        except OSError as error:
            raise ImportingError(f"{self.name}: cannot be read: {error.strerror}") from error

    def position(self) -> int:
        """Return how many (compressed) bytes were read; 0 where that is not known."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0

    def _pass_over_rest(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(LINE_BYTES_MAX)


@contextlib.contextmanager
def open_input(path: str) -> Iterator[Input]:
    """Open a file, or standard input for ``-``.

    A name that ends in ``.gz`` or ``.zst`` says how it is compressed; any other is found out.
    """
    if path == "-":
        yield Input(path, sys.stdin.buffer)
        return
    try:
        raw = Path(path).open("rb", buffering=_BUFFER_BYTES)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise ImportingError(f"{path}: cannot be opened: {error.strerror}") from error
    with raw:
        yield Input(path, raw)
