"""What features, segments and attributes may say, and what makes them others."""

from collections.abc import Callable, Mapping
from typing import get_args

import pytest

from config import Config, Windowed, definition, rule_version
from config.features import FEATURE_KINDS, PERIODS_MS
from config.measures import BOUNDS, COLLECT_KINDS, keys_of
from config.scopes import ATTRIBUTE_TYPES, CLOCK, RESERVED_NAMES, SESSION_FIELDS
from expressions import normalized
from operators.features.collected import KINDS as COLLECTED
from operators.features.kinds import KINDS
from operators.plans import ClockSlot, SessionField

LoadText = Callable[..., Config]

WINDOW_OF_KEY = {
    "over": "sliding",
    "per": "tumbling",
    "within": "session",
    "since": "since",
    "half_life": "decay",
}


def features_of(load_text: LoadText, **written: str) -> Mapping[str, Windowed]:
    lines = "".join(f"\n  {name}: {{{spec}}}" for name, spec in written.items())
    return load_text(f"name: shop\nfeatures:{lines}").features  # type: ignore[return-value]


def test_every_key_of_a_feature_reaches_its_attribute(load_text: LoadText) -> None:
    found = features_of(
        load_text,
        views="count: Product Viewed, over: 24h, pane: 12m, where: event.properties.price > 5",
        spend="sum: properties.price*properties.quantity, of: Order Completed, half_life: 7d",
        today="time: any, per: 1d",
        week="max: event.hour, per: 1w, zone: utc",
        cart="recent: properties.id, since: Order Completed, at_most: 20",
        here="distinct: traits.a, within: session",
        rate="rate: Order Completed",
    )
    views, spend, today, week = (found[name] for name in ("views", "spend", "today", "week"))
    assert (views.kind, views.event, views.value) == ("count", "Product Viewed", None)
    assert (views.over_ms, views.pane_ms, views.bound) == (86_400_000, 720_000, 0)
    assert normalized(views.where) == "event.properties.price > 5"
    assert normalized(spend.value) == "event.properties.price * event.properties.quantity"
    assert spend.half_life_ms == 7 * 86_400_000  # type: ignore[attr-defined]
    assert (today.event, today.per, today.zone) == (None, "1d", "customer")
    assert (week.event, week.per, week.zone) == (None, "1w", "utc")
    assert (found["cart"].since, found["cart"].bound) == ("Order Completed", 20)
    assert (found["here"].within, found["here"].bound) == ("session", 64)
    assert found["rate"].event == "Order Completed"


def test_segments_and_attributes_reach_theirs(load_text: LoadText) -> None:
    config = load_text("""
        name: shop
        features: {orders: {count: Order Completed}}
        attributes: {file: crm.csv, customer: Customer Id, columns: {Tier: text, vip: true_false}}
        segments:
          short: orders > 0
          long: {when: orders > 0, for: 10m, hold: 7d}
          both: {enter: orders > 5, leave: orders < 2}
    """)
    short, long, both = config.segments.values()
    assert (short.when, short.for_ms, short.hold_ms) == (long.when, 0, 0)
    assert (long.for_ms, long.hold_ms) == (600_000, 7 * 86_400_000)
    assert both.written == {"enter": "orders > 5", "leave": "orders < 2"}
    assert config.attributes.file == "crm.csv"
    assert config.attributes.customer == "Customer Id"
    assert config.attributes.columns == {"Tier": "text", "vip": "true_false"}


