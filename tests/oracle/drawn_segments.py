"""Hypothesis strategies: features of every kind over every window, and segments that use them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from expressions import names
from oracle.observing import needs_zone, read
from oracle.rules import Rules, names_in
from oracle.specs import OF_EVENTS, OF_NUMBERS, kind_of
from oracle.writing import HOUR_MS, MINUTE_MS

NAMES = ["Product Viewed", "Product Added", "Order Completed", "page"]
FOR_ALL = ("count", "time", "first", "last", "min", "max", "sum", "mean", "distinct", "recent")
WINDOWS = [
    *[{}] * 3,
    *[{"over": "1h"}] * 3,
    {"over": "90m", "pane": "90s"},
    {"over": "24h"},
    {"per": "1h"},
    {"per": "1d"},
    {"per": "1d", "zone": "utc"},
    {"per": "1w"},
    *[{"within": "session"}] * 2,
    *[{"since": "Order Completed"}] * 2,
]
NUMBERS = [
    *["properties.price"] * 3,
    "properties.price * properties.quantity",
    "event.properties.price - 1",
    "max(properties.price, 2)",
]
SCALARS = ["properties.category", "properties.category", "properties.price", "event.name"]
ITEMS = {
    "numbers": [
        "properties.products[].price",
        "properties.products[].price * properties.products[].quantity",
        "properties.products[].price * properties.quantity",
    ],
    "scalars": ["properties.products[].id", "event.properties.products[].price"],
}
WHERES = [
    'event.properties.category == "shoes"',
    "event.properties.price > 4",
    'event.properties.price is missing or event.properties.category in ["hats", 1]',
    "event.hour >= 12",
    "event.weekday == 4",
    'event.date == "2026-01-01"',
    'event.name != "page"',
    'event.context.device.type == "mobile"',
    "not event.traits.vip",
]
ITEMS_WHERES = [
    "event.properties.products[].price > 2",
    'event.properties.products[].id == "p1"',
]
DURATIONS = ["1ms", "1m", "5m", "30m", "1h", "26h"]
FREE = [
    'trait.plan == "gold"',
    "trait.vip",
    "trait.plan is missing",
    'context.device == "mobile"',
    'context.country in ["DE", "AT"]',
    "context.hour >= 12",
    "context.weekday < 5",
    'context.timezone == "Asia/Tokyo"',
    "session.duration >= 5m",
    "session.duration is missing",
    "session.duration < 1m",
    "session.events >= 2",
    "session.events % 2 == 0",
    "since(session.start) > 5m",
    "since(session.start) < 2m",
    "session.start is missing",
]
"""Conditions that need no feature."""
FREE_NAMES = {name for text in FREE for name in names(read(text))}
RETENTIONS = st.sampled_from([None] * 4 + [60 * MINUTE_MS, 61 * MINUTE_MS, 180 * MINUTE_MS])


def one_of(values: list[Any]) -> st.SearchStrategy[Any]:
    """Draw one of these; what stands twice comes twice as often."""
    return st.sampled_from(values)


@st.composite
def measures(draw: st.DrawFn, kinds: tuple[str, ...] = FOR_ALL) -> dict[str, Any]:
    """Draw a kind with what it takes of events."""
    kind = draw(one_of([*kinds]))
    of_items = draw(one_of([False] * 4 + [True]))
    spec: dict[str, Any] = {kind: draw(one_of([*NAMES, "any"]))}
    if kind not in OF_EVENTS:
        numbers, scalars = NUMBERS, SCALARS
        if of_items:
            numbers, scalars = ITEMS["numbers"], ITEMS["scalars"]
        spec = {kind: draw(one_of(numbers if kind in OF_NUMBERS else scalars))}
        spec |= draw(one_of([{}, *({"of": name} for name in NAMES)]))
    if draw(one_of([False, False, True])):
        wheres = ITEMS_WHERES if of_items else WHERES
        spec["where"] = draw(one_of(wheres))
    if kind == "recent":
        spec["at_most"] = draw(one_of([1, 2, 10]))
    return spec


@st.composite
def features(draw: st.DrawFn, windows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Draw a feature."""
    if draw(one_of([False] * 9 + [True])):
        return {"rate": draw(one_of([*NAMES, "any"]))}
    if draw(one_of([False] * 9 + [True])):
        spec = draw(measures(("count", "sum")))
        return spec | {"half_life": draw(one_of(["5m", "50m"]))}
    return draw(measures()) | draw(one_of(windows or WINDOWS))


