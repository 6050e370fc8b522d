"""RFM in the engine: records, slots and state are those of the plain answer, whatever the ticks."""

from collections.abc import Sequence
from itertools import cycle
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_simulation import RealModels
from moments_checks import assert_told_as_the_oracle_says

from engine_checks import SIZES, STOPS, few_timers, records, with_stops
from operators.times import EventTime, format_time
from oracle import Rules
from oracle.models import told_models
from oracle.rfm import score_of, tiers_of
from oracle.visits import visits
from oracle.writing import HOUR_MS, MINUTE_MS, NOW_MS, event_line
from state.prefixes import Prefix

PARTS = ("recency", "frequency", "monetary")
CUSTOMERS = ("u1", "u2", "u3", "u4", "u5")


def shop(**options: Any) -> Rules:
    """Make rules with one RFM model; what is given of it stands in ``model``."""
    model: dict[str, Any] = {
        "kind": "rfm",
        "from": {"recency": "last_order", "frequency": "orders", "monetary": "spent"},
        **options.pop("model", {}),
    }
    values: dict[str, Any] = {
        "features": {
            "last_order": {"time": "Order Completed"},
            "orders": {"count": "Order Completed"},
            "spent": {"sum": "properties.price", "of": "Order Completed"},
            "price": {"last": "properties.price", "of": "Order Completed"},
            "recent": {"time": "Product Added", "over": "2h"},
        },
        "disorder_ms": 0,
        **options,
    }
    return Rules(models={"worth": model}, **values)


@st.composite
def drawn_rules(draw: st.DrawFn) -> Rules:
    """Draw what matters to whom the model knows, and when."""
    inputs = {
        "recency": draw(st.sampled_from(["last_order", "last_order", "recent", "session.start"])),
        "frequency": draw(st.sampled_from(["orders", "session.events"])),
        "monetary": draw(st.sampled_from(["spent", "spent", "price"])),
    }
    at = draw(st.sampled_from([[], [], ["Order Completed"], ["Order Completed", "page"]]))
    return shop(
        gap_ms=draw(st.sampled_from([10, 30])) * MINUTE_MS,
        disorder_ms=draw(st.sampled_from([0, 5_000, 10 * MINUTE_MS])),
        grace_ms=draw(st.sampled_from([0, 0, HOUR_MS])),
        retention_ms=draw(st.sampled_from([None, None, 3 * HOUR_MS, 30 * HOUR_MS])),
        model={"from": inputs, **({"at": at} if at else {})},
    )


STREAMS = st.one_of(
    visits(customers=CUSTOMERS),
    visits(backwards=True, customers=CUSTOMERS),
    visits(late=True, customers=CUSTOMERS),
)


def run_of(raw: Sequence[bytes], rules: Rules, size: int = 1, **options: Any) -> RealModels:
    run = RealModels(raw, rules, **options)
    run.run(cycle([size]))
    return run


def order(minute: float, customer: str = "u1", price: Any = 5) -> bytes:
    message_id = f"{customer}-{minute}"
    return event_line(minute, "Order Completed", message_id, customer=customer, price=price)


def view(minute: float, customer: str = "u1") -> bytes:
    return event_line(minute, "Product Viewed", f"{customer}-{minute}", customer=customer)


FORGOTTEN = shop(retention_ms=3 * HOUR_MS)


