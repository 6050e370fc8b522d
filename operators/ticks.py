"""What travels between the steps: a shard's share of a tick, and what came of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from operators.causes import Role
from operators.lines import Envelope, Ints
from operators.models.parts import ModelMoment, ModelOutcome
from operators.models.rfm import Tiers
from operators.outputs import Original, Outputs, Record
from operators.rejections import Origin, Place
from operators.times import EventTime


@dataclass(frozen=True, slots=True)
class TickName:
    """A tick is the n-th batch of a reader, n from 1."""

    reader: int
    number: int


@dataclass(slots=True)
class ShardTick:
    """One shard's share of a tick.

    Attributes:
        name: of the tick.
        shard: whose share it is.
        watermark: the reader's, after the tick.
        ended: whether the reader's input has ended with this tick, or it has no partition: then it
            holds the others back no more.
        close: whether the clock moves past every timer once all readers have ended.
        lines: the events, as they came, with newlines between them.
        customers: of each event.
        times: of each event, in ms.
        late_below: an event is late when its time is below this, shape (n,).
        watermarks: the reader's before each event, shape (n,).
        places: origin, line and offset of each event, shape (3, n).
        origins: what the reader reads from.
        envelopes: what came with an event, by its index.
        counts: what the reader has counted, on one shard only.
        outputs: what the reader has rejected, on one shard only.
    """

    name: TickName
    shard: int
    watermark: EventTime
    ended: bool
    close: bool
    lines: bytes
    customers: list[str]
    times: Ints
    late_below: Ints
    watermarks: Ints
    places: Ints
    origins: tuple[Origin, ...]
    envelopes: dict[int, Envelope]
    counts: Counter[str]
    outputs: Outputs
    _split: list[bytes] | None = None

    def place(self, index: int) -> Place:
        """Say where an event stands in the input."""
        origin, line, offset = self.places[:, index].tolist()
        return Place(self.origins[origin], line, offset)

    def original(self, index: int) -> Original:
        """Return all that an event came as."""
        envelope = self.envelopes.get(index) or Envelope(self.customers[index].encode())
        return Original.of(self.line(index), envelope)

    def line(self, index: int) -> bytes:
        """Return an event as it came."""
        if self._split is None:
            self._split = self.lines.split(b"\n")
        return self._split[index]


class Signal(NamedTuple):
    """An applied event that some trigger looks for.

    Attributes:
        customer: whose it is.
        time: of the event, in ms.
        watermark: the shard's before the event.
        message_id: of the event, None or empty where it has none.
        roles: what it may do to which trigger.
        keys: of each role, empty where the event has none.
        event: what triggers want to know of the event, by name: ``event.properties.price``.
        is_late: whether the watermark was past it.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    roles: tuple[Role, ...]
    keys: list[str]
    event: dict[str, Any]
    is_late: bool


class SessionPassed(NamedTuple):
    """The customer's own clock has passed the end of a session, the watermark has not."""

    customer: str
    time: EventTime
    watermark: EventTime


class SessionClosed(NamedTuple):
    """A session of a customer that is over: the gap has passed, and the watermark with it.

    Attributes:
        customer: whose it is.
        time: at which it was over, in ms.
        watermark: the shard's, past it.
        is_late: whether all that is known of it came late.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    is_late: bool


class Row(NamedTuple):
    """What has changed of a customer's row: by an event, or by itself when a window lets go of one.

    Attributes:
        customer: whose it is.
        time: the moment that the row stands for, in ms.
        watermark: the shard's before it.
        message_id: of the event, None or empty where it has none.
        is_event: whether an event has changed it.
        is_late: whether that came when the watermark was past it.
        slots: the numbers of the values that may have changed.
        values: of these slots.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    message_id: str | None
    is_event: bool
    is_late: bool
    slots: tuple[int, ...]
    values: list[Any]


class Forgotten(NamedTuple):
    """A customer who was not seen for so long that the profile is gone, from this time on."""

    customer: str
    time: EventTime
    watermark: EventTime


Sign = Row | Signal | SessionPassed | SessionClosed | Forgotten
"""What profile tells decide of a customer."""


@dataclass(slots=True)
class ModelTick:
    """One shard's share of a tick, for one model: moments and outcomes in the order they came.

    Attributes:
        name: of the tick.
        shard: whose share it is.
        model: the name of the model.
        watermark: the shard's after the tick.
        moments: to be scored.
        signs: of each moment, the place of its row among the signs for decide.
        outcomes: to be learned from.
    """

    name: TickName
    shard: int
    model: str
    watermark: EventTime
    moments: list[ModelMoment] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    outcomes: list[ModelOutcome] = field(default_factory=list)


@dataclass(slots=True)
class ScoreTick:
    """What a model says to one shard's share of a tick.

    Attributes:
        name: of the tick.
        shard: whose share it is.
        model: the name of the model.
        scores: of the moments in that share, in their order; None where it could not say.
        tiers: likewise, of models that say them; else empty.
        records: what else is to be written, on one shard only.
        counts: for the summary, on one shard only.
    """

    name: TickName
    shard: int
    model: str
    scores: list[float | None]
    tiers: list[Tiers] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Scored(NamedTuple):
    """What a model says of a customer at a moment.

    Attributes:
        model: the name of the model.
        number: of the moment, counted for each customer and model (M2).
        score: rounded.
        tiers: that it is made of, None for models without.
    """

    model: str
    number: int
    score: float
    tiers: Tiers | None = None


@dataclass(slots=True)
class ProfileResult:
    """What decide gets of a tick.

    Attributes:
        name: of the tick.
        shard: whose share of it.
        watermark: the shard's after the tick; AFTER_ALL where the clock moves past every timer.
        signs: in the order in which they happened.
        outputs: closed sessions, late events, dead letters.
        counts: for the summary.
        ended: whether all readers have ended.
        models: what each model is told.
        scores: what the models have said to it: of each row that is a moment, by the row's place
            among the signs; in the order of the models.
    """

    name: TickName
    shard: int
    watermark: EventTime
    signs: list[Sign]
    outputs: Outputs
    counts: Counter[str]
    ended: bool = False
    models: dict[str, ModelTick] = field(default_factory=dict)
    scores: dict[int, list[Scored]] = field(default_factory=dict)


@dataclass(slots=True)
class ShardResult:
    """What came of one shard's share of a tick: what a sink gets.

    Attributes:
        name: of the tick.
        shard: of the customers.
        outputs: what is to be written.
        counts: for the summary.
    """

    name: TickName
    shard: int
    outputs: Outputs
    counts: Counter[str]
