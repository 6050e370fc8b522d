"""What travels between the steps: a shard's share of a tick, and what came of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from operators.identity_plan import Names, Naming
from operators.joins import Ended, Forget, Join, LetGo, Linked
from operators.lines import Envelope, Ints
from operators.models.parts import Erasure, ModelMoment, ModelOutcome
from operators.models.rfm import Tiers
from operators.outputs import Original, Outputs, Record
from operators.rejections import Origin, Place
from operators.signs import Removal, Sign
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
        outputs: what the reader has rejected, on the shard of whom a line names, if anybody.
        letters_after: after how many of the share's events each of these came.
        letter_places: the place of each among the tick's lines, where anonymous ids are linked.
        order: the place of each event among the tick's lines, shape (n,); as the following only
            where anonymous ids are linked, and not in ticks without lines.
        names: who the events name; then a share has the events whose anonymous ids belong to the
            shard, and of those without one the events whose customers do.
        linked: the customers of this shard to whom events of any shard link an anonymous id.
        forgets: whom events of any shard let be forgotten, by place.
        giver: the shard whose identity step the share is from, or is for.
        givers: those whose identity steps have a share for every shard, since they have events of
            the tick; the others have one for their own alone.
        gone: the anonymous ids of this shard that go with a customer who is forgotten, by place.
        joins: the customers of this shard whose past is to be joined, by place.
        ends: the anonymous customers of this shard who are no more, by place.
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
    order: Ints | None = None
    names: Names | None = None
    linked: list[Linked] = field(default_factory=list)
    forgets: list[Forget] = field(default_factory=list)
    giver: int = 0
    givers: frozenset[int] = frozenset()
    gone: list[LetGo] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    letters_after: list[int] = field(default_factory=list)
    letter_places: list[int] = field(default_factory=list)
    _split: list[bytes] | None = None

    def take(self, indices: Sequence[int], customers: list[str] | None = None) -> "ShardTick":
        """Return the same tick with these events alone.

        Args:
            indices: of the events.
            customers: of the events that are left; None for those that they have.
        """
        some = list(indices)
        return replace(
            self,
            lines=b"\n".join([self.line(i) for i in some]),
            customers=[self.customers[i] for i in some] if customers is None else customers,
            times=self.times[some],
            late_below=self.late_below[some],
            watermarks=self.watermarks[some],
            places=self.places[:, some],
            envelopes={n: self.envelopes[i] for n, i in enumerate(some) if i in self.envelopes},
            order=None if self.order is None else self.order[some],
            names=self.names.take(some) if self.names else None,
            _split=None,
        )

    def place(self, index: int) -> Place:
        """Say where an event stands in the input."""
        origin, line, offset = self.places[:, index].tolist()
        return Place(self.origins[origin], line, offset)

    def original(self, index: int) -> Original:
        """Return all that an event came as."""
        envelope = self.envelopes.get(index) or Envelope(self._named(index).encode())
        return Original.of(self.line(index), envelope)

    def _named(self, index: int) -> str:
        """Return whom an event named when it was read: it may be somebody else's by now."""
        if self.names is not None and self.names.naming[index] == Naming.ANONYMOUS:
            return self.names.anonymous[index]
        return self.customers[index]

    def line(self, index: int) -> bytes:
        """Return an event as it came."""
        if self._split is None:
            self._split = self.lines.split(b"\n")
        return self._split[index]


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
        erased: customers of whom nothing of before is to be kept.
        arrival: its number in the order in which the model got such parts.
    """

    name: TickName
    shard: int
    model: str
    watermark: EventTime
    moments: list[ModelMoment] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    outcomes: list[ModelOutcome] = field(default_factory=list)
    erased: list[Erasure] = field(default_factory=list)
    arrival: int = 0


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
        removed: how many of what, of each customer who was erased in that share.
    """

    name: TickName
    shard: int
    model: str
    scores: list[float | None]
    tiers: list[Tiers] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    removed: list[dict[str, int]] = field(default_factory=list)


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
        removals: of the customers who were forgotten.
    """

    name: TickName
    shard: int
    outputs: Outputs
    counts: Counter[str]
    removals: list[Removal] = field(default_factory=list)
