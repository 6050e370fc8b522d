"""What a model's step keeps in the model's own store: what was learned, and what it waits for."""

from collections import Counter
from collections.abc import Container
from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar

import msgspec

from operators.models.learner import LearnerError
from operators.models.parts import ModelOutcome
from operators.models.plan import ModelPlan
from operators.models.rfm import Values
from operators.times import BEFORE_ALL, EventTime
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records, record_key

_Record = TypeVar("_Record")
_HEAD = Prefix.MODEL.key
_TIME_BIAS = 1 << 63
_READ_AT_ONCE = 1000


class ModelStateError(Exception):
    """What a model has learned does not fit the config or the libraries any more."""


class Kept(Protocol):
    """What is kept as it is: a learner, its watch."""

    def dump(self) -> bytes:
        """Return all of it."""

    def load(self, data: bytes) -> None:
        """Take what ``dump`` has returned."""


class Head(msgspec.Struct, array_like=True):
    """What a model's store says about itself.

    Attributes:
        definition: of the model; see ModelPlan.
        inputs: name and kind of each.
        learned_until: the end of the last stretch that was learned.
    """

    definition: str
    inputs: list[tuple[str, str]]
    learned_until: EventTime = BEFORE_ALL


class Given(msgspec.Struct, array_like=True, gc=False):
    """The scores that were given to one customer's moments whose outcome is not learned yet.

    They are few: profile keeps one moment for each open session, and WAITING_MOST that are fixed.

    Attributes:
        scores: by the moment's number and time: what the model said, what its baseline would have.
    """

    scores: dict[tuple[int, EventTime], tuple[float, float]]


_Place = tuple[EventTime, str, int]
"""Where an outcome stands among those to be learned: its time, customer and number."""


class Waiting:
    """Outcomes that were told, but whose stretch of event time is not over (M6).

    All are in memory: no more than a stretch brings, since they are told once the watermark has
    passed them; with several readers no more than the slowest shard holds back beyond that. Each
    is written once if a snapshot finds it waiting, and never if it does not.

    Args:
        keyvalue: the model's store.
    """

    def __init__(self, keyvalue: KeyValue) -> None:
        self._keyvalue = keyvalue
        self._encode = msgspec.msgpack.Encoder().encode
        self._heap: list[tuple[_Place, ModelOutcome]] = []
        self._unwritten: dict[_Place, ModelOutcome] = {}
        self._read()

    def add(self, outcome: ModelOutcome) -> None:
        """Let an outcome wait."""
        place = outcome.time, outcome.customer, outcome.number
        heappush(self._heap, (place, outcome))
        self._unwritten[place] = outcome

    def take(self, before: EventTime, most: int) -> list[ModelOutcome]:
        """Take the first outcomes before a time, in order of (time, customer, number)."""
        taken: list[ModelOutcome] = []
        while self._heap and self._heap[0][0] < (before,) and len(taken) < most:
            place, outcome = heappop(self._heap)
            if self._unwritten.pop(place, None) is None:
                self._keyvalue.delete(_key(outcome))
            taken.append(outcome)
        return taken

    def erase(self, customers: Container[str]) -> Counter[str]:
        """Take out what waits of some customers; return how much of each."""
        gone = [each for each in self._heap if each[1].customer in customers]
        if gone:
            self._heap = [each for each in self._heap if each[1].customer not in customers]
            heapify(self._heap)
        for place, outcome in gone:
            if self._unwritten.pop(place, None) is None:
                self._keyvalue.delete(_key(outcome))
        return Counter(outcome.customer for _, outcome in gone)

    def flush(self) -> None:
        """Write what is not written."""
        for outcome in self._unwritten.values():
            self._keyvalue.put(_key(outcome), self._encode(outcome))
        self._unwritten.clear()

    def _read(self) -> None:
        decode = msgspec.msgpack.Decoder(ModelOutcome).decode
        prefix = start = Prefix.WAITING_OUTCOME.key
        while keys := self._keyvalue.keys(start, prefix, _READ_AT_ONCE):
            for value in self._keyvalue.get_many(keys):
                assert value is not None, "the key was just found"
                outcome = decode(value)
                place = outcome.time, outcome.customer, outcome.number
                self._heap.append((place, outcome))
            start = keys[-1] + b"\0"
        heapify(self._heap)


