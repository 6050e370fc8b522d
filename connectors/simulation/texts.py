"""Times and ids as text, thousands at once: each function gives one string of equal pieces.

Piece i of width w is ``text[w * i : w * (i + 1)]``; cutting it out costs less than formatting.
"""

import numpy as np
import numpy.typing as npt

from connectors.simulation.draws import Ints, Words
from operators.times import EventTime, format_time

TIME_WIDTH = 24
UUID_WIDTH = 36

_DAY_MS = 86_400_000
_ZERO, _DASH = ord("0"), ord("-")
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8)
_HEX_PAIRS = _HEX.reshape(256, 2)
_UUID_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
_CLOCK_DIGITS = (
    # column of the text, milliseconds in one of this digit, how many values it has
    (11, 36_000_000, 10),
    (12, 3_600_000, 10),
    (14, 600_000, 6),
    (15, 60_000, 10),
    (17, 10_000, 6),
    (18, 1_000, 10),
    (20, 100, 10),
    (21, 10, 10),
    (22, 1, 10),
)


def times(milliseconds: Ints) -> str:
    """Write times as RFC 3339 with milliseconds and ``Z``, ``TIME_WIDTH`` characters each."""
    days, clocks = np.divmod(milliseconds, _DAY_MS)
    known, which = np.unique(days, return_inverse=True)
    texts = "".join(format_time(EventTime(day * _DAY_MS)) for day in known.tolist())
    midnights = np.frombuffer(texts.encode(), np.uint8).reshape(-1, TIME_WIDTH)
    table = midnights[which]
    for column, unit, values in _CLOCK_DIGITS:
        table[:, column] = clocks // unit % values + _ZERO
    return _text(table)


def uuids(high: Words, low: Words) -> str:
    """Write pairs of words as version 4 UUIDs, ``UUID_WIDTH`` characters each."""
    raw = np.stack((high, low), axis=1).astype(">u8").view(np.uint8)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = _HEX_PAIRS[raw].reshape(-1, 32)
    table = np.full((len(raw), UUID_WIDTH), _DASH, np.uint8)
    for group, (first, last) in enumerate(_UUID_GROUPS):
        table[:, first + group : last + group] = digits[:, first:last]
    return _text(table)


def _text(table: npt.NDArray[np.uint8]) -> str:
    return table.tobytes().decode("ascii")
