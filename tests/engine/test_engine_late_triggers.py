"""Late events within grace: what triggers decide, send and take back is the oracle's."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    assert_engine_is_the_oracle,
    assert_stops_change_nothing,
)
from oracle import Rules
from oracle.drawn_late import journeys, rules
from oracle.rules import Step, Trigger
from oracle.shoppers import shoppers
from oracle.writing import HOUR_MS, MINUTE_MS, event_line

FIVE, TEN = 5 * MINUTE_MS, 10 * MINUTE_MS


def journey(*then: Step, **more: Any) -> Rules:
    """Make a trigger that starts on Product Added, waits five minutes and takes messages back."""
    first: Trigger = {
        "on": "Product Added",
        "after_ms": FIVE,
        "cancel": ["Order Completed"],
        "then": then,
        "retract_ms": HOUR_MS,
        **more,  # type: ignore[typeddict-item]
    }
    return Rules(triggers={"first": first}, disorder_ms=0, grace_ms=2 * HOUR_MS)


@settings(max_examples=400, deadline=None)
@given(
    raw=shoppers(late=True),
    rules=st.one_of(journeys(), rules(), rules(arbitrated=True)),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
@example(  # a cancel that is too late for two messages of a journey
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(11, "page", "m2"),
        event_line(1, "Order Completed", "m3"),
    ],
    rules=journey({"after_ms": FIVE}),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # ... and one for the second alone, whose journey waits for the third
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(16, "page", "m2"),
        event_line(6, "page", "m3"),
        event_line(17, "page", "m4", customer="u2"),
    ],
    rules=journey({"after_ms": TEN, "cancel": ["page"]}, {"after_ms": HOUR_MS}),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # a cancel of the second step, at a time at which the first had not been sent
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(6, "Product Viewed", "m2", customer="u2"),
        event_line(3, "page", "m3"),
    ],
    rules=journey({"after_ms": TEN, "cancel": ["page"]}),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # a late cancel of one step, while another key waits for the step after it
    raw=[
        event_line(0, "Product Added", "m1", cart_id="c1"),
        event_line(6, "Product Added", "m2", cart_id="c2"),
        event_line(22, "Product Viewed", "m3"),
        event_line(14, "page", "m4"),
    ],
    rules=journey(
        {"after_ms": TEN, "cancel": ["page"]}, {"after_ms": HOUR_MS}, key="properties.cart_id"
    ),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # a late start of a journey whose second step has begun since
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(6, "page", "m2", customer="u2"),
        event_line(3, "Product Added", "m3"),
    ],
    rules=journey({"after_ms": TEN}),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # ... at the very time at which that began
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(6, "page", "m2", customer="u2"),
        event_line(5, "Product Added", "m3"),
    ],
    rules=journey({"after_ms": TEN}),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # ... which opens nothing where only one may be pending
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(6, "page", "m2", customer="u2"),
        event_line(3, "Product Added", "m3"),
    ],
    rules=journey({"after_ms": TEN}, restart=False),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # ... but for that time at which a cancel ended the other
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(2, "Order Completed", "m2"),
        event_line(6, "page", "m3", customer="u2"),
        event_line(2, "Product Added", "m4"),
    ],
    rules=journey(restart=False),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # a start that is due at the watermark, and one before that
    raw=[
        event_line(8, "page", "m1", customer="u2"),
        event_line(3, "Product Added", "m2"),
        event_line(2, "Product Added", "m3"),
    ],
    rules=journey(),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # two cancels that are too late, of a message that is just not too old
    raw=[
        event_line(0, "Product Added", "m1"),
        event_line(65, "page", "m2", customer="u2"),
        event_line(5, "Order Completed", "m3"),
        event_line(5, "Order Completed", "m4"),
    ],
    rules=journey(),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # a session that only late events made, and is over with the first of them
    raw=[event_line(100, "page", "m1", customer="u2"), event_line(0, "page", "m2")],
    rules=journey(on={"session": "closed"}, after_ms=2 * HOUR_MS),
    sizes=[1],
    shards=1,
    close=True,
)
@example(  # what supersedes a step is sent at once, and then one more of its time comes
    raw=[
        event_line(0, "Product Added", "m8"),
        event_line(1, "Product Added", "m9"),
        event_line(1, "Product Added", "m10"),
        event_line(2, "Product Added", "m11"),
    ],
    rules=journey({"after_ms": FIVE}, after_ms=0),
    sizes=[1],
    shards=1,
    close=False,
)
@example(  # an absence that begins anew is due before the step that waited
    raw=[
        event_line(0, "page", "m1"),
        event_line(10, "page", "m2", customer="u2"),
        event_line(10, "page", "m3"),
        event_line(20, "page", "m4"),
    ],
    rules=journey({"after_ms": 6 * FIVE}, on="any", cancel=[]),
    sizes=[1],
    shards=1,
    close=False,
)
def test_what_late_events_start_cancel_and_take_back_is_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=100, deadline=None)
@given(
    inputs=st.lists(shoppers(late=True), min_size=1, max_size=2),
    rules=st.one_of(journeys(), rules(arbitrated=True)),
    **STOPPED,
)
def test_restarts_change_nothing_that_late_events_decide(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)
