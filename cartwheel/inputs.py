"""Finds the files that a command is to read."""

import glob
from collections.abc import Iterable
from pathlib import Path

from cartwheel.errors import CartwheelError
from connectors.line_file import ENDINGS


def expand(patterns: Iterable[str]) -> list[Path]:
    """Return the files that paths and patterns stand for: a folder stands for its event files.

    Raises:
        CartwheelError: one stands for nothing.
    """
    files: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if each.name.endswith(ENDINGS))
            if not found:
                raise CartwheelError(f"{path}: holds no {', '.join(ENDINGS)} files")
        elif path.exists():
            found = [path]
        else:
            found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207 (patterns may be absolute)
            if not found:
                raise CartwheelError(f"{pattern}: no such file")
        files += found
    return list(dict.fromkeys(files))
