"""The value of a feature, from the whole history at each moment: the definition, not the engine.

A history is everything that one customer did, in order of arrival. Nothing is kept between two
questions.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER = 900_000
DAY = 86_400_000
BLOCK = 20 * DAY
GREATEST = Fraction(1.7976931348623157e308)

Dated = tuple[int, Any]
"""Time in ms and value."""


@dataclass(frozen=True)
class Spec:
    """A feature as a rule asks for it; times in ms."""

    kind: str
    window: str
    size: int = 0
    pane: int = 0
    period: str = ""
    zone: str = "customer"
    at_most: int = 64


@dataclass(frozen=True)
class Arrival:
    """An event that the feature looks at, or (``resets``) that empties it.

    ``clock`` is the customer's clock once it has arrived, ``zone`` where the customer was then.
    """

    time: int
    clock: int
    value: Any = None
    zone: str = "UTC"
    resets: bool = False


def feature_value(spec: Spec, history: Sequence[Arrival], now: int, first_seen: int = 0) -> Any:
    """Return what stands in a row at a time that is not before any clock of the history."""
    seen = in_window(spec, history, now)
    if not seen:
        return 0 if spec.kind in {"count", "sum", "distinct"} else None
    if spec.window == "decay":
        return plain(sum(x * 2.0 ** -((now - time) / spec.size) for time, x in weights(spec, seen)))
    if spec.kind == "rate":
        return plain(float(len(seen) / max(Fraction(1), Fraction(now - first_seen, DAY))))
    return of_kind(spec, seen)


def in_window(spec: Spec, history: Sequence[Arrival], now: int) -> list[Dated]:
    """Return what counts, in order of arrival."""
    if spec.window == "tumbling":
        return of_period(spec, history, now)
    if spec.window == "since":
        return since_reset(history)
    dated = [(arrival.time, arrival.value) for arrival in history if not arrival.resets]
    if spec.window == "sliding":
        panes = -(-spec.size // spec.pane)
        return [each for each in dated if each[0] // spec.pane >= now // spec.pane - panes]
    return dated


def since_reset(history: Sequence[Arrival]) -> list[Dated]:
    """Return what arrived after the last reset, and is later than every reset before it."""
    latest = None
    seen: list[Dated] = []
    for arrival in history:
        if arrival.resets:
            latest = arrival.time if latest is None else max(latest, arrival.time)
            seen = []
        elif latest is None or arrival.time > latest:
            seen.append((arrival.time, arrival.value))
    return seen


def of_period(spec: Spec, history: Sequence[Arrival], now: int) -> list[Dated]:
    """Return what counts in the period that is open; see design 5."""
    start = end = None
    seen: list[Dated] = []
    for arrival in history:
        if arrival.resets:
            continue
        if end is None or arrival.clock >= end:
            zone = "UTC" if spec.zone == "utc" else arrival.zone
            start, end = period(spec.period, zone, arrival.time)
            seen = []
        if start is not None and start <= arrival.time and arrival.clock < end:
            seen.append((arrival.time, arrival.value))
    return seen if end is not None and now < end else []


def period(name: str, zone: str, time: int) -> tuple[int, int]:
    """Return start and end of the local hour, day or week that a time lies in."""
    begins = begins_around(name, zone, time // BLOCK)
    start = max(begin for begin in begins if begin <= time)
    return start, min(begin for begin in begins if begin > time)


@lru_cache(maxsize=1000)
def begins_around(name: str, zone: str, block: int) -> list[int]:
    """Return when hours, days or weeks begin in a block of time and around it.

    One begins when the clock on the wall first shows its start or anything later; this looks at
    every quarter of an hour, the finest that clocks are set by nowadays.
    """
    first, beyond = block * BLOCK - 16 * DAY, (block + 1) * BLOCK + 9 * DAY
    greatest = label_of(name, zone, first)
    begins = []
    for time in range(first, beyond, QUARTER):
        label = label_of(name, zone, time)
        if label > greatest:
            begins.append(time)
            greatest = label
    return begins


@cache
def zone_info(name: str) -> ZoneInfo:
    """Load a zone from the package of the rules, not from the machine, which may be older."""
    with files("tzdata.zoneinfo").joinpath(name).open("rb") as file:
        return ZoneInfo.from_file(file)


def label_of(name: str, zone: str, time: int) -> datetime:
    """Return the hour, the day, or the week's Monday that clock and calendar show."""
    shown = (EPOCH + timedelta(milliseconds=time)).astimezone(zone_info(zone)).replace(tzinfo=None)
    if name == "hour":
        return shown.replace(minute=0)
    day = shown.replace(hour=0, minute=0)
    return day if name == "day" else day - timedelta(days=day.weekday())


def weights(spec: Spec, seen: Iterable[Dated]) -> list[tuple[int, float]]:
    """Return what a decayed feature adds up."""
    return [(time, 1.0 if spec.kind == "count" else value) for time, value in seen]


def of_kind(spec: Spec, seen: Sequence[Dated]) -> Any:
    """Return what a kind makes of at least one value; ``distinct`` exactly, whatever its bound."""
    values = [value for _, value in seen]
    by_time = sorted(seen, key=lambda each: each[0])  # at equal times by arrival
    made: dict[str, Callable[[], Any]] = {
        "count": lambda: len(seen),
        "sum": lambda: plain(nearest(total(values))),
        "mean": lambda: plain(nearest(total(values) / len(values))),
        "min": lambda: plain(min(values)),
        "max": lambda: plain(max(values)),
        "first": lambda: plain(by_time[0][1]),
        "last": lambda: plain(by_time[-1][1]),
        "time": lambda: by_time[-1][0],
        "distinct": lambda: len({(type(plain(value)), plain(value)) for value in values}),
        "recent": lambda: [plain(value) for _, value in by_time][-spec.at_most :],
    }
    return made[spec.kind]()


def total(values: Iterable[float]) -> Fraction:
    """Add numbers, each rounded to a millionth, half to even."""
    context = Context(prec=1000, rounding=ROUND_HALF_EVEN)
    step = Decimal("0.000001")
    return sum((Fraction(context.quantize(Decimal(repr(v)), step)) for v in values), Fraction(0))


def nearest(exact: Fraction) -> float:
    """Return the nearest number that there is."""
    return float(max(-GREATEST, min(GREATEST, exact)))


def plain(value: Any) -> Any:
    """Write a whole number without a fraction, as far as 64 bits go."""
    if isinstance(value, float) and abs(value) < 2**63 and value == int(value):
        return int(value)
    return value