class ModelStore:
    """One model's part of the state.

    Attributes:
        head: what the store says about itself.
        given: scores that are to be held against their outcomes, by customer.
        waiting: outcomes that are to be learned.
        counted: what was learned of each customer, of models that count them once.
        has_learned: whether anything was learned since the last flush.
        sizes: in bytes, of what was learned and all that is kept beside it, as it was last written.

    Args:
        keyvalue: the model's store.
        plan: the model.
        cache: how many customers' scores stay decoded in memory.

    Raises:
        ModelStateError: what is stored was learned by another definition.
    """

    def __init__(self, keyvalue: KeyValue, plan: ModelPlan, cache: int) -> None:
        self._keyvalue = keyvalue
        self._name = plan.name
        self._kept: dict[str, Kept] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self.head = Head(plan.definition, [(each.name, each.kind) for each in plan.inputs])
        (self._written,) = keyvalue.get_many([_HEAD])
        if self._written is not None:
            found = msgspec.msgpack.decode(self._written, type=Head)
            _check(plan.name, found, self.head)
            self.head = found
        self.has_learned = False
        self.sizes: dict[str, int] = {}
        self.given = _records(keyvalue, Prefix.GIVEN_SCORES, Given, cache)
        self.waiting = Waiting(keyvalue)
        self.counted = _records(keyvalue, Prefix.COUNTED_VALUES, Values, cache)

    def leave_no_trace(self) -> None:
        """Ask that nothing of what was removed is left on disk."""
        self._keyvalue.leave_no_trace()

    def keep(self, name: str, kept: Kept) -> None:
        """Load something as it was written; from now on write it when more was learned.

        Raises:
            ModelStateError: it cannot be read by these versions of the libraries.
        """
        self._kept[name] = kept
        (value,) = self._keyvalue.get_many([_HEAD + name.encode()])
        if value is None:
            return
        self.sizes[name] = len(value)
        try:
            kept.load(value)
        except LearnerError as error:
            raise ModelStateError(
                f"the {name} of model {self._name} cannot be read: {error}. Go on with the versions"
                f" that have written it, or {way_out(self._name)}"
            ) from error

    def flush(self) -> None:
        """Write what has changed."""
        self.given.flush()
        self.waiting.flush()
        self.counted.flush()
        if self.has_learned:
            for name, kept in self._kept.items():
                value = kept.dump()
                self._keyvalue.put(_HEAD + name.encode(), value)
                self.sizes[name] = len(value)
            self.has_learned = False
        head = self._encode(self.head)
        if head != self._written:
            self._keyvalue.put(_HEAD, head)
            self._written = head


def _records(
    keyvalue: KeyValue, prefix: Prefix, kind: type[_Record], cache: int
) -> Records[_Record]:
    """Open what is kept of each customer under a prefix."""
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode
    return Records(keyvalue, prefix, encode=encode, decode=decode, capacity=cache)


def way_out(name: str) -> str:
    """Say what to do with a model whose knowledge does not fit any more."""
    return (
        "give the model another name, or train it anew from recorded events:"
        f" cartwheel models train CONFIG {name} --events PATH --state DIR --replace"
    )


def _check(name: str, found: Head, wanted: Head) -> None:
    """See that what was learned is of the same definition and of the same inputs."""
    if found.inputs != wanted.inputs:
        raise ModelStateError(
            f"model {name} has learned from {_inputs(found)}; the config has {_inputs(wanted)}."
            f" Go back to these inputs; or {way_out(name)}"
        )
    if found.definition != wanted.definition:
        raise ModelStateError(
            f"model {name} has learned by another definition, of its own or of what it looks at."
            f" Go back to that; or {way_out(name)}"
        )


def _inputs(head: Head) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in head.inputs) or "no inputs"


def _key(outcome: ModelOutcome) -> bytes:
    """Return a key of its own for each; a customer who was forgotten counts moments anew."""
    time = (outcome.time + _TIME_BIAS).to_bytes(8, "big")
    number = outcome.number.to_bytes(8, "big")
    return record_key(Prefix.WAITING_OUTCOME, outcome.customer) + time + number
