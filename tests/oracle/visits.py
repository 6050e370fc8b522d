"""Hypothesis strategies: streams with what features look at: carts, traits, devices, time zones.

Steps are of the size of windows, periods and waits, so that these end between events, at them and
at the same time as one another.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from oracle.streams import _up_to
from oracle.writing import MINUTE_MS, MISSING, START_MS, present, stamp, write

STEPS = [*[0] * 6, *[1] * 4, 2, 5, 5, 10, 15, 29, 30, 30, 31, 59, 60, 60, 61, 62, 90, 120, 240]
FAR = [24 * 60, 26 * 60, 7 * 24 * 60]
BACK = [-1, -1, -2, -5, -10, -30, -60]
TO_AND_FRO = [0, 1, 5, 10, 30, 31, 31, 60, 62, -1, -5, -10, -15, -30, -31, -31, -45, -60, -62, -90]
NAMES = [*["Product Viewed"] * 3, *["Product Added"] * 3, *["Order Completed"] * 2, "page"]
ZONES = ["Asia/Tokyo", "America/New_York", "Europe/Berlin", "Nowhere/Special", "", 5]
_prices = st.sampled_from([0, 1, 2, 2.5, 5, 5.0, 0.1, -3, None, MISSING])
_items = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["p1", "p2", "p1", 5, None, MISSING]),
        "price": _prices,
        "quantity": st.sampled_from([1, 2, 3, MISSING]),
    }
).map(present)
_properties = st.fixed_dictionaries(
    {
        "price": _prices,
        "quantity": st.sampled_from([1, 2, MISSING]),
        "category": st.sampled_from(["shoes", "shoes", "hats", 1, True, 5, MISSING]),
        "products": st.one_of(st.just(MISSING), st.lists(st.one_of(_items, st.none()), max_size=3)),
    }
).map(present)
_contexts = st.one_of(
    *[st.just(MISSING)] * 3,
    st.fixed_dictionaries(
        {
            "device": st.sampled_from([{"type": "mobile"}, {"type": "desktop"}, {}, MISSING]),
            "location": st.sampled_from([{"country": "DE"}, {"country": "US"}, MISSING]),
            "timezone": st.sampled_from([*ZONES, MISSING, MISSING]),
        }
    ).map(present),
)
_traits = st.fixed_dictionaries(
    {
        "plan": st.sampled_from(["gold", "silver", None, MISSING]),
        "vip": st.sampled_from([True, False, MISSING]),
    }
).map(present)


def visits(
    most: int = 20,
    *,
    backwards: bool = False,
    late: bool = False,
    customers: Sequence[str] = ("u1", "u1", "u1", "u2"),
) -> st.SearchStrategy[list[bytes]]:
    """Streams in which no customer's events go back in time; or (`backwards`) some do.

    Or (`late`) half of them do, many of them by more than a session's gap.
    """
    steps = TO_AND_FRO if late else [*STEPS * 2, *FAR, *(BACK * 2 if backwards else [])]
    event = st.tuples(
        st.sampled_from(steps),
        st.sampled_from([*[0] * 8, 1, -1] if backwards or late else [*[0] * 8, 1]),
        st.sampled_from(customers),
        st.sampled_from([*NAMES * 2, "identify"]),
        _properties,
        _contexts,
        _traits,
    )
    return _up_to(most, event).map(_in_time)


def _in_time(drawn: Sequence[tuple[Any, ...]]) -> list[bytes]:
    stream, front = [], START_MS
    for number, (step, jitter, customer, name, properties, context, traits) in enumerate(drawn):
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
            "traits": traits if is_identify else MISSING,
        }
        stream.append(write(event))
    return stream
