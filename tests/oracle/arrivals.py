"""What a feature has seen of a customer's history, in the words of the oracle of features."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oracle.features import Arrival, Spec, feature_value, period
from oracle.input import Event
from oracle.observing import observed
from oracle.specs import kind_of, milliseconds

PERIODS = {"1h": "hour", "1d": "day", "1w": "week"}
USUAL_PANES = 60


class Known(NamedTuple):
    """An event that has arrived, the customer's clock and zone then."""

    event: Event
    clock: int
    zone: str
    number: int


def spec_of(spec: Mapping[str, Any]) -> Spec:
    """Say what a feature is in the words of the oracle of features."""
    kind, _ = kind_of(spec)
    at_most = spec.get("at_most", 10 if kind == "recent" else 64)
    if "over" in spec:
        size = milliseconds(spec["over"])
        pane = milliseconds(spec["pane"]) if "pane" in spec else max(1, size // USUAL_PANES)
        return Spec(kind, "sliding", size, pane, at_most=at_most)
    if "per" in spec:
        zone = spec.get("zone", "customer")
        return Spec(kind, "tumbling", period=PERIODS[spec["per"]], zone=zone, at_most=at_most)
    if "since" in spec:
        return Spec(kind, "since", at_most=at_most)
    if "half_life" in spec:
        return Spec(kind, "decay", milliseconds(spec["half_life"]))
    return Spec(kind, "all", at_most=at_most)


def arrivals_of(spec: Mapping[str, Any], known: Sequence[Known]) -> list[Arrival]:
    """Say what a feature has seen."""
    arrivals = []
    for event, clock, zone, _ in known:
        if spec.get("since") == event.name:
            arrivals.append(Arrival(event.time, clock, resets=True))
            continue
        values = observed(spec, event, zone)
        arrivals += [Arrival(event.time, clock, value, zone) for value in values]
    return arrivals


def times_of(spec: Mapping[str, Any], known: Known) -> Iterator[int]:
    """Give when a feature may let go of what it takes of an event."""
    told = spec_of(spec)
    event, _, zone, _ = known
    if told.window == "sliding":
        yield (event.time // told.pane + -(-told.size // told.pane) + 1) * told.pane
    if told.window == "tumbling":
        yield period(told.period, "UTC" if told.zone == "utc" else zone, event.time)[1]


def collected(spec: Mapping[str, Any], known: Sequence[Known], now: int) -> Any:
    """Work out what a session has collected; ``distinct`` not beyond its bound."""
    told = spec_of(spec)
    value = feature_value(told, arrivals_of(spec, known), now)
    return min(value, told.at_most) if told.kind == "distinct" else value
