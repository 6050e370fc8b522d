"""Writes a file whole or not at all: beside its place first, then renamed.

A name that ends in ``.gz`` or ``.zst`` is written compressed.
"""

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

_GZIP_LEVEL = 6
_BUFFER_BYTES = 1024 * 1024


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write that appears at its place only when the block ends without an error.

    A place that is no ordinary file (a pipe, a device) is written as it is, never replaced.
    """
    if path.exists() and not path.is_file():
        with path.open("wb", buffering=_BUFFER_BYTES) as file:
            yield file
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb", buffering=_BUFFER_BYTES) as file:
            with _compressing(path, file) as stream:
                yield stream
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _compressing(path: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    if path.suffix == ".gz":
        # No name and no time inside: the same events give the same bytes.
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    elif path.suffix == ".zst":
        with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as stream:
            yield cast("BinaryIO", stream)
    else:
        yield file
