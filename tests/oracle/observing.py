"""What a feature takes of an event: from the rule as it is written, and the event as it came."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from expressions import Tree, Type, field_types, names, parse
from oracle.conditions import naive
from oracle.features import zone_info
from oracle.input import Event, value_at
from oracle.specs import OF_EVENTS, OF_NUMBERS, Use, kind_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DERIVED = {"event.hour", "event.weekday", "event.date", "event.name"}
ZONED = DERIVED - {"event.name"}
ITEMS_MOST = 1000


@cache
def read(text: str) -> Tree:
    """Read an expression."""
    return parse(text)


def event_of(spec: Mapping[str, Any]) -> str | None:
    """Name the events that a feature looks at, None for all."""
    kind, argument = kind_of(spec)
    if kind in OF_EVENTS:
        return None if argument == "any" else argument
    return spec.get("of")


def trees_of(spec: Mapping[str, Any]) -> list[Tree]:
    """Return the value and the condition of a feature, as far as it has them."""
    kind, argument = kind_of(spec)
    value = [] if kind in OF_EVENTS else [read(argument)]
    return [*value, *([read(spec["where"])] if "where" in spec else [])]


def needs_zone(spec: Mapping[str, Any]) -> bool:
    """Tell whether a feature depends on where the customer is."""
    by_calendar = "per" in spec and spec.get("zone", "customer") == "customer"
    return by_calendar or any(name in ZONED for tree in trees_of(spec) for name in names(tree))


def uses_of(spec: Mapping[str, Any]) -> Iterator[Use]:
    """Give the fields that a feature reads."""
    kind, argument = kind_of(spec)
    for tree in trees_of(spec):
        types = field_types(tree)
        for name in names(tree):
            if name not in DERIVED:
                is_number = types[name] is Type.NUMBER
                if name == argument:
                    is_number = kind in OF_NUMBERS
                accepts = "number" if is_number else "value"
                yield Use(event_of(spec), path_of(name), accepts, spec.get("since"))


def path_of(name: str) -> str:
    """Return where a field stands in the event."""
    return name.removeprefix("event.")


def observed(spec: Mapping[str, Any], event: Event, zone: str) -> list[Any]:
    """Return the values that a feature takes of an event; None each where it looks at none."""
    if event_of(spec) not in {None, event.name}:
        return []
    trees = trees_of(spec)
    types = {use.path: use.accepts for use in uses_of(spec)} if trees else {}
    found = {}
    for name in {name for tree in trees for name in names(tree)}:
        if name in DERIVED:
            found[name] = derived(name, event, zone)
        elif "[]" in name:
            found[name] = of_items(event, path_of(name))
        else:
            found[name] = value_at(event.data, path_of(name))
        if types.get(path_of(name)) == "number":
            found[name] = as_float(found[name])
    if not any("[]" in name for name in found):
        return taken(spec, found, event)
    lists = {name: value for name, value in found.items() if "[]" in name}
    if None in lists.values():
        return []
    [length] = {len(value) for value in lists.values()}
    values = []
    for number in range(min(length, ITEMS_MOST)):
        of_item = {name: value[number] for name, value in lists.items()}
        values += taken(spec, {**found, **of_item}, event)
    return values


def taken(spec: Mapping[str, Any], found: dict[str, Any], event: Event) -> list[Any]:
    """Return what a feature takes of an event or item with these fields: one value or none."""
    kind, argument = kind_of(spec)
    if "where" in spec and not naive(read(spec["where"]), found, event.time):
        return []
    if kind in OF_EVENTS:
        return [None]
    value = naive(read(argument), found, event.time)
    return [] if value is None else [value]


def of_items(event: Event, path: str) -> list[Any] | None:
    """Return a field of each item of an array, None where there is no array."""
    array, _, field = path.partition("[]")
    items = value_at(event.data, array)
    if items is None:
        return None
    return [None if item is None else value_at(item, field.removeprefix(".")) for item in items]


def as_float(value: Any) -> Any:
    """Return numbers as fractions are kept."""
    if isinstance(value, list):
        return [as_float(each) for each in value]
    return float(value) if value is not None else None


def derived(name: str, event: Event, zone: str) -> Any:
    """Return what conditions may ask of an event beside its fields."""
    if name == "event.name":
        return event.name
    local = local_time(event.time, zone)
    return {
        "event.hour": local.hour,
        "event.weekday": local.isoweekday(),
        "event.date": local.date().isoformat(),
    }[name]


def local_time(time: int, zone: str) -> datetime:
    """Return what clock and calendar show."""
    return (EPOCH + timedelta(milliseconds=time)).astimezone(zone_info(zone))


@cache
def zone_names() -> frozenset[str]:
    """Name all zones that there are."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())
