"""One customer's sessions (S1, S2): runs of events that lie at most `gap` apart."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from oracle.input import Event
from oracle.observing import observed
from oracle.specs import kind_of

MOST_DISTINCT = 64
GREATEST = Fraction(sys.float_info.max)


@dataclass(frozen=True)
class Session:
    """A closed session."""

    customer: str
    start: int
    end: int
    """The last event's time."""
    time: int
    """When it closes: the last event's time + gap."""
    events: int
    collected: dict[str, Any]
    named: int
    """The start that it had when it was first closed; its id is made of it."""
    revision: int = 1


def sessions_of(
    events: Sequence[Event],
    collect: Mapping[str, Mapping[str, Any]],
    *,
    gap_ms: int,
    watermark: float,
) -> list[Session]:
    """Cut one customer's events, sorted by (time, arrival); list what the watermark is past."""
    sessions = [
        Session(
            run[0].customer,
            start=run[0].time,
            end=run[-1].time,
            time=run[-1].time + gap_ms,
            events=len(run),
            collected=_collected(run, collect),
            named=run[0].time,
        )
        for run in runs_of(events, gap_ms=gap_ms)
    ]
    return [session for session in sessions if session.time < watermark]


def runs_of(events: Sequence[Event], *, gap_ms: int) -> list[list[Event]]:
    """Cut one customer's events, sorted by (time, arrival), where a gap is longer."""
    runs = [[events[0]]]
    for before, event in pairwise(events):
        if event.time - before.time > gap_ms:
            runs.append([])
        runs[-1].append(event)
    return runs


def _collected(
    run: Sequence[Event], collect: Mapping[str, Mapping[str, Any]]
) -> dict[str, int | float | str | bool | None]:
    collected: dict[str, Any] = {}
    for name, spec in collect.items():
        kind, _ = kind_of(spec)
        values = [value for event in run for value in observed(spec, event, "UTC")]
        collected[name] = _aggregated(kind, values)
        if kind == "distinct" and collected[name] > MOST_DISTINCT:
            collected |= {name: MOST_DISTINCT, f"{name}_exact": False}
    return collected


def _aggregated(kind: str, values: Sequence[Any]) -> Any:
    if kind == "count":
        return len(values)
    if kind in {"sum", "min", "max"}:
        values = [float(value) for value in values]
    if kind == "sum":
        total = Fraction(sum(millionths(value) for value in values), 1_000_000)
        return float(max(-GREATEST, min(total, GREATEST)))
    if kind == "distinct":  # true is not 1, but 1 is 1.0
        return len({(isinstance(value, bool), value) for value in values})
    if not values:
        return None
    if kind in {"first", "last"}:
        return values[0 if kind == "first" else -1]
    return min(values) if kind == "min" else max(values)


def millionths(number: float) -> int:
    """Round the number as it is written in JSON to six decimals, half to even."""
    return round(Fraction(str(number)) * 1_000_000)