def about(name: str, spec: Mapping[str, Any]) -> list[str]:
    """List conditions about a feature."""
    kind, argument = kind_of(spec)
    missing = [f"{name} is missing", f"{name} is not missing"]
    if kind == "time":
        ages = [
            f"since({name}) {sign} {duration}"
            for sign in (">", ">=", "<", "<=")
            for duration in DURATIONS
        ]
        return [*missing, *ages, f"2m <= since({name})", f"since({name}) > 2 * 5m"]
    if kind == "recent":
        return [*missing, f'"shoes" in {name}', f"5 in {name}", f"length({name}) >= 2"]
    if kind in {"first", "last"}:
        if argument == "event.name":
            return [*missing, f'{name} == "page"', f'starts_with({name}, "Product")']
        scalars = [f'{name} == "shoes"', f'{name} != "shoes"', f'{name} in ["hats", 5, "p1"]']
        return [*missing, f"{name} > 3", *scalars]
    if kind == "rate" or "half_life" in spec:
        return [*missing, f"{name} > 1.2345", f"{name} < 0.7345", f"{name} * 2 >= 5.4321"]
    return [
        *missing,
        *(f"{name} {sign} {number}" for sign in (">=", "<", "==") for number in (0, 1, 2, 3, 5.5)),
        f"{name} % 2 == 1",
        f"2 / {name} > 0.9",
    ]


@st.composite
def conditions(draw: st.DrawFn, leaves: list[list[str]]) -> str:
    """Draw a condition over some of these."""
    drawn = draw(st.lists(one_of(leaves).flatmap(one_of), min_size=1, max_size=3))
    text = drawn[0]
    for leaf in drawn[1:]:
        word = draw(one_of(["and", "or", "and not", "or not"]))
        text = f"({text}) {word} ({leaf})"
    return f"not ({text})" if draw(one_of([False] * 5 + [True])) else text


@st.composite
def segments(draw: st.DrawFn, leaves: list[list[str]]) -> str | dict[str, str]:
    """Draw a segment over some conditions."""
    condition = conditions(leaves)
    form = draw(one_of(["text", "text", "when", "when", "enter"]))
    if form == "text":
        return draw(condition)
    durations = one_of(["1ms", "1m", "1m", "5m", "10m", "1h", "25h"])
    waits = draw(st.fixed_dictionaries({}, optional={"for": durations, "hold": durations}))
    if form == "when":
        return {"when": draw(condition), **waits}
    return {"enter": draw(condition), "leave": draw(condition), **waits}


@st.composite
def rules(draw: st.DrawFn, *, retention: bool = True) -> Rules:
    """Draw features and segments, with what sessions collect."""
    collect, named = draw(collects), draw(features_by_name)
    return Rules(
        gap_ms=draw(one_of([1, 5, 30, 30])) * MINUTE_MS,
        collect=collect,
        disorder_ms=draw(one_of([0, 1, 10, 60])) * MINUTE_MS,
        future_ms=HOUR_MS,
        retention_ms=draw(RETENTIONS) if retention else None,
        features=named,
        segments=draw(segments_over(collect, named, {})),
    )


@st.composite
def changes(draw: st.DrawFn) -> tuple[Rules, Rules]:
    """Draw rules and others to go on with, which have much of the first."""
    before = draw(rules())
    collect = draw(altered(before.collect, [{}, *({"where": where} for where in WHERES[:2])]))
    windows = [spec for spec in WINDOWS if spec]
    named = draw(altered(before.features, windows)) | {
        f"new_{name}": spec for name, spec in draw(features_by_name).items()
    }
    kept = {n: spec for n, spec in before.segments.items() if draw(one_of([True, True, False]))}
    segments = draw(segments_over(collect, named, kept))
    return before, replace(before, collect=collect, features=named, segments=segments)


@st.composite
def altered(
    draw: st.DrawFn, specs: Mapping[str, Mapping[str, Any]], others: list[dict[str, Any]]
) -> dict[str, Any]:
    """Leave out some features, and alter others so that their values are of the same type."""
    result = {}
    for name, spec in specs.items():
        fate = draw(one_of(["same"] * 3 + ["altered", "gone"]))
        if fate == "same" or ("rate" in spec and fate == "altered"):
            result[name] = dict(spec)
        if fate == "altered" and "rate" not in spec:
            kind, argument = kind_of(spec)
            bound = {"at_most": spec["at_most"]} if "at_most" in spec else {}
            result[name] = {kind: argument, **bound, **draw(one_of(others))}
    return result


collects = st.dictionaries(
    one_of(["x", "y"]),
    measures(("count", "sum", "min", "max", "first", "last", "distinct")).filter(
        lambda spec: not needs_zone(spec)
    ),
)
features_by_name = st.lists(features(), max_size=4).map(
    lambda drawn: {f"f{number}": spec for number, spec in enumerate(drawn)}
)


@st.composite
def segments_over(
    draw: st.DrawFn,
    collect: Mapping[str, Any],
    named: Mapping[str, Any],
    kept: Mapping[str, Any],
) -> dict[str, Any]:
    """Draw segments over these features; those to be kept stay as they are where they can."""
    leaves = [about(name, spec) for name, spec in named.items()] * 2
    leaves += [about(f"session.{name}", spec) for name, spec in collect.items()]
    leaves.append(FREE)
    drawn: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 4))):
        name = f"s{number}"
        known = {*named, *(f"segment.{other}" for other in drawn), *FREE_NAMES}
        known |= {f"session.{each}" for each in collect}
        is_kept = name in kept and names_in(kept[name]) <= known
        drawn[name] = kept[name] if is_kept else draw(segments(leaves))
        leaves.append([f"segment.{name}", f"not segment.{name}"])
    return drawn
