"""Looks for changes in what a model learns from: how far off it is, its labels, and its inputs.

ADWIN (Bifet and Gavaldà, 2007: Learning from time-changing data with adaptive windowing) finds
them: it keeps a window that holds one mean, and drops its older part once the two differ. Measured
on quiet streams of 100,000 values, four of each of four shapes, and on a shift by 1 sigma and a
rate of 5% that doubles (medians of 10): ADWIN found no change in the quiet ones, and the others
after 79 and 479 values. Page-Hinkley at threshold 20 found 5 to 21 changes in each quiet stream,
the others after 69 and 339; at 50 it found up to 4, the others after 128 and 1,039.

ADWIN's bound is for values in [0, 1]. So of a number its rank is looked at, among the first values
since the last change: whatever the unit, and however far out some values are. Not looked at:
categories, which have no mean, and the clock's hour and weekday, which change with every day. An
error that falls is a model that has learned: it is what later errors are held against, no change.
But it falls too where an event hardly comes any more, as when nobody can order: the label tells.
"""

import pickle
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from importlib.metadata import version
from math import inf, log, nan
from typing import Any, NamedTuple

import msgspec
from river.drift import ADWIN

from operators.models.encoding import is_usable
from operators.models.parts import Changing, LastTold, Told, Value
from operators.models.plan import InputPlan, ModelPlan
from operators.models.stamps import damaged, layout, seal, unseal
from operators.outputs import Record, json_number, make_id
from operators.times import EventTime

DELTA = 0.002
"""ADWIN's: the less it is, the fewer changes are found where none is, and the later true ones."""
FIRST = 500
"""Values that the ranks of later ones are taken among; no change is found before they are there."""
LATEST = 1000
"""Values that are kept as they are, to tell since when they are others."""

_CLOCK = frozenset({"context.hour", "context.weekday"})
_DECIMALS = 6


class DriftFound(NamedTuple):
    """A change.

    Attributes:
        what: ``error``, ``label`` (how often the event came, or the mean of the sums) or ``input``.
        input: the input's name, None where it is no input.
        time: of the example at which it was found.
        before: the mean since the change before, or the start, until this one.
        after: the mean since this one, of no more than the LATEST values. Found early, a change
            is found by a run of extreme values: then this is farther off than what will come.
        number: of the change, counted from 1 for each that is looked at.
    """

    what: Changing
    input: str | None
    time: EventTime
    before: float
    after: float
    number: int


class _Stream:
    """The values of one thing that is looked at.

    Attributes:
        told: the changes that were told.

    Args:
        what: is looked at.
        name: of the input, None where it is none.
        is_share: whether its values are in [0, 1], so that they need no ranks.
    """

    _adwin: Any

    def __init__(self, what: Changing, name: str | None = None, *, is_share: bool) -> None:
        self.told = Told(what, name, 0, None)
        self._is_share = is_share
        self._changes = 0
        self._begin(())

    def note(self, time: EventTime, value: float) -> DriftFound | None:
        """Take the next value."""
        latest = self._latest
        if len(latest) == LATEST:
            self._earlier += latest.popleft()
            self._earlier_n += 1
        latest.append(value)
        if not self._is_share:
            first = self._first
            if len(first) < FIRST:
                insort(first, value)
                return None
            value = self._rank(value)
        self._adwin.update(value)
        return self._found(time) if self._adwin.drift_detected else None

    def tell(self, found: DriftFound) -> DriftFound:
        """Remember that a change is told."""
        last = LastTold(found.time, found.before, found.after)
        self.told = Told(found.what, found.input, self.told.count + 1, last)
        return found

    def dump(self) -> "_Kept":
        """Return all of it."""
        adwin = pickle.dumps(self._adwin)
        latest = list(self._latest)
        earlier = self._earlier, self._earlier_n
        return self._changes, self._first, *earlier, latest, adwin, self.told

    def load(self, kept: "_Kept") -> None:
        """Take what ``dump`` has returned."""
        self._changes, self._first, self._earlier, self._earlier_n, latest, adwin, self.told = kept
        self._latest = deque(latest)
        self._adwin = pickle.loads(adwin)  # noqa: S301 (the state is its own)
        if type(self._adwin) is not ADWIN:
            raise TypeError(f"not an ADWIN but a {type(self._adwin).__name__}")

    def _begin(self, values: Sequence[float]) -> None:
        """Begin anew, knowing these values."""
        self._first = [] if self._is_share else sorted(values[:FIRST])
        self._earlier = 0.0
        self._earlier_n = 0
        self._latest = deque(values)
        self._adwin = ADWIN(delta=DELTA)  # type: ignore[no-untyped-call]

    def _rank(self, value: float) -> float:
        """Return a value's place among the first ones, in [0, 1]; among equals the middle."""
        first = self._first
        below = bisect_left(first, value)
        return (below + bisect_right(first, value, below)) / (2 * FIRST)

    def _found(self, time: EventTime) -> DriftFound:
        values = list(self._latest)
        if self._is_share:
            cut = _cut(self._earlier_n, self._earlier, values)
        else:  # the mean of the first values' own ranks is a half
            ranks = [self._rank(value) for value in values]
            cut = _cut(self._earlier_n, self._earlier_n / 2, ranks)
        old, new = values[:cut], values[cut:]
        before = (self._earlier + sum(old)) / (self._earlier_n + len(old))
        self._changes += 1
        self._begin(new)
        about = self.told.what, self.told.input
        return DriftFound(*about, time, before, sum(new) / len(new), self._changes)


