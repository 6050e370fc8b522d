"""Payloads: what a message holds of its customer and of the event that has started it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from expressions import Type, compile_value
from expressions.templates import compile_template, names_in
from operators.causes import event_names, payload_trees
from operators.outputs import json_number
from operators.plans import PayloadField
from operators.times import EventTime, format_time

PAYLOAD_BYTES = 65_536
"""The most that a payload is as JSON, as it is written: with names, braces and nulls."""

_NULL_BYTES = len(b"null")

_SECOND_MS = 1000


class Payload(NamedTuple):
    """What a message holds, and whether some of it was too long."""

    values: dict[str, Any]
    is_cut: bool = False


class PayloadWriter:
    """Writes the payloads of one step.

    Args:
        fields: the values.
        slots: where each name of a customer stands in a row.
    """

    def __init__(self, fields: Sequence[PayloadField], slots: Mapping[str, int]) -> None:
        trees = [tree for field in fields for tree in payload_trees(field)]
        self._event_names = event_names(trees)
        places = dict(slots)
        for name in self._event_names:
            places[name] = len(places)
        self._fields = [(field.name, _function(field, places)) for field in fields]

    def write(self, row: Sequence[Any], event: Mapping[str, Any], time: EventTime) -> Payload:
        """Write a payload.

        Args:
            row: the customer's as of the time.
            event: what the instance has kept of its event, by name.
            time: at which the message is sent.
        """
        if not self._fields:
            return Payload({})
        known = [*row, *(event.get(name) for name in self._event_names)]
        values = {name: function(known, time) for name, function in self._fields}
        size = len(msgspec.json.encode(values))
        return Payload(values) if size <= PAYLOAD_BYTES else _cut(values, size)


def _cut(values: dict[str, Any], size: int) -> Payload:
    """Take values away, the longest first, until the rest is short enough."""
    sizes = {name: len(msgspec.json.encode(value)) for name, value in values.items()}
    while size > PAYLOAD_BYTES:
        longest = max(sizes, key=lambda name: (sizes[name], name))
        assert sizes[longest] > _NULL_BYTES, "names alone are never too long"
        size -= sizes[longest] - _NULL_BYTES
        values[longest], sizes[longest] = None, _NULL_BYTES
    return Payload(values, is_cut=True)


def _function(
    field: PayloadField, places: Mapping[str, int]
) -> Callable[[Sequence[Any], int], Any]:
    if field.value is not None:
        value = compile_value(field.value, places)
        return lambda row, time: _written(value(row, time), field.type)
    assert field.template is not None, "one of the two is given"
    render = compile_template(field.template)
    wanted = [(name, places[name]) for name in names_in(field.template)]
    types = field.types
    return lambda row, _time: render(
        {name: _written(row[place], types.get(name, Type.ANY)) for name, place in wanted}
    )


def _written(value: Any, kind: Type) -> Any:
    """Write a value as records have it: times as text, durations in seconds."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, list):
        return [_written(each, Type.ANY) for each in value]
    if kind is Type.TIME:
        return format_time(EventTime(value))
    return json_number(value / _SECOND_MS if kind is Type.DURATION else value)
