"""The engine asks for consent as the oracle does; nothing that is not permitted is done."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    assert_engine_is_the_oracle,
    assert_stops_change_nothing,
    engine,
    records,
)
from oracle import Rules
from oracle.drawn_consent import ALL_GRANTED, asking, in_order, spoken, with_contexts
from oracle.drawn_triggers import rules
from oracle.shoppers import shoppers
from oracle.writing import HOUR_MS, MINUTE_MS, MISSING, event_line, stamp, write

IN_ORDER = spoken(in_order(shoppers()))
OUT_OF_ORDER = spoken(shoppers(14, backwards=True))


@settings(max_examples=80, deadline=None)
@given(
    raw=IN_ORDER,
    rules=asking(rules(arbitrated=False)),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
    close=st.booleans(),
)
def test_what_is_kept_and_sent_with_consent_is_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, shards=shards, close=close)


def test_what_is_sent_before_somebody_speaks_is_sent_by_what_was_known_then() -> None:
    """Also where both come with one event: the session was over when the message was due."""
    visited: Any = {
        "on": {"session": "closed"},
        "after_ms": HOUR_MS,
        "payload": {"is_away": "segment.away"},
    }
    asks = Rules(
        gap_ms=30 * MINUTE_MS,
        segments={"away": "session.events is missing"},
        triggers={"visited": visited},
        disorder_ms=MINUTE_MS,
        consent={"default": "allow"},
        purposes={"channels": {"email": "Advertising"}},
    )
    lines = [
        event_line(0, "page", "m0"),
        event_line(600, "page", "m1", customer="u2"),
        event_line(601, "page", "m2"),
    ]
    raw = with_contexts(lines, [None, None, ALL_GRANTED])
    for sizes in ([50], [1]):
        outcome, _ = assert_engine_is_the_oracle(raw, asks, sizes, close=False)
        payloads = [each["data"]["payload"] for each in records(outcome, "triggers")]
        assert payloads == [{"is_away": True}]


@settings(max_examples=50, deadline=None)
@given(raw=IN_ORDER, rules=asking(rules()), sizes=SIZES, close=st.booleans())
def test_limits_quiet_hours_and_again_forget_with_the_profile(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    assert_engine_is_the_oracle(raw, rules, sizes, close=close)


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.lists(OUT_OF_ORDER, min_size=1, max_size=2),
    rules=asking(rules()),
    **STOPPED,
)
def test_restarts_change_nothing_that_consent_decides(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)


@settings(max_examples=40, deadline=None)
@given(raw=OUT_OF_ORDER, rules=asking(rules()), sizes=SIZES, close=st.booleans())
def test_ticks_and_shards_change_nothing_that_consent_decides(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    one = engine(raw, rules, sizes, shards=1, close=close)
    other = engine(raw, rules, [1000], shards=5, close=close)
    assert one.sets() == other.sets()
    assert one.counts == other.counts


def test_what_a_session_has_left_behind_is_told_before_what_a_customer_permits() -> None:
    minutes = {"m0": 0, "m1": 0, "m2": 0, "m3": 10, "m4": 10, "m5": 10}
    raw = [
        write(
            {
                "messageId": name,
                "userId": "u2" if name == "m3" else "u1",
                "type": "track",
                "event": "Product Added",
                "timestamp": stamp(minute * MINUTE_MS),
                "properties": {"price": 1},
                "context": ALL_GRANTED if name == "m4" else MISSING,
            }
        )
        for name, minute in minutes.items()
    ]
    rules = Rules(
        gap_ms=5 * MINUTE_MS,
        disorder_ms=0,
        features={"cart": {"sum": "properties.price", "of": "Product Added"}},
        segments={"away": "session.events is missing"},
        triggers={
            "third": {
                "on": {"session": "closed"},
                "after_ms": MINUTE_MS,
                "cancel": [{"enter": "away"}],
                "expires_ms": MINUTE_MS,
            }
        },
        consent={"default": "allow"},
        purposes={"profiling": "Analytics"},
    )
    outcome, _ = assert_engine_is_the_oracle(raw, rules, [3], close=False)
    assert outcome.counts["cancelled third"] == 1


def test_what_has_happened_by_itself_before_a_revocation_is_still_told() -> None:
    minutes = {"m0": 0, "m1": 10}
    raw = [
        write(
            {
                "messageId": name,
                "userId": "u1",
                "type": "track",
                "event": "Product Added",
                "timestamp": stamp(minute * MINUTE_MS),
                "context": {"consentManagement": {"allowedConsentIds": []}} if minute else MISSING,
            }
        )
        for name, minute in minutes.items()
    ]
    rules = Rules(
        gap_ms=5 * MINUTE_MS,
        disorder_ms=10 * MINUTE_MS,
        segments={"away": "session.events is missing"},
        triggers={"gone": {"on": {"enter": "away"}, "after_ms": 0, "cancel": []}},
        consent={"default": "allow"},
        purposes={"profiling": "Analytics"},
    )
    outcome, _ = assert_engine_is_the_oracle(raw, rules, [1], close=False)
    assert outcome.counts["sent gone"] == 1
