"""Configs that differ by one thing: what a feature of each kind and window costs, or a segment."""

from collections.abc import Mapping
from pathlib import Path

from operators.features.kinds import KINDS

WINDOWS: Mapping[str, str] = {
    "all": "",
    "sliding": "over: 24h",
    "tumbling": "per: 1d",
    "since": "since: Order Completed",
    "session": "within: session",
    "decay": "half_life: 7d",
}
"""How a feature says which window it has, by the window's name in plans."""

EVENT = "Product Viewed"
"""What the features look at."""

_OF_EVENTS = ("count", "time", "rate")
_OF_NUMBERS = ("sum", "min", "max", "mean")

BARE = "name: shop\n\nsession: {gap: 30m}\n"
"""No features, no segments, no triggers."""

ONE_FEATURE = f"{BARE}\nfeatures:\n  events: {{count: any}}\n"
"""What further features are added to, so that there are rows already."""

ONE_SEGMENT = f"""{BARE}
features:
  events: {{count: any}}
  refunds: {{count: Order Refunded}}
  last_seen: {{time: any}}

segments:
  anybody: events >= 1
"""
"""What further segments are added to."""

_HOURS = "HOURS"
"""Stands for another number in each copy."""

WITH_MORE: Mapping[str, str] = {
    "count, each over another time, so that each has timers of its own": (
        f"count: {EVENT}, over: {_HOURS}h"
    ),
    "count, where a property is below a number": (
        f"count: {EVENT}, where: event.properties.price < 20"
    ),
    "count, where it is night": f"count: {EVENT}, where: event.hour >= 22 or event.hour < 5",
    "sum of a product": f"sum: properties.price * properties.price, of: {EVENT}",
    "sum over an array's items": "sum: 'properties.products[].quantity', of: Order Completed",
    "count of an event that never comes": "count: Order Refunded",
}
"""Features that do more than those of ``features``, or less."""

SEGMENTS: Mapping[str, str] = {
    "no event touches it": "refunds >= 1",
    "each event touches it": "events >= 1000000",
    "the same, with five comparisons": (
        "events >= 1 and events < 1000000 and refunds == 0 and last_seen is not missing"
        " and events * 2 < events"
    ),
    "the same, with since()": "since(last_seen) > 360d",
    "entered and left with each session": "session.events >= 1",
}
"""Conditions by what happens to them."""

MODELS = """
models:
  intent:
    kind: logistic_regression
    predicts: Order Completed
    within: session
    from: &looks_at [session.views, session.adds, session.duration, views_1h, orders, last_order,
                     cart_value, last_category]
    emit: EMIT
  buyer:
    kind: tree.HoeffdingTreeClassifier
    predicts: Order Completed
    within: session
    at: [Product Added]
    from: *looks_at
    emit: EMIT
"""
"""What is added to the example shop: a linear model at every event, a tree at carts' events."""

_EMIT = "EMIT"

CHANGING = "entered and left with each session"


def features() -> dict[tuple[str, str], str]:
    """Give a feature of each kind with each window, by their names."""
    return {
        (kind, window): ", ".join(part for part in (_measure(kind), key) if part)
        for kind in KINDS
        for window, key in WINDOWS.items()
        if window in KINDS[kind].windows
    }


def write_features(path: Path, spec: str, copies: int) -> Path:
    """Write a config with some features that are all the same, but for HOURS in them."""
    specs = [spec.replace(_HOURS, str(20 + number)) for number in range(copies)]
    lines = [f"  more_{number}: {{{each}}}\n" for number, each in enumerate(specs)]
    path.write_text(ONE_FEATURE + "".join(lines))
    return path


def write_segments(path: Path, condition: str, copies: int) -> Path:
    """Write a config with some segments that are all the same."""
    lines = [f"  more_{number}: {condition}\n" for number in range(copies)]
    path.write_text(ONE_SEGMENT + "".join(lines))
    return path


def write_models(path: Path, shop: Path, emit: str) -> Path:
    """Write the config of the shop with two models.

    Args:
        path: of the new config.
        shop: the config without them.
        emit: which of their scores are written.
    """
    path.write_text(shop.read_text() + MODELS.replace(_EMIT, emit))
    return path


def write_all_features(path: Path, gap: str) -> Path:
    """Write a config with a feature of each kind with each window, ``KIND_WINDOW``."""
    lines = [f"  {kind}_{window}: {{{spec}}}\n" for (kind, window), spec in features().items()]
    text = BARE.replace("gap: 30m", f"gap: {gap}")
    path.write_text(f"{text}\nfeatures:\n" + "".join(lines))
    return path


def _measure(kind: str) -> str:
    if kind in _OF_EVENTS:
        return f"{kind}: {EVENT}"
    value = "properties.price" if kind in _OF_NUMBERS else "properties.product_id"
    return f"{kind}: {value}, of: {EVENT}"
