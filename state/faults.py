"""Named points at which a test may kill the process, to show that it can be killed there.

``CARTWHEEL_KILL_AT=NAME:N:FILE`` kills the process that reaches the point for the N-th time, unless
FILE is there; it is made first, so that only one process dies and whoever is started again goes on.
Without that variable a point does nothing.
"""

import os
import signal
from collections import Counter
from pathlib import Path

POINTS = frozenset(
    {
        "before-write",
        "between-write-and-checkpoint",
        "between-checkpoint-and-commit",
        "while-moving",
        "after-commit",
        "while-purging",
        "before-placing",
        "while-placing",
        "before-forgetting",
        "while-forgetting",
    }
)

_at, _count, _file = (*os.environ.get("CARTWHEEL_KILL_AT", "").split(":", 2), "", "")[:3]
_reached: Counter[str] = Counter()


def reach(point: str) -> None:
    """Pass a point, unless this process is to die here."""
    assert point in POINTS
    if point == _at:
        _reached[point] += 1
        if _reached[point] == int(_count):
            _die_once()


def _die_once() -> None:
    try:
        Path(_file).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
