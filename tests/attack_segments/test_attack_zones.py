"""What depends on zones, on days and on who was first seen when, where events come in disorder.

The streams last days around the hours at which clocks are put forward and back.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, assert_changes, engine, few_timers, plans, simulation
from oracle import Rules, run
from oracle.writing import HOUR_MS, MINUTE_MS, MISSING, NOW_MS, present, stamp, write

BERLIN_FORWARD = 1_774_746_000_000  # 2026-03-29T01:00:00Z, 02:00 becomes 03:00 there
BERLIN_BACK = 1_761_440_400_000  # 2025-10-26T01:00:00Z, 03:00 becomes 02:00 there
BEFORE_1970 = -3 * 24 * HOUR_MS
STARTS = [BERLIN_FORWARD - 5 * HOUR_MS, BERLIN_BACK - 5 * HOUR_MS, BEFORE_1970]
STEPS = [0, 0, 1, 15, 30, 59, 60, 61, 120, 6 * 60, 23 * 60, 24 * 60, 25 * 60, 3 * 24 * 60]
BACK = [-1, -30, -60, -61, -5 * 60, -24 * 60, -30 * 60]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
STRANGE = ["../../etc/passwd", "europe/berlin", "Europe", "\u0000", "zones", 5, True, MISSING]
NAMES = ["Product Viewed", "Order Completed", "page"]

FEATURES: list[dict[str, Any]] = [
    {"rate": "any"},
    {"rate": "Order Completed"},
    {"count": "any", "per": "1h"},
    {"count": "any", "per": "1d"},
    {"count": "Order Completed", "per": "1w"},
    {"sum": "properties.price", "per": "1d", "zone": "utc"},
    {"distinct": "event.date"},
    {"distinct": "event.hour", "over": "24h", "pane": "1h"},
    {"recent": "event.hour", "at_most": 3},
    {"first": "event.weekday"},
    {"last": "event.date"},
    {"count": "any", "where": "event.hour >= 22 or event.hour < 3"},
    {"count": "any", "where": "event.weekday == 7", "over": "48h"},
    {"max": "event.hour", "since": "Order Completed"},
    {"min": "event.hour", "within": "session"},
    {"sum": "properties.price", "half_life": "1d"},
]
CONDITIONS = {
    "rate": ["F > 1.0001", "round(F * 997) % 2 == 1", "round(F * 997) % 2 == 1", "F is missing"],
    "count": ["F >= 1", "F == 2", "F % 2 == 1", "F == 0"],
    "sum": ["F > 1.5001", "F < 0.0001"],
    "distinct": ["F >= 2", "F % 2 == 1"],
    "recent": ["1 in F", "length(F) == 2"],
    "first": ["F == 7", "F < 6"],
    "last": ['F == "2026-03-29"', 'F < "1970-01-01"'],
    "max": ["F == 23", "F < 3"],
    "min": ["F == 0", "F > 1"],
}
FREE = [
    "context.hour >= 22 or context.hour < 3",
    "context.weekday == 7",
    'context.timezone == "Europe/Berlin"',
    "context.timezone is missing",
]
WAITS = [{}, {"for": "0s"}, {"for": "1h"}, {"hold": "1h"}, {"for": "25h", "hold": "1ms"}]


@st.composite
def days(draw: st.DrawFn, most: int = 16) -> list[bytes]:
    """Draw a stream of days, out of order."""
    front = start = draw(st.sampled_from(STARTS))
    lines = []
    for number in range(draw(st.integers(1, most))):
        step = draw(st.sampled_from([*STEPS, *STEPS, *BACK]))
        time = max(start - 40 * HOUR_MS, front + step * MINUTE_MS + draw(st.integers(-1, 1)))
        front = max(front, time)
        event = {
            "messageId": f"m{number}",
            "userId": draw(st.sampled_from(["u1", "u1", "u2"])),
            "type": "track",
            "event": draw(st.sampled_from(NAMES)),
            "timestamp": stamp(time),
            "properties": {"price": draw(st.sampled_from([1, 2, 0.5]))},
            "context": present({"timezone": draw(st.sampled_from([*ZONES, *ZONES, *STRANGE]))}),
        }
        lines.append(write(event))
    return lines


@st.composite
def segments(draw: st.DrawFn, features: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw a segment over each feature, and one over the clock."""
    drawn: dict[str, Any] = {}
    for number, spec in enumerate(features):
        kind = next(iter(spec))
        condition = draw(st.sampled_from(CONDITIONS[kind])).replace("F", f"f{number}")
        drawn[f"s{number}"] = {"when": condition, **draw(st.sampled_from(WAITS))}
    drawn["free"] = {"when": draw(st.sampled_from(FREE)), **draw(st.sampled_from(WAITS))}
    if draw(st.booleans()):
        other = draw(st.sampled_from(sorted(drawn)))
        drawn["other"] = {"when": f"not segment.{other}", **draw(st.sampled_from(WAITS))}
    return drawn


@st.composite
def rules(draw: st.DrawFn, features: list[dict[str, Any]] | None = None) -> Rules:
    """Draw rules over what depends on zones and days."""
    chosen = features or draw(st.lists(st.sampled_from(FEATURES), min_size=1, max_size=3))
    return Rules(
        features={f"f{number}": spec for number, spec in enumerate(chosen)},
        segments=draw(segments(chosen)),
        disorder_ms=draw(st.sampled_from([0, 1, 30])) * HOUR_MS,
        retention_ms=draw(st.sampled_from([None, None, 170 * HOUR_MS])),
    )


@settings(max_examples=150, deadline=None)
@given(raw=days(), rules=rules(), sizes=SIZES, close=st.booleans())
def test_days_and_zones_in_disorder_are_the_oracles(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    with few_timers(4):
        outcome = engine(raw, rules, sizes, shards=2, close=close, cache=2)
    assert_changes(outcome, run(raw, rules, now_ms=NOW_MS, close=close).changes)


@st.composite
def changed(draw: st.DrawFn) -> tuple[Rules, Rules]:
    """Draw rules, and others with some of the features and other waits and conditions."""
    before = draw(rules())
    features = [spec for spec in before.features.values() if draw(st.booleans())]
    after = draw(rules([*features, draw(st.sampled_from(FEATURES))]))
    same = {"disorder_ms": before.disorder_ms, "retention_ms": before.retention_ms}
    return before, Rules(features=after.features, segments=after.segments, **same)


@settings(max_examples=100, deadline=None)
@given(raw=days(), both=changed(), cut=st.floats(0, 1, exclude_max=True), close=st.booleans())
def test_days_and_zones_across_a_change_of_rules_are_the_oracles(
    *, raw: list[bytes], both: tuple[Rules, Rules], cut: float, close: bool
) -> None:
    before, after = both
    at = int(cut * len(raw))
    first = simulation(raw, before, cache=2, close=close, shards=2)
    first.step(at)
    second = first.restarted(*plans(after))
    while second.step(2):
        pass
    expected = run(raw, before, now_ms=NOW_MS, close=close, then=(at, after))
    assert_changes(second.outcome, expected.changes)
