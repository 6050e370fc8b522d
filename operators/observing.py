"""What a feature observes of an event: the values that its rule takes from it, if any.

A rule may take a plain field, or what an expression makes of several; it may look at each item of
an array; and it may have a condition. All of it is compiled once for each event name.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from expressions import Tree, Type, compile_function, field_types, names
from expressions.tree import Name
from expressions.typing_rules import type_of
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


class _Rule(NamedTuple):
    """An expression, and what each field that it names must be."""

    tree: Tree
    types: dict[str, FieldType]


class Fields:
    """The fields that the rules take of the events of one name, and where each stands.

    What is derived stands behind all fields of the event; its place is known once all are.
    """

    def __init__(self) -> None:
        self.wanted: dict[Field, int] = {}
        self.derived: dict[str, int] = {}

    def add(self, path: Path, field_type: FieldType) -> None:
        """Take note that a field is wanted."""
        self.wanted.setdefault(Field(path, field_type), len(self.wanted))

    def add_feature(self, plan: FeaturePlan, field_type: FieldType | None) -> None:
        """Take note of all that a feature wants."""
        for rule in filter(None, (_value_of(plan, field_type), _where_of(plan))):
            self._add_rule(rule)

    def add_tree(self, tree: Tree) -> None:
        """Take note of all that an expression wants of the event, which may name other things."""
        self._add_rule(_Rule(tree, _field_types(tree)))

    def places_in(self, tree: Tree) -> dict[str, int]:
        """Return where each name stands that an expression wants of the event."""
        return self.places(_Rule(tree, _field_types(tree)))

    def _add_rule(self, rule: _Rule) -> None:
        for name in _event_names(rule.tree):
            if name in DERIVED:
                self.derived.setdefault(name, len(self.derived))
            else:
                self.add(path_of(name), rule.types[name])

    def places(self, rule: _Rule) -> dict[str, int]:
        """Return where each name of an expression stands."""
        return {
            name: len(self.wanted) + self.derived[name]
            if name in DERIVED
            else self.wanted[Field(path_of(name), rule.types[name])]
            for name in _event_names(rule.tree)
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
    of_value, of_where = _value_of(plan, field_type), _where_of(plan)
    value_places = fields.places(of_value) if of_value else {}
    where_places = fields.places(of_where) if of_where else {}
    value = _value(of_value.tree, value_places, field_type) if of_value else None
    where = compile_function(of_where.tree, where_places) if of_where else None
    if plan.each:
        places = [*value_places.items(), *where_places.items()]
        return _of_items(value, where, sorted({place for name, place in places if "[]" in name}))
    if value is None:
        return _of_event(where)
    if where is None and isinstance(plan.value, Name) and plan.value.name not in DERIVED:
        return _of_field(value_places[plan.value.name])
    return _of_value(value, where)


def _value(tree: Tree, places: dict[str, int], field_type: FieldType | None) -> Function:
    """Compile a value; where a number is needed, another is missing, as in arithmetic."""
    value = compile_function(tree, places)
    if isinstance(tree, Name) or field_type is not FieldType.NUMBER or type_of(tree) is Type.NUMBER:
        return value

    def number(values: Sequence[Any], time: int) -> Any:
        found = value(values, time)
        return found if type(found) in {int, float} else None

    return number


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


def _value_of(plan: FeaturePlan, field_type: FieldType | None) -> _Rule | None:
    """Return what a feature takes; a plain field must be what the feature's kind needs."""
    if plan.value is None:
        return None
    if isinstance(plan.value, Name) and field_type is not None:
        return _Rule(plan.value, {plan.value.name: field_type})
    return _Rule(plan.value, _field_types(plan.value))


def _where_of(plan: FeaturePlan) -> _Rule | None:
    return _Rule(plan.where, _field_types(plan.where)) if plan.where else None


def _event_names(tree: Tree) -> list[str]:
    return [name for name in names(tree) if name.startswith("event.")]


def _field_types(tree: Tree) -> dict[str, FieldType]:
    return {
        name: FieldType.NUMBER if found is Type.NUMBER else FieldType.SCALAR
        for name, found in field_types(tree).items()
        if name.startswith("event.") and name not in DERIVED
    }
