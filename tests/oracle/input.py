"""What becomes of each line (I1 to I6): applied, duplicate, late or dead letter."""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, NoReturn

from oracle.specs import Accepts, Use

LONGEST_LINE = 1024 * 1024
LONGEST_STRING = 1000
"""In characters: customers, messageIds, names and values are kept in the state."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1000, 1, 1, tzinfo=UTC)
_BEYOND = datetime(9000, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)

Outcome = Literal["applied", "duplicate", "late", "dead letter"]


@dataclass(frozen=True)
class Event:
    """A line that is no dead letter."""

    customer: str
    time: int
    name: str
    message_id: str | None
    arrival: int
    """The line's index."""
    data: dict[str, Any]
    life: int = 0
    """How often the customer had been forgotten before."""
    before: float = -math.inf
    """The watermark before it."""

    @property
    def is_late(self) -> bool:
        """Whether the watermark was past it; it is applied then if it is within grace."""
        return self.time < self.before


class Line(NamedTuple):
    """One line's fate; only a dead letter has a stage and a reason."""

    outcome: Outcome
    event: Event | None = None
    stage: Literal["route", "profile", ""] = ""
    reason: str = ""


@dataclass(frozen=True)
class Classified:
    """Every line's fate, and where the watermark stands after them."""

    lines: list[Line]
    watermark: float
    forgotten: dict[tuple[str, int], int]
    """When each customer was forgotten, by how often before."""

    @property
    def applied(self) -> list[Event]:
        """The events that count, in arrival order."""
        return [line.event for line in self.lines if line.event and line.outcome == "applied"]


class Rejected(Exception):  # noqa: N818 (not an error of this program)
    """The line is a dead letter."""


def classify(
    lines: Sequence[bytes],
    *,
    disorder_ms: int,
    future_ms: int,
    now_ms: int,
    uses: Sequence[Use] = (),
    last: int = 64,
    within_ms: int = 3_600_000,
    retention_ms: float = math.inf,
    grace_ms: int = 0,
) -> Classified:
    """Judge the lines of one reader with one partition, in arrival order (I1)."""
    fates: list[Line] = []
    watermark = -math.inf
    remembered: dict[str, dict[str, int]] = {}  # customer: messageId: event time, oldest first
    latest: dict[str, int] = {}
    lives: Counter[str] = Counter()
    forgotten: dict[tuple[str, int], int] = {}
    for arrival, line in enumerate(lines):
        try:
            data = decoded(line)
            customer = _customer_of(data)
            time = timed(data, future_ms=future_ms, now_ms=now_ms)
        except Rejected as why:
            fates.append(Line("dead letter", stage="route", reason=str(why)))
            continue
        before, watermark = watermark, max(watermark, time - disorder_ms)
        try:
            name, message_id = body_of(data, uses)
        except Rejected as why:
            fates.append(Line("dead letter", stage="profile", reason=str(why)))
            continue
        if customer in latest and latest[customer] + retention_ms < before:
            forgotten[customer, lives[customer]] = int(latest.pop(customer) + retention_ms)
            del remembered[customer]
            lives[customer] += 1
        event = Event(customer, time, name, message_id, arrival, data, lives[customer], before)
        ids = remembered.setdefault(customer, {})
        if is_duplicate(ids, message_id, time, last=last, within_ms=within_ms):
            fates.append(Line("duplicate", event))
            continue
        latest[customer] = max(time, latest.get(customer, time))
        fates.append(Line("late" if time < before - grace_ms else "applied", event))
    for customer, time in latest.items():
        if time + retention_ms < watermark:
            forgotten[customer, lives[customer]] = int(time + retention_ms)
    return Classified(fates, watermark, forgotten)


