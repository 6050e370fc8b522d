"""Hypothesis strategies: triggers with every option, and what decides whether they send.

The customers' values and segments are few and always the same; waits, quiet hours, limits and the
times of events lie on one coarse grid, so that things meet at one time often.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from expressions import names
from oracle.observing import read
from oracle.rules import Rules, Trigger
from oracle.writing import HOUR_MS, MINUTE_MS

FEATURES: dict[str, dict[str, Any]] = {
    "views": {"count": "Product Viewed"},
    "views_1h": {"count": "Product Viewed", "over": "1h", "pane": "5m"},
    "cart": {"sum": "properties.price", "of": "Product Added", "since": "Order Completed"},
    "kind": {"last": "properties.category"},
    "items": {"recent": "properties.category", "of": "Product Added", "at_most": 3},
    "last_order": {"time": "Order Completed"},
}
SEGMENTS: dict[str, Any] = {
    "looking": "views_1h >= 2",
    "buyer": "since(last_order) < 10m",
    "lapsed": {"when": "since(last_order) > 30m", "for": "5m", "hold": "10m"},
    "away": "session.events is missing",
}
CONDITIONS = [
    "cart >= 5",
    "cart is missing or cart < 5",
    "views % 2 == 1",
    "views_1h == 0",
    'kind == "shoes"',
    "length(items) >= 2",
    "since(last_order) > 10m",
    "last_order is missing",
    "session.events >= 2",
    "session.events is missing",
    "session.duration < 5m",
    'trait.plan == "gold"',
    'context.device != "mobile"',
    "context.hour < 21",
    "segment.looking",
    "not segment.buyer",
    "segment.away or segment.lapsed",
]
OF_EVENTS = [
    "event.properties.price > 1",
    'event.properties.category == "shoes"',
    "event.properties.price is missing or cart >= 5",
    'event.name != "page" and not segment.looking',
    "event.hour >= 12",
]
VALUES: dict[str, Any] = {
    "value": "cart",
    "half": "cart / 2",
    "items": "items",
    "is_away": "segment.away",
    "kind": "kind",
    "text": {"template": "{{ trait.plan }}: {{ kind }} of {{ views }}"},
}
VALUES_OF_EVENTS: dict[str, Any] = {
    "what": "event.properties.category",
    "double": "event.properties.price * 2",
    "name": {"template": "{{ event.properties.category }}!"},
}
ALL_NAMES = " and ".join(
    f"{name} is missing"
    for name in sorted(
        {name for text in CONDITIONS for name in names(read(text)) if "segment." not in name}
        | {*FEATURES, "context.timezone"}
    )
)
"""Looks at all that triggers may name: a segment with it keeps rows as they are."""


def drawn(values: list[Any]) -> st.SearchStrategy[Any]:
    """Draw one of these; what stands twice comes twice as often."""
    return st.sampled_from(values)


def minutes(*values: int) -> st.SearchStrategy[int]:
    """Draw a duration."""
    return drawn([value * MINUTE_MS for value in values])


def _some(values: Mapping[str, Any], *, is_event: bool) -> st.SearchStrategy[dict[str, Any]]:
    offered = {**values, **(VALUES_OF_EVENTS if is_event else {})}
    return st.lists(drawn([*offered]), unique=True, max_size=3).map(
        lambda names: {name: offered[name] for name in names}
    )


@st.composite
def cancels(draw: st.DrawFn) -> list[Any]:
    """Draw what cancels."""
    offered = [
        *["Order Completed"] * 3,
        "page",
        {"on": "Product Viewed", "where": draw(drawn(CONDITIONS + OF_EVENTS))},
        {"enter": draw(drawn([*SEGMENTS]))},
        {"leave": draw(drawn([*SEGMENTS]))},
    ]
    return draw(st.lists(drawn(offered), max_size=2, unique_by=str))


@st.composite
def triggers(draw: st.DrawFn, *, steps: bool = True, always_restart: bool = False) -> Trigger:
    """Draw a trigger with few of its options, each of them often enough."""
    segment = draw(drawn([*SEGMENTS]))
    on = draw(
        drawn(
            [
                *["Product Added"] * 4,
                *["Product Viewed", "identify", "any"],
                *[{"enter": segment}, {"leave": segment}, {"session": "closed"}],
            ]
        )
    )
    is_event = isinstance(on, str)
    wheres = [*CONDITIONS, *(OF_EVENTS * 3 if is_event else [])]
    options: dict[str, st.SearchStrategy[Any]] = {
        "where": drawn(wheres),
        "when": drawn(CONDITIONS),
        "again": st.one_of(drawn(["never", "always"]), minutes(5, 10, 30, 60, 24 * 60)),
        "enabled": drawn([True, True, False]),
        "priority": drawn([1, 5, 5, 80]),
        "channel": drawn(["email", "sms"]),
        "tags": drawn([["a"], ["a", "b"]]),
        "payload": _some(VALUES, is_event=is_event),
    }
    if is_event:
        options["key"] = st.just("properties.cart_id")
    if steps:
        options["then"] = st.lists(further(is_event=is_event), min_size=1, max_size=2)
    taken = draw(st.lists(drawn([*options]), max_size=5, unique=True))
    trigger = {
        "on": on,
        "after_ms": draw(minutes(0, 0, 1, 5, 5, 10, 10, 30, 30, 60)),
        "cancel": draw(cancels()),
        "expires_ms": draw(minutes(1, 5, 30, 60, 10 * 60, 24 * 60, 24 * 60, 24 * 60)),
    }
    trigger |= {name: draw(options[name]) for name in taken}
    if not always_restart and draw(drawn([False, False, True])):
        trigger["restart"] = False
    return trigger  # type: ignore[return-value]  # the keys are those


@st.composite
def further(draw: st.DrawFn, *, is_event: bool) -> dict[str, Any]:
    """Draw a further step."""
    step = {"after_ms": draw(minutes(1, 1, 5, 10, 10, 30, 60))}
    options = {
        "when": drawn(CONDITIONS),
        "cancel": cancels(),
        "channel": drawn(["email", "sms"]),
        "payload": _some(VALUES, is_event=is_event),
    }
    taken = draw(st.lists(drawn([*options]), max_size=2, unique=True))
    return step | {name: draw(options[name]) for name in taken}


@st.composite
def limits(draw: st.DrawFn, triggers: Mapping[str, Trigger]) -> dict[str, Any]:
    """Draw a limit about some of the messages of these triggers."""
    per = draw(drawn(["1m", "10m", "30m", "1h", "24h", "day", "day", "week"]))
    about = {
        "channel": [one["channel"] for one in triggers.values() if "channel" in one],
        "trigger": list(triggers),
        "tag": [tag for one in triggers.values() for tag in one.get("tags", ())],
    }
    limit = {"at_most": draw(drawn([1, 1, 2])), "per": per}
    for name, values in about.items():
        if values and draw(drawn([False, False, True])):
            limit[name] = draw(drawn(values))
    if per in {"day", "week"} and draw(st.booleans()):
        limit["zone"] = draw(drawn(["UTC", "America/New_York", "customer"]))
    return limit


@st.composite
def quiet_hours(draw: st.DrawFn) -> dict[str, str]:
    """Draw quiet hours, many of which end or begin where clocks are changed."""
    hours = [
        *[("21:00", "08:00"), ("20:30", "21:30"), ("22:00", "22:30"), ("23:30", "00:30")],
        *[("02:00", "03:00"), ("02:30", "03:30"), ("01:00", "02:30"), ("00:00", "01:30")],
        *[("21:45", "21:30"), ("15:30", "17:00")],
    ]
    start, end = draw(drawn(hours))
    quiet = {"from": start, "to": end, "then": draw(drawn(["hold", "hold", "drop"]))}
    zone = draw(drawn([None, None, "context.timezone", "UTC", "Europe/Berlin", "America/New_York"]))
    return quiet if zone is None else quiet | {"zone": zone}


@st.composite
def rules(draw: st.DrawFn, *, arbitrated: bool = True, steps: bool = True) -> Rules:
    """Draw triggers, and (`arbitrated`) limits, quiet hours and a holdout over them."""
    drawn_triggers = draw(
        st.dictionaries(drawn(["first", "other", "third"]), triggers(steps=steps), min_size=1)
    )
    given: dict[str, Any] = {}
    if arbitrated:
        given["limits"] = draw(st.lists(limits(drawn_triggers), max_size=2))
        given["quiet_hours"] = draw(st.one_of(st.none(), quiet_hours(), quiet_hours()))
        shares = [None, None, None, "50%", {"share": "50%", "salt": "spring"}]
        given["holdout"] = draw(drawn(shares))
    return Rules(
        gap_ms=draw(minutes(5, 30)),
        triggers={name: settled(one, given) for name, one in drawn_triggers.items()},
        disorder_ms=draw(minutes(0, 0, 1, 10, 60)),
        future_ms=HOUR_MS,
        features=FEATURES,
        segments=SEGMENTS,
        **given,
    )


def settled(trigger: Trigger, given: Mapping[str, Any]) -> Trigger:
    """Let a trigger that is decided at once start anew where it could still be pending.

    Whether something is pending is known only once the watermark is past it, which such a trigger
    does not wait for.
    """
    if trigger.get("after_ms") or not (given.get("quiet_hours") or "then" in trigger):
        return trigger
    return {**trigger, "restart": True}


OWN = ("on", "key", "where", "payload")
"""What a trigger keeps when it is altered, as it has to do with what starts it."""


@st.composite
def changes(draw: st.DrawFn) -> tuple[Rules, Rules]:
    """Draw rules and others to go on with, whose triggers are others, altered or gone."""
    before = replace(draw(rules(steps=False)), segments=SEGMENTS | {"nobody": ALL_NAMES})
    kept: dict[str, Trigger] = {}
    for name, trigger in before.triggers.items():
        is_any = trigger["on"] == "any"  # what supersedes it is known at once, before a change too
        fate = draw(drawn(["same", "altered", "altered", "altered" if is_any else "gone"]))
        if fate == "altered":
            own = {name: trigger[name] for name in OWN if name in trigger}  # type: ignore[literal-required]
            # what waits, and then need not, may still be pending when a further start comes
            other = draw(triggers(steps=False, always_restart=True))
            changed = {name: value for name, value in other.items() if name not in OWN}
            kept[name] = settled({**changed, **own}, vars(before))  # type: ignore[typeddict-item]
        elif fate == "same":
            kept[name] = trigger
    return before, replace(before, triggers=kept)
