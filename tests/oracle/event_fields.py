"""What a trigger's conditions and messages see of an event, beside the customer."""

from typing import Any

from expressions import names
from oracle.arrivals import Known
from oracle.input import value_at
from oracle.observing import DERIVED, as_float, derived, path_of, read
from oracle.rules import fields_of, is_of_event


def event_values(text: str, known: Known | None) -> dict[str, Any]:
    """Return all that an expression names of an event."""
    fields = fields_of(text)
    named = {name for name in names(read(text)) if is_of_event(name)}
    return {name: event_value(name, known, fields.get(name, "value")) for name in named}


def event_value(name: str, known: Known | None, accepts: str = "value") -> Any:
    """Return a value of an event; None where there is no event."""
    if known is None:
        return None
    if name in DERIVED:
        return derived(name, known.event, known.zone)
    value = value_at(known.event.data, path_of(name))
    return as_float(value) if accepts == "number" else value
