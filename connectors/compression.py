"""Reads gzip and zstd; a compressed file that ends too early is an error, never a shorter file."""

import gzip
import io
import zlib
from typing import BinaryIO, cast

import zstandard

DAMAGED = (gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What reading raises where the bytes are not what they should be; EOFError where they end."""

_BUFFER_BYTES = 1024 * 1024
_ZSTD_CHUNK_BYTES = 512  # what these hold at the most, 16 MB, is in memory at once
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def decompressed(name: str, raw: BinaryIO) -> BinaryIO:
    """Return the contents of a file, decompressed if its name or its first bytes say so.

    Args:
        name: of the file; ``.gz`` and ``.zst`` say how it is compressed.
        raw: the file, opened for reading at its start.
    """
    start = cast("io.BufferedReader", raw).peek(len(_ZSTD_MAGIC))
    if name.endswith(".gz") or start.startswith(_GZIP_MAGIC):
        stream: io.RawIOBase = cast("io.RawIOBase", _Gzip(raw))
    elif name.endswith(".zst") or start.startswith(_ZSTD_MAGIC):
        stream = _Zstd(raw)
    else:
        return raw
    return io.BufferedReader(stream, _BUFFER_BYTES)


class _Gzip(gzip.GzipFile):
    """A gzip file that takes no bytes at all for a truncated file, not for an empty one."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._raw = raw

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data and self._raw.tell() == 0:
            raise EOFError
        return data


class _Zstd(io.RawIOBase):
    """Any number of zstd frames one after the other.

    zstandard's own stream reader takes a truncated frame for the end of the file.
    """

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._input = b""
        self._output = memoryview(b"")
        self._at_frame_end = False  # an empty file is a truncated one

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        while not self._output:
            if not self._input:
                self._input = self._raw.read(_ZSTD_CHUNK_BYTES)
            if not self._input:
                return self._end()
            self._output = memoryview(self._frame.decompress(self._input))
            self._at_frame_end = self._frame.eof
            self._input = self._frame.unused_data
            if self._at_frame_end:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        count = min(len(buffer), len(self._output))
        buffer[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def _end(self) -> int:
        if not self._at_frame_end:
            raise EOFError
        return 0