def is_duplicate(
    ids: dict[str, int], message_id: str | None, time: int, *, last: int, within_ms: int
) -> bool:
    """Tell whether a customer's event was seen before; remember it if not (I4).

    `ids` are the event times by messageId, the oldest first.
    """
    if message_id is None:
        return False
    if message_id in ids and abs(time - ids[message_id]) <= within_ms:
        return True
    ids.pop(message_id, None)
    ids[message_id] = time
    if len(ids) > last:
        del ids[next(iter(ids))]
    return False


def decoded(line: bytes) -> dict[str, Any]:
    """Read a line; what fails here or with its customer or time does not move the watermark."""
    if len(line) > LONGEST_LINE:
        raise Rejected("too long")
    try:
        data = json.loads(line.decode(), parse_constant=_no_such_number)
        json.dumps(data, ensure_ascii=False).encode()  # no half characters
    except (ValueError, RecursionError) as error:
        raise Rejected("not JSON in UTF-8") from error
    if not isinstance(data, dict):
        raise Rejected("not an object")
    return data


def _customer_of(data: dict[str, Any]) -> str:
    ids = [data.get("userId"), data.get("anonymousId")]
    customer = next((one for one in ids if isinstance(one, str) and one), None)
    if customer is None:
        raise Rejected("no customer")
    if len(customer) > LONGEST_STRING:
        raise Rejected("customer too long")
    return customer


def timed(data: dict[str, Any], *, future_ms: int, now_ms: int) -> int:
    """Find an event's time."""
    time = time_of(data.get("timestamp"))
    received = data.get("receivedAt")
    if time - (now_ms if received is None else time_of(received)) > future_ms:
        raise Rejected("in the future")
    return time


def body_of(data: dict[str, Any], uses: Sequence[Use]) -> tuple[str, str | None]:
    """Find an event's name (I3) and messageId, and check the fields that it is used for."""
    name = data.get("event") if data.get("type") == "track" else data.get("type")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_STRING:
        raise Rejected("no event name")
    message_id = data.get("messageId")
    if not isinstance(message_id, str | None):
        raise Rejected("messageId is no string")
    message_id = message_id or None  # an empty one says nothing
    if message_id and len(message_id) > LONGEST_STRING:
        raise Rejected("messageId too long")
    for use in uses:
        is_read = use.event in {None, name} and use.but != name
        for value in values_at(data, use.path) if is_read else ():
            if value is not None and not _is_a(value, use.accepts):
                raise Rejected(f"{use.path} is no {use.accepts}")
    return name, message_id


def time_of(text: object) -> int:
    """Read RFC 3339 text as milliseconds since 1970; finer digits are cut off (I2).

    Raises:
        Rejected: it is no such text.
    """
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise Rejected("no RFC 3339 timestamp")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Rejected("no RFC 3339 timestamp") from error
    if not _FIRST <= moment < _BEYOND:
        raise Rejected("year out of range")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def value_at(data: dict[str, Any], path: str) -> Any:
    """Follow a dotted path; null and missing are None.

    Raises:
        Rejected: something on the way is neither an object nor missing.
    """
    value: Any = data
    for part in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Rejected(f"{path}: no object before {part}")
        value = value.get(part)
    return value


def values_at(data: dict[str, Any], path: str) -> list[Any]:
    """Follow a dotted path, one part of which may be an array: `properties.products[].price`.

    Raises:
        Rejected: what is to be an array or an object is none.
    """
    if "[]" not in path:
        return [value_at(data, path)]
    before, _, after = path.partition("[]")
    items = value_at(data, before)
    if not isinstance(items, list | None):
        raise Rejected(f"{before} is no array")
    return [value_at({"item": item}, f"item{after}") for item in items or ()]


def _is_a(value: object, accepts: Accepts) -> bool:
    if isinstance(value, bool):
        return accepts == "value"
    if isinstance(value, str):
        return accepts != "number" and len(value) <= LONGEST_STRING
    if isinstance(value, int) and accepts != "number":
        return -(2**63) <= value < 2**63
    return isinstance(value, int | float) and math.isfinite(value)


def _no_such_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")
