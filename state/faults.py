"""Named points at which a test may kill the process, to show that it can be killed there.

``CARTWHEEL_KILL_AT=NAME:N`` kills at the N-th time that the process reaches the point; without
that variable a point does nothing.
"""

import os
import signal
from collections import Counter

POINTS = frozenset(
    {
        "before-write",
        "between-write-and-checkpoint",
        "between-checkpoint-and-commit",
        "after-commit",
        "while-purging",
    }
)

_at, _, _count = os.environ.get("CARTWHEEL_KILL_AT", "").partition(":")
_reached: Counter[str] = Counter()


def reach(point: str) -> None:
    """Pass a point, unless this process is to die here."""
    assert point in POINTS
    if point == _at:
        _reached[point] += 1
        if _reached[point] == int(_count or "1"):
            os.kill(os.getpid(), signal.SIGKILL)