@settings(max_examples=50, deadline=None)
@given(raw=STREAMS, rules=drawn_rules(), sizes=SIZES, close=st.booleans())
@example(raw=[order(0), order(300, "u2")], rules=FORGOTTEN, sizes=[1], close=False)
def test_a_model_is_told_of_the_last_moment_of_each_session_and_of_who_is_forgotten(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    assert_told_as_the_oracle_says(raw, rules, sizes, close=close)


@settings(max_examples=60, deadline=None)
@given(raw=STREAMS, rules=drawn_rules(), sizes=SIZES, shards=st.integers(1, 4), close=st.booleans())
def test_tiers_and_scores_are_the_oracles_for_any_ticks_and_shards(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    with few_timers(4):
        run = RealModels(raw, rules, shards=shards, close=close, cache=2)
        run.run(cycle(sizes))
    told = told_models(raw, rules, now_ms=NOW_MS, close=close)["worth"]
    written = {
        (each["subject"], int(each["id"].rpartition("-")[2]), each["time"]): each["data"]
        for each in records(run.outcome, "scores")
    }
    assert len(written) == len(told.moments)
    for moment, most, least in tiers_of(told, MINUTE_MS):
        data = written[moment.customer, moment.number, format_time(EventTime(moment.time))]
        found = tuple(data["tiers"][part] for part in PARTS)
        for low, tier, high in zip(least, found, most, strict=True):
            assert (low is None) is (tier is None) is (high is None)
            assert low is None or low <= tier <= high
        assert data["score"] == score_of(found)


@settings(max_examples=40, deadline=None)
@given(
    raw=STREAMS,
    rules=drawn_rules(),
    sizes=SIZES,
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
)
def test_restarts_change_no_tier_and_no_record_of_the_state(
    *, raw: list[bytes], rules: Rules, sizes: list[int], stops: list[bool], shards: int
) -> None:
    never = RealModels(raw, rules, shards=shards, cache=2)
    never.run(cycle(sizes))
    again = with_stops(RealModels(raw, rules, shards=shards, cache=2), sizes, stops)
    assert again.outcome.lines == never.outcome.lines
    assert again.snapshot() == never.snapshot()
    assert isinstance(again, RealModels)
    assert again.at_rest == never.at_rest


def long_stream(events: int = 600) -> list[bytes]:
    """Make a stream of many customers, some of whom order much more than others."""
    drawn, minute = Random(5), 0.0
    stream = []
    for number in range(events):
        minute += drawn.expovariate(0.2)
        customer = int(drawn.paretovariate(0.7)) % 60
        kind = "Order Completed" if drawn.random() < 0.4 else "Product Viewed"
        price = round(drawn.lognormvariate(3, 1), 2)
        stream.append(event_line(minute, kind, f"m{number}", customer=f"u{customer}", price=price))
    return stream


def test_ticks_shards_and_restarts_change_no_byte() -> None:
    raw = long_stream()
    rules = shop(
        segments={"best": "score.worth.recency >= 4 and score.worth.monetary >= 4"},
        disorder_ms=MINUTE_MS,
    )
    first = run_of(raw, rules, 1, shards=1)
    first.snapshot()
    expected = first.outcome.sets()
    tiers = {each["data"]["tiers"]["monetary"] for each in records(first.outcome, "scores")}
    assert tiers == {None, 1, 2, 3, 4, 5}
    assert sum(expected["segments"].values()) > 20
    for shards in (1, 4):
        in_order: list[dict[str, list[bytes]]] = []
        for size in (1, 7, 1000):
            run = run_of(raw, rules, size, shards=shards, cache=8)
            run.snapshot()
            assert run.outcome.sets() == expected
            assert run.at_rest["worth"].entries == first.at_rest["worth"].entries
            in_order.append(run.outcome.lines)
        stopped = with_stops(RealModels(raw, rules, shards=shards, cache=8), [7], [True, False])
        assert stopped.outcome.lines == in_order[1]
        stopped.snapshot()
        assert isinstance(stopped, RealModels)
        assert stopped.at_rest["worth"].entries == first.at_rest["worth"].entries


def three_buyers() -> list[bytes]:
    """Three who have ordered for 10, 20 and 30, and whose sessions are over."""
    return [order(n, f"u{n}", 10 * n) for n in (1, 2, 3)]


def tiers(run: RealModels, customer: str) -> dict[str, int | None]:
    [*_, last] = [each for each in records(run.outcome, "scores") if each["subject"] == customer]
    found: dict[str, int | None] = last["data"]["tiers"]
    return found


def test_a_segment_changes_at_the_moment_by_the_tiers_of_its_record() -> None:
    raw = [*three_buyers(), view(100, "u9"), order(101, "u4", 99), view(200, "u4")]
    rules = shop(segments={"best": "score.worth.recency >= 4 and score.worth.monetary >= 4"})
    run = run_of(raw, rules)
    assert tiers(run, "u4") == {"recency": 5, "frequency": 1, "monetary": 5}
    entered = [
        (each["subject"], each["data"]["segment"], each["time"])
        for each in records(run.outcome, "segments")
    ]
    assert entered == [("u4", "best", "2026-01-01T11:41:00.000Z")]


def test_a_rule_sees_that_who_never_ordered_has_no_tiers() -> None:
    segments = {
        "visitors": "score.worth.recency is missing and score.worth == 0",
        "poor": "score.worth.monetary <= 5",
    }
    run = run_of([*three_buyers(), view(100, "u9"), view(101, "u8")], shop(segments=segments))
    assert tiers(run, "u8") == dict.fromkeys(PARTS)
    changes = [(e["subject"], e["data"]["segment"]) for e in records(run.outcome, "segments")]
    assert ("u8", "visitors") in changes
    assert not any(segment == "poor" for _, segment in changes)


def test_a_customer_counts_once_with_what_was_learned_last() -> None:
    often = [order(200 + 60 * n, "u3", 1) for n in range(20)]
    raw = [*three_buyers(), *often, view(9000, "u9"), order(9001, "u5", 25)]
    run = run_of(raw, shop())
    assert tiers(run, "u5") == {"recency": 5, "frequency": 1, "monetary": 4}, "u3 has spent 50"


def test_a_session_counts_with_its_last_moment() -> None:
    raw = [view(0), order(5, price=7), order(9, price=1), view(100, "u9"), order(101, "u2", 7.5)]
    run = run_of(raw, shop())
    assert tiers(run, "u2") == {"recency": 5, "frequency": 1, "monetary": 1}, "u1: 2 for 8"


def test_who_is_forgotten_is_held_against_nobody_any_more() -> None:
    raw = [*three_buyers(), view(100, "u9"), order(170, "u4", 15), view(400, "u9"), view(401, "u9")]
    raw += [order(402, "u5", 1)]
    known = run_of(raw, shop())
    gone = run_of(raw, shop(retention_ms=4 * HOUR_MS))
    assert tiers(known, "u5")["monetary"] == 1
    assert tiers(known, "u5")["recency"] == 5
    assert tiers(gone, "u5") == {"recency": 5, "frequency": 1, "monetary": 1}
    assert len(_counted(known)) == 4
    assert len(_counted(gone)) == 1


def _counted(run: RealModels) -> list[bytes]:
    run.snapshot()
    return [key for key in run.at_rest["worth"].entries if key[0] == Prefix.COUNTED_VALUES]


@pytest.mark.parametrize("price", ["much", None, True])
def test_what_is_no_number_is_missing_and_not_learned_for_that_part(price: object) -> None:
    inputs = {"recency": "last_order", "frequency": "orders", "monetary": "price"}
    raw = [order(1, "u1", price), order(2, "u2", 10), view(100, "u9"), order(101, "u3", price)]
    raw += [order(102, "u4", 50)]
    features = {name: each for name, each in shop().features.items() if name != "spent"}
    run = run_of(raw, shop(model={"from": inputs}, features=features))
    assert tiers(run, "u3") == {"recency": 5, "frequency": 1, "monetary": None}
    assert tiers(run, "u4")["monetary"] == 5, "it is held against u2 alone"


def test_amounts_beyond_all_measure_have_tiers_too() -> None:
    raw = [order(1, "u1", 1e300), order(2, "u2", -1e300), view(100, "u9"), order(101, "u3", 0)]
    run = run_of(raw, shop())
    assert tiers(run, "u3")["monetary"] == 3


def test_a_shadows_tiers_are_written_and_steer_nothing() -> None:
    run = run_of(three_buyers(), shop(model={"shadow": True}))
    assert all(each["data"]["shadow"] for each in records(run.outcome, "scores"))
    assert set(tiers(run, "u3")) == set(PARTS)
    assert not any(name.startswith("score.") for name in run.plans[1].slot_names)


def test_with_moves_only_scores_that_moved_are_written_and_rules_see_every_tier() -> None:
    raw = [*three_buyers(), view(100, "u9"), view(101, "u9"), view(102, "u2")]
    segments = {"middle": "score.worth.monetary == 2"}
    rules = shop(model={"emit": {"moves": 1}}, segments=segments)
    run = run_of(raw, rules)
    assert len(records(run.outcome, "scores")) == 4, "the first of each customer"
    assert [each["subject"] for each in records(run.outcome, "segments")] == ["u2"]


def test_no_score_of_such_a_model_is_remembered() -> None:
    run = run_of([*three_buyers(), view(100, "u9")], shop())
    run.snapshot()
    kinds = {key[0] for key in run.at_rest["worth"].entries}
    assert kinds == {Prefix.MODEL, Prefix.COUNTED_VALUES}
    names = {key[1:] for key in run.at_rest["worth"].entries if key[0] == Prefix.MODEL}
    assert names == {b"", b"learner"}