def _cut(earlier_n: int, earlier: float, latest: Sequence[float]) -> int:
    """Say at which of the latest values they most likely became others.

    ADWIN's own cut is no answer: it drops no more than it must, so it keeps many of the old ones.
    This one makes the likelihood of two shares, before and after, the greatest.

    Args:
        earlier_n: how many values, in [0, 1], came before the latest.
        earlier: their sum.
        latest: shape (n,), in [0, 1]; all that there are, where ``earlier_n`` is 0.
    """
    total, n = earlier + sum(latest), earlier_n + len(latest)
    best, cut, after = -inf, len(latest) - 1, 0.0
    for place in range(len(latest) - 1, -1 if earlier_n else 0, -1):
        after += latest[place]
        n_after = len(latest) - place
        likelihood = _likelihood(after, n_after) + _likelihood(total - after, n - n_after)
        if likelihood > best:
            best, cut = likelihood, place
    return cut


def _likelihood(part: float, n: int) -> float:
    """Return the log of how likely a share is in the eyes of its own mean."""
    share = part / n
    if not 0 < share < 1:  # all the same, or a sum's last bit beyond it
        return 0.0
    return n * (share * log(share) + (1 - share) * log(1 - share))


_Kept = tuple[int, list[float], float, int, list[float], bytes, Told]


class Drift:
    """Looks at one model's error, at its labels and at its inputs.

    Bounded: of each FIRST + LATEST numbers, and ADWIN's window, which is kept by powers of two.

    Args:
        name: of the config.
        plan: the model.
    """

    def __init__(self, name: str, plan: ModelPlan) -> None:
        self._name = name
        self._plan = plan
        is_share = not plan.target.value
        self._error = _Stream("error", is_share=is_share)
        self._label = _Stream("label", is_share=is_share)
        self._inputs = [
            (place, _Stream("input", each.name, is_share=each.kind == "boolean"))
            for place, each in enumerate(plan.inputs)
            if _is_looked_at(each)
        ]
        self._stamp = {"drift": "3", "inputs": layout(plan.inputs), "river": version("river")}

    def note(
        self, time: EventTime, row: Sequence[Value], error: float, label: float = nan
    ) -> list[Record]:
        """Take what was learned; return the records of what has changed.

        Args:
            time: of the outcome.
            row: the inputs' values; what is missing is left out.
            error: |label - score|.
            label: what came; what is not finite is left out.
        """
        found = self.find(time, row, error, label)
        return [drift_record(self._name, self._plan, each) for each in found] if found else []

    def find(
        self, time: EventTime, row: Sequence[Value], error: float, label: float = nan
    ) -> list[DriftFound]:
        """Do as ``note``; return what has changed, the error first, then the label."""
        found = []
        if is_usable(error):
            change = self._error.note(time, error)
            if change and change.after > change.before:
                found.append(self._error.tell(change))
        if is_usable(label) and (change := self._label.note(time, label)):
            found.append(self._label.tell(change))
        for place, stream in self._inputs:
            value = row[place]
            if is_usable(value) and (change := stream.note(time, float(value))):
                found.append(stream.tell(change))
        return found

    def told(self) -> list[Told]:
        """Say what was told so far of all that is looked at: error, label, then each input."""
        return [each.told for each in self._streams()]

    def dump(self) -> bytes:
        """Return all of it."""
        kept = [each.dump() for each in self._streams()]
        return seal(self._stamp, msgspec.msgpack.encode(kept))

    def load(self, data: bytes) -> None:
        """Take what ``dump`` has returned; it runs what the data says, so it must be trusted.

        Raises:
            LearnerError: another version of River has written it, or it is of other inputs or
                damaged.
        """
        learned = unseal(self._stamp, data)
        try:
            state = msgspec.msgpack.decode(learned, type=list[_Kept])
            for stream, kept in zip(self._streams(), state, strict=True):
                stream.load(kept)
        except Exception as error:  # (a damaged pickle may raise anything)
            raise damaged(error) from error

    def _streams(self) -> list[_Stream]:
        return [self._error, self._label, *(stream for _, stream in self._inputs)]


def drift_record(name: str, plan: ModelPlan, found: DriftFound) -> Record:
    """Make the output that says what has changed; its subject is the model.

    Args:
        name: of the config.
        plan: the model.
        found: the change.
    """
    what: dict[str, str] = {"what": found.what}
    if found.input is not None:
        what["input"] = found.input
    about = make_id("drift", name, plan.name, plan.version, *what.values(), found.number)
    data: dict[str, object] = {
        "model": plan.name,
        "version": plan.version,
        **what,
        "before": json_number(round(found.before, _DECIMALS)),
        "after": json_number(round(found.after, _DECIMALS)),
    }
    return Record("model.drift", f"{about}-drift", plan.name, found.time, data)


def _is_looked_at(each: InputPlan) -> bool:
    return each.kind != "category" and each.name not in _CLOCK
