"""What a replay has written, and what must be known of its events: read line by line, by customer.

Of events that is when they came, by what watermark, from which time zone, and what they may start.
Times are milliseconds since 1970.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

import msgspec
from arbitration_rules import Rule, Rules

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NEVER = -(1 << 62)


class Ended(msgspec.Struct, gc=False):
    """An instance that was decided, one message of a trigger; `step` counts from 1."""

    trigger: str
    customer: str
    key: str
    step: int
    started: int
    due: int
    time: int
    outcome: str
    reason: str | None
    instance: str

    def __str__(self) -> str:
        verdict = f"{self.outcome} {self.reason}" if self.reason else self.outcome
        return (
            f"{self.customer}: {self.trigger} step {self.step} key {self.key!r} started "
            f"{written(self.started)} due {written(self.due)}, {verdict} at {written(self.time)}"
        )


class Arrival(msgspec.Struct, gc=False):
    """An event that was in time: where it stood among all, and the watermark before it."""

    number: int
    time: int
    watermark: int
    name: str
    zone: str | None
    keys: tuple[str, ...]
    """What it is about for each trigger that it starts, in the order of the config."""


class Change(NamedTuple):
    """A customer has entered or left a segment."""

    time: int
    segment: str
    inside: bool
    origin: str


class Message(NamedTuple):
    """What was sent, as far as its decision must say the same; and by which channel."""

    about: tuple[Any, ...]
    channel: str | None
    instance: str


class _Data(msgspec.Struct):
    trigger: str = ""
    instance: str = ""
    key: str = ""
    step: int = 1
    started: datetime = _EPOCH
    due: datetime = _EPOCH
    outcome: str = "sent"
    reason: str | None = None
    channel: str | None = None
    segment: str = ""
    origin: str = ""


class _Record(msgspec.Struct):
    type: str
    subject: str
    time: datetime
    data: _Data


class _Context(msgspec.Struct):
    timezone: Any = None


class _Event(msgspec.Struct):
    type: str
    timestamp: datetime
    event: str | None = None
    user_id: str | None = msgspec.field(default=None, name="userId")
    anonymous_id: str | None = msgspec.field(default=None, name="anonymousId")
    properties: dict[str, Any] | None = None
    context: _Context | None = None


def read_decisions(out: Path) -> dict[str, list[Ended]]:
    """Read what became of every instance."""
    found: dict[str, list[Ended]] = defaultdict(list)
    for record in _records(out / "decisions.jsonl"):
        assert record.type == "cartwheel.decision", record
        found[record.subject].append(_ended(record))
    return found


def read_messages(out: Path) -> Iterator[Message]:
    """Read what was sent."""
    for record in _records(out / "triggers.jsonl"):
        assert record.type == "cartwheel.trigger.sent", record
        ended = _ended(record)
        yield Message(about(ended), record.data.channel, ended.instance)


def about(ended: Ended) -> tuple[Any, ...]:
    """Return what a message and its decision both say."""
    times = ended.started, ended.due, ended.time
    return ended.trigger, ended.customer, ended.key, ended.step, *times


def read_changes(out: Path) -> dict[str, list[Change]]:
    """Read who has entered and left segments."""
    found: dict[str, list[Change]] = defaultdict(list)
    for record in _records(out / "segments.jsonl"):
        inside, data = record.type == "cartwheel.segment.entered", record.data
        change = Change(_ms(record.time), data.segment, inside, data.origin)
        found[record.subject].append(change)
    return found


def read_closings(out: Path) -> dict[str, list[int]]:
    """Read when sessions have closed."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in _records(out / "sessions.jsonl"):
        found[record.subject].append(_ms(record.time))
    return found


def read_arrivals(events: Path, rules: Rules) -> dict[str, list[Arrival]]:
    """Read the events that were in time; each must be a good one."""
    starts = by_event(rules)
    found: dict[str, list[Arrival]] = defaultdict(list)
    latest = _NEVER
    decoder = msgspec.json.Decoder(_Event)
    names: dict[str, str] = {}
    with events.open("rb") as lines:
        for number, line in enumerate(lines):
            event = decoder.decode(line)
            time, watermark = _ms(event.timestamp), latest - rules.disorder_ms
            latest = max(latest, time)
            if time < watermark:
                continue
            name = (event.event or "") if event.type == "track" else event.type
            name = names.setdefault(name, name)
            zone = event.context.timezone if event.context else None
            keys = tuple(_key(rule, event.properties) for rule in starts.get(name, ()))
            customer = event.user_id or event.anonymous_id
            assert customer, f"line {number + 1} names no customer"
            zone = zone if isinstance(zone, str) else None
            found[customer].append(Arrival(number, time, watermark, name, zone, keys))
    return found


def by_event(rules: Rules) -> dict[str, list[Rule]]:
    """Return the triggers that events of each name start."""
    found: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules.triggers.values():
        if rule.kind == "event":
            found[rule.name].append(rule)
    return found


def written(time: int) -> str:
    """Write a time."""
    return (_EPOCH + time * _MILLISECOND).isoformat(timespec="milliseconds")[:-6] + "Z"


def _key(rule: Rule, properties: dict[str, Any] | None) -> str:
    value: Any = {"properties": properties}
    for part in rule.key:
        value = value.get(part) if isinstance(value, dict) else None
    return value if rule.key and isinstance(value, str) else ""


def _records(path: Path) -> Iterator[_Record]:
    if path.exists():  # each kind is written only where the config can make it
        decoder = msgspec.json.Decoder(_Record)
        with path.open("rb") as lines:
            yield from map(decoder.decode, lines)


def _ended(record: _Record) -> Ended:
    data = record.data
    return Ended(
        trigger=intern(data.trigger),  # a few texts stand in millions of records
        customer=record.subject,
        key=data.key,
        step=data.step,
        started=_ms(data.started),
        due=_ms(data.due),
        time=_ms(record.time),
        outcome=intern(data.outcome),
        reason=data.reason and intern(data.reason),
        instance=data.instance,
    )


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
