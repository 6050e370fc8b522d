"""What a feature observes of an event: the values that its rule takes from it, if any.

A rule may take a plain field, or what an expression makes of several; it may look at each item of
an array; and it may have a condition. All of it is compiled once for each event name.
"""

from collections.abc import Callable, Sequence
from typing import Any

from expressions import Tree, Type, compile_function, field_types, names
from expressions.tree import Name
from operators.features.plan import FeaturePlan
from operators.features.zones import Zone
from operators.fields import Field, FieldType, Path
from operators.times import EventTime

Observe = Callable[[Sequence[Any], EventTime], Sequence[Any]]
"""Gives the values that a feature is to take of an event, from the event's fields."""

Function = Callable[[Sequence[Any], int], Any]
"""A compiled expression: of the event's fields and its time."""

Derive = Callable[[EventTime, Zone, str], object]

DERIVED: dict[str, Derive] = {
    "event.hour": lambda time, zone, _name: zone.local(time).hour,
    "event.weekday": lambda time, zone, _name: zone.local(time).weekday,
    "event.date": lambda time, zone, _name: zone.local(time).date,
    "event.name": lambda _time, _zone, name: name,
}
"""What conditions may ask of an event beside its fields."""

ZONED = frozenset({"event.hour", "event.weekday", "event.date"})

_ONCE = (None,)
_NOTHING = ()


class Fields:
    """The fields that the rules take of the events of one name, and where each stands.

    What is derived stands behind all fields of the event; its place is known once all are.
    """

    def __init__(self) -> None:
        self.wanted: dict[Field, int] = {}
        self.derived: dict[str, int] = {}

    def add(self, path: Path, field_type: FieldType) -> None:
        """Take note that a field is wanted."""
        self.wanted.setdefault((path, field_type), len(self.wanted))

    def add_feature(self, plan: FeaturePlan, field_type: FieldType | None) -> None:
        """Take note of all that a feature wants."""
        for tree, types in _trees(plan, field_type):
            for name in names(tree):
                if name in DERIVED:
                    self.derived.setdefault(name, len(self.derived))
                else:
                    self.add(path_of(name), types[name])

    def places(self, tree: Tree, types: dict[str, FieldType]) -> dict[str, int]:
        """Return where each name of an expression stands."""
        return {
            name: len(self.wanted) + self.derived[name]
            if name in DERIVED
            else self.wanted[path_of(name), types[name]]
            for name in names(tree)
        }


def path_of(name: str) -> Path:
    """Return the path of a field as conditions name it: ``event.properties.price``."""
    return tuple(name.removeprefix("event.").split("."))


def observer(plan: FeaturePlan, field_type: FieldType | None, fields: Fields) -> Observe:
    """Compile what a feature takes of the events of one name.

    Args:
        plan: the feature.
        field_type: what its kind needs the values to be, None where it looks at none.
        fields: all that the rules want of these events.
    """
    functions: list[Function] = []
    items: set[int] = set()
    for tree, types in _trees(plan, field_type):
        places = fields.places(tree, types)
        functions.append(compile_function(tree, places))
        items |= {place for name, place in places.items() if "[]" in name}
    value = functions.pop(0) if plan.value else None
    where = functions.pop() if plan.where else None
    if plan.each:
        return _of_items(value, where, sorted(items))
    if value is None:
        return _of_event(where)
    if where is None and isinstance(plan.value, Name) and plan.value.name not in DERIVED:
        [place] = fields.places(plan.value, dict(_trees(plan, field_type)[0][1])).values()
        return _of_field(place)
    return _of_value(value, where)


def _of_event(where: Function | None) -> Observe:
    if where is None:
        return lambda _values, _time: _ONCE
    return lambda values, time: _ONCE if where(values, time) else _NOTHING


def _of_field(place: int) -> Observe:
    def observe(values: Sequence[Any], _time: EventTime) -> Sequence[Any]:
        value = values[place]
        return _NOTHING if value is None else (value,)

    return observe


def _of_value(value: Function, where: Function | None) -> Observe:
    def observe(values: Sequence[Any], time: EventTime) -> Sequence[Any]:
        if where is not None and not where(values, time):
            return _NOTHING
        found = value(values, time)
        return _NOTHING if found is None else (found,)

    return observe


def _of_items(value: Function | None, where: Function | None, places: Sequence[int]) -> Observe:
    """Look at each item of an array: at the places stand lists, with the fields of all items."""

    def observe(values: Sequence[Any], time: EventTime) -> Sequence[Any]:
        lists = [values[place] for place in places]
        if any(each is None for each in lists):
            return _NOTHING
        of_item = list(values)
        found: list[Any] = []
        for item in zip(*lists, strict=True):
            for place, field in zip(places, item, strict=True):
                of_item[place] = field
            if where is None or where(of_item, time):
                taken = None if value is None else value(of_item, time)
                if value is None or taken is not None:
                    found.append(taken)
        return found

    return observe


def _trees(
    plan: FeaturePlan, field_type: FieldType | None
) -> list[tuple[Tree, dict[str, FieldType]]]:
    """Return a feature's expressions, each with what its fields must be."""
    found: list[tuple[Tree, dict[str, FieldType]]] = []
    if plan.value:
        types = _field_types(plan.value)
        if isinstance(plan.value, Name) and field_type is not None:
            types = {plan.value.name: field_type}
        found.append((plan.value, types))
    if plan.where:
        found.append((plan.where, _field_types(plan.where)))
    return found


def _field_types(tree: Tree) -> dict[str, FieldType]:
    return {
        name: FieldType.NUMBER if found is Type.NUMBER else FieldType.SCALAR
        for name, found in field_types(tree).items()
        if name not in DERIVED
    }