SAME = [
    ("count: A", "count: 'A'"),
    ("sum: properties.a*2, over: 1h", "over: 60m, sum: ' event.properties.a * 2 ', pane: 1m"),
    ("last: traits.a, of: any", "last: (traits.a)"),
    ("count: any, per: 1d", "zone: customer, per: 1d, count: any"),
    ("distinct: traits.a", "distinct: traits.a, at_most: 64"),
    ("count: A, where: event.name=='A'", 'count: A, where: event.name == "A"'),
    ("count: A, half_life: 1d", "count: A, half_life: 24h"),
]
OTHERS = [
    *("count: A", "count: B", "count: any", "time: A", "rate: A", "count: A, since: B"),
    *("count: A, over: 1h", "count: A, over: 2h", "count: A, over: 2h, pane: 1m"),
    *("count: A, per: 1d", "count: A, per: 1w", "count: A, per: 1d, zone: utc"),
    *("count: A, within: session", "count: A, half_life: 1d", "count: A, half_life: 2d"),
    *("count: A, where: event.properties.a > 1", "count: A, where: event.properties.a > 2"),
    *("sum: traits.a", "min: traits.a", "max: traits.a", "mean: traits.a", "first: traits.a"),
    *("last: traits.a", "last: traits.b", "last: traits.a, of: A", "distinct: traits.a"),
    *("distinct: traits.a, at_most: 5", "recent: traits.a", "recent: traits.a, at_most: 11"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_another_way_of_writing_a_feature_keeps_its_definition(
    load_text: LoadText, one: str, other: str
) -> None:
    found = features_of(load_text, a=one, b=other)
    assert definition(found["a"]) == definition(found["b"])


def test_another_meaning_is_another_definition(load_text: LoadText) -> None:
    found = features_of(load_text, **{f"f{n}": spec for n, spec in enumerate(OTHERS)})
    assert len({definition(each) for each in found.values()}) == len(OTHERS)


def test_definitions_stay_from_release_to_release(load_text: LoadText) -> None:
    found = features_of(
        load_text,
        a="sum: properties.a*2, of: A, over: 1h",
        b="count: A, where: not event.properties.a>1",
        c="last: traits.a",
        d="count: any, per: 1d",
    )
    assert [definition(each) for each in found.values()] == [
        '{"of":"A","over":3600000,"pane":60000,"sum":"properties.a * 2"}',
        '{"count":"A","where":"not event.properties.a > 1"}',
        '{"last":"traits.a","of":null}',
        '{"count":null,"per":"1d","zone":"customer"}',
    ]


def test_a_segments_version_is_that_of_its_meaning(load_text: LoadText) -> None:
    config = load_text("""
        name: shop
        features: {orders: {count: Order Completed}}
        segments:
          a: orders>0 and not(orders>5)
          b: {when: "orders > 0 and (not orders > 5)", for: 0s}
          c: >
            orders > 0
            and not orders > 5
          d: {when: orders > 0 and not orders > 5, hold: 1h}
          e: orders > 0 and not orders > 6
          f: {enter: orders > 0 and not orders > 5, leave: orders == 0}
    """)
    versions = [rule_version(each) for each in config.segments.values()]
    assert versions[0] == versions[1] == versions[2]
    assert len(set(versions)) == 4
    assert definition(config.segments["d"]) == (
        '{"enter":null,"for":0,"hold":3600000,"leave":null,"when":"orders > 0 and not orders > 5"}'
    )


@pytest.mark.parametrize("kind", FEATURE_KINDS)
def test_a_kind_has_the_windows_that_the_profile_can_keep(kind: str) -> None:
    keys = keys_of(FEATURE_KINDS[kind])
    windows = {"all"} | {window for key, window in WINDOW_OF_KEY.items() if key in keys}
    assert windows == KINDS[kind].windows
    takes_value = "argument" in FEATURE_KINDS[kind].model_fields
    assert takes_value is (KINDS[kind].field_type is not None)
    assert ("at_most" in keys) is bool(KINDS[kind].at_most_limit)


def test_kinds_and_bounds_are_those_of_the_profile() -> None:
    assert set(FEATURE_KINDS) == set(KINDS)
    assert set(COLLECT_KINDS) == set(COLLECTED)
    bounds = {name: (kind.at_most_usual, kind.at_most_limit) for name, kind in KINDS.items()}
    assert {name: each for name, each in bounds.items() if any(each)} == BOUNDS
    assert {"1h", "1d", "1w"} == set(PERIODS_MS)
    assert set(CLOCK) == set(get_args(ClockSlot))
    assert set(SESSION_FIELDS) | {"value"} == set(get_args(SessionField))
    assert set(ATTRIBUTE_TYPES) == {"text", "number", "true_false"}


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_name_that_means_something_else_is_no_features(
    problems_of: Callable[..., list[tuple[int, int, str]]], name: str
) -> None:
    [(line, column, message)] = problems_of(f"name: s\nfeatures:\n  {name!r}: {{count: A}}")
    assert (line, column) == (3, 3)
    assert message == f"features.{name}: {name} has a meaning in expressions: choose another name"


def test_at_most_five_hundred_of_each(
    problems_of: Callable[..., list], load_text: LoadText
) -> None:
    features = "".join(f"\n  f{n}: {{count: A}}" for n in range(501))
    segments = "".join(f"\n  s{n}: f{n} > 0" for n in range(501))
    found = problems_of(f"name: s\nfeatures:{features}\nsegments:{segments}")
    assert [message for _, _, message in found] == [
        "features: found 501, expected at most 500",
        "segments: found 501, expected at most 500",
    ]
    config = load_text(
        f"name: s\nfeatures:{features.replace('f500: ', 'f0_: ')}".rpartition("\n")[0]
    )
    assert len(config.features) == 500
