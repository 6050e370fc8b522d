"""Hypothesis strategies: streams that come close to the edges of what triggers wait for.

They begin before a night, a week or a change of clocks, and their steps are of the size of waits.
"""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from oracle.writing import MINUTE_MS, MISSING, present, stamp, write

STARTS = [
    "2026-01-01T20:30:00Z",  # a Thursday
    "2026-01-04T22:00:00Z",  # a Sunday
    "2025-03-30T00:00:00Z",  # an hour before Berlin's clocks go forward
    "2025-10-26T00:00:00Z",  # ... and back
    "2025-03-09T06:00:00Z",  # an hour before New York's go forward
    "2025-11-02T05:00:00Z",  # ... and back
]
ZONES = ["Europe/Berlin", "America/New_York", "America/New_York", "Asia/Kolkata", "Nowhere/None"]
IN_ZONES = [{"timezone": zone} for zone in ZONES]
STEPS = [*[0] * 6, 1, 1, *[5] * 4, *[10] * 3, 15, 29, 30, 30, 31, 60, 61, 120]
FAR = [10 * 60, 11 * 60 + 30, 24 * 60, 25 * 60]
BACK = [-1, -5, -10, -30]
TO_AND_FRO = [*[0, 1, 5, 5, 10, 10, 15, 30, 31, 60], *[-1, -5, -5, -10, -10, -15, -20, -30, -60]]
NAMES = [*["Product Added"] * 5, *["Product Viewed"] * 3, *["Order Completed"] * 2, "page"]


def shoppers(
    most: int = 18, *, backwards: bool = False, late: bool = False
) -> st.SearchStrategy[list[bytes]]:
    """Streams in which no customer's events go back in time, or (`backwards`) some do.

    Or (`late`) half of them do.
    """
    steps = [*STEPS * 3, *FAR, *(BACK * 4 if backwards else [])]
    event = st.tuples(
        st.sampled_from(TO_AND_FRO if late else steps),
        st.sampled_from([*[0] * 8, 1]),
        st.sampled_from(["u1", "u1", "u1", "u2"]),
        st.sampled_from([*NAMES, "identify"]),
        st.fixed_dictionaries(
            {
                "price": st.sampled_from([1, 2, 5, 5, 2.5, None, MISSING]),
                "category": st.sampled_from(["shoes", "shoes", "hats", MISSING]),
                "cart_id": st.sampled_from(["c1", "c1", "c2", MISSING]),
            }
        ).map(present),
        st.sampled_from(
            [MISSING] * 3
            + [{"timezone": zone} for zone in ZONES]
            + [{"device": {"type": "mobile"}}]
        ),
        st.sampled_from(["gold", "silver"]),
    )
    streams = st.integers(0, most).flatmap(lambda n: st.lists(event, min_size=n, max_size=n))
    return st.builds(_in_time, st.sampled_from(STARTS), streams)


def _in_time(start: str, events: list[tuple[Any, ...]]) -> list[bytes]:
    stream, front = [], int(datetime.fromisoformat(start).timestamp() * 1000)
    for number, (step, jitter, customer, name, properties, context, plan) in enumerate(events):
        time = front + step * MINUTE_MS + jitter
        front = max(front, time)
        is_identify = name == "identify"
        event = {
            "messageId": f"m{number}",
            "userId": customer,
            "type": "identify" if is_identify else "track",
            "event": MISSING if is_identify else name,
            "timestamp": stamp(time),
            "properties": properties,
            "context": context,
            "traits": {"plan": plan} if is_identify else MISSING,
        }
        stream.append(write(event))
    return stream
