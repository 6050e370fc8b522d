"""Files that a command writes where it is told to: looked at before the work, written whole after.

Not for the folders of results, which a state owns.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cartwheel.errors import CartwheelError, UsageError
from connectors.importing.output import written_whole


def check_place(option: str, path: Path, read: Iterable[Path]) -> None:
    """Check that a file can be written, before the long work begins.

    Args:
        option: which names it.
        path: the file.
        read: what the command reads.

    Raises:
        UsageError: it is in no folder, or would overwrite what is read.
        CartwheelError: nothing can be written there.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{option} is {path}, expected a file in a folder that is there")
    if any(is_same_file(path, each) for each in read):
        raise UsageError(f"{path} is read, and would be overwritten; name another {option}")
    if path.exists() and not path.is_file():  # a pipe or a device; opening it might wait
        if not os.access(path, os.W_OK):
            raise CartwheelError(f"{path}: cannot be written: Permission denied")
        return
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths name one file, by links too; it need not be there."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        CartwheelError: it cannot be written.
    """
    try:
        with written_whole(path) as file:
            file.write(content)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> CartwheelError:
    return CartwheelError(f"{path}: cannot be written: {error.strerror}")
