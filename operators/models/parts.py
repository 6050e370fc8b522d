"""What a model is told: moments to be scored, and what became of them."""

from typing import Literal, NamedTuple

import msgspec

from operators.times import EventTime

Changing = Literal["error", "label", "input"]
"""What may change of what a model learns from."""
Value = float | bool | str | None
"""Of a model's input: None where the customer has none. Times are seconds before the moment."""


class ModelMoment(NamedTuple):
    """An event at which a model is to score a customer.

    Attributes:
        customer: who.
        time: of the customer's row, in ms.
        watermark: the shard's before the event.
        number: of the moment, counted for each customer and model; tells its outcome later.
        values: of the model's inputs, as of the moment.
        is_candidate: whether the model may learn from it: its score must be remembered, in place
            of that of ``instead``.
        instead: the number of the candidate that it takes the place of, None for none.
    """

    customer: str
    time: EventTime
    watermark: EventTime
    number: int
    values: list[Value]
    is_candidate: bool
    instead: int | None = None


class ModelOutcome(NamedTuple):
    """What became of a moment that the model learns from.

    Attributes:
        customer: who.
        number: of the moment.
        time: at which it was known, in ms; the watermark is past it.
        values: of the inputs, as of the moment.
        label: 1.0 or 0.0, or the sum that came; None where the moment was dropped.
        moment: its time; with the number it is one of its own, also where the customer was
            forgotten in between, which lets numbers begin anew.
    """

    customer: str
    number: int
    time: EventTime
    values: list[Value]
    label: float | None
    moment: EventTime


class Erasure(NamedTuple):
    """A customer whom an event has let be forgotten: nothing that came before it is kept.

    Attributes:
        customer: who.
        watermark: the shard's before the event.
        moments: how many moments of the shard's part of the tick came before it.
        outcomes: likewise.
        sign: where it stands among the signs for decide.
    """

    customer: str
    watermark: EventTime
    moments: int
    outcomes: int
    sign: int


class LastTold(msgspec.Struct, frozen=True, array_like=True):
    """The last change that was told of: when, and the means before and after."""

    time: EventTime
    before: float
    after: float


class Told(msgspec.Struct, frozen=True):
    """What was told of a model's error, of its labels, or of one of its inputs.

    Attributes:
        what: it was told of.
        input: its name, None where it is none.
        count: how many changes.
        last: of them; None where there was none.
    """

    what: Changing
    input: str | None
    count: int
    last: LastTold | None
