"""What a model's step keeps in the model's own store: what was learned, and what it waits for."""

from heapq import heapify, heappop, heappush
from typing import Protocol

import msgspec

from operators.models.learner import LearnerError
from operators.models.parts import ModelOutcome
from operators.models.plan import ModelPlan
from operators.models.rfm import Values
from operators.times import BEFORE_ALL, EventTime
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records, record_key

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
        scores: by the moment's number: its time, what the model said, what its baseline would have.
    """

    scores: dict[int, tuple[EventTime, float, float]]


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
        self._heap: list[tuple[EventTime, str, int, ModelOutcome]] = []
        self._unwritten: dict[bytes, ModelOutcome] = {}
        self._read()

    def add(self, outcome: ModelOutcome) -> None:
        """Let an outcome wait."""
        heappush(self._heap, (outcome.time, outcome.customer, outcome.number, outcome))
        self._unwritten[_key(outcome)] = outcome

    def take(self, before: EventTime, most: int) -> list[ModelOutcome]:
        """Take the first outcomes before a time, in order of (time, customer, number)."""
        taken: list[ModelOutcome] = []
        while self._heap and self._heap[0][0] < before and len(taken) < most:
            outcome = heappop(self._heap)[-1]
            key = _key(outcome)
            if self._unwritten.pop(key, None) is None:
                self._keyvalue.delete(key)
            taken.append(outcome)
        return taken

    def flush(self) -> None:
        """Write what is not written."""
        for key, outcome in self._unwritten.items():
            self._keyvalue.put(key, self._encode(outcome))
        self._unwritten.clear()

    def _read(self) -> None:
        decode = msgspec.msgpack.Decoder(ModelOutcome).decode
        prefix = start = Prefix.WAITING_OUTCOME.key
        while keys := self._keyvalue.keys(start, prefix, _READ_AT_ONCE):
            for value in self._keyvalue.get_many(keys):
                assert value is not None, "the key was just found"
                outcome = decode(value)
                self._heap.append((outcome.time, outcome.customer, outcome.number, outcome))
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
        self._kept: dict[bytes, Kept] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self.head = Head(plan.definition, [(each.name, each.kind) for each in plan.inputs])
        (self._written,) = keyvalue.get_many([_HEAD])
        if self._written is not None:
            found = msgspec.msgpack.decode(self._written, type=Head)
            _check(plan.name, found, self.head)
            self.head = found
        self.has_learned = False
        self.given: Records[Given] = Records(
            keyvalue,
            Prefix.GIVEN_SCORES,
            encode=self._encode,
            decode=msgspec.msgpack.Decoder(Given).decode,
            capacity=cache,
        )
        self.waiting = Waiting(keyvalue)
        self.counted: Records[Values] = Records(
            keyvalue,
            Prefix.COUNTED_VALUES,
            encode=self._encode,
            decode=msgspec.msgpack.Decoder(Values).decode,
            capacity=cache,
        )

    def keep(self, name: str, kept: Kept) -> None:
        """Load something as it was written; from now on write it when more was learned.

        Raises:
            ModelStateError: it cannot be read by these versions of the libraries.
        """
        key = _HEAD + name.encode()
        self._kept[key] = kept
        (value,) = self._keyvalue.get_many([key])
        if value is None:
            return
        try:
            kept.load(value)
        except LearnerError as error:
            raise ModelStateError(
                f"the {name} of model {self._name} cannot be read: {error}. Go on with the versions"
                f" that have written it, or {_WAY_OUT}"
            ) from error

    def flush(self) -> None:
        """Write what has changed."""
        self.given.flush()
        self.waiting.flush()
        self.counted.flush()
        if self.has_learned:
            for key, kept in self._kept.items():
                self._keyvalue.put(key, kept.dump())
            self.has_learned = False
        head = self._encode(self.head)
        if head != self._written:
            self._keyvalue.put(_HEAD, head)
            self._written = head


_WAY_OUT = (
    "give the model another name, or let it learn anew: replay recorded events into a new state"
)


def _check(name: str, found: Head, wanted: Head) -> None:
    """See that what was learned is of the same definition and of the same inputs."""
    if found.inputs != wanted.inputs:
        raise ModelStateError(
            f"model {name} has learned from {_inputs(found)}; the config has {_inputs(wanted)}."
            f" Go back to these inputs; or {_WAY_OUT}"
        )
    if found.definition != wanted.definition:
        raise ModelStateError(
            f"model {name} has learned by another definition, of its own or of what it looks at."
            f" Go back to that; or {_WAY_OUT}"
        )


def _inputs(head: Head) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in head.inputs) or "no inputs"


def _key(outcome: ModelOutcome) -> bytes:
    """Return a key of its own for each; a customer who was forgotten counts moments anew."""
    time = (outcome.time + _TIME_BIAS).to_bytes(8, "big")
    number = outcome.number.to_bytes(8, "big")
    return record_key(Prefix.WAITING_OUTCOME, outcome.customer) + time + number
