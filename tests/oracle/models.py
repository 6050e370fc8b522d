"""What models are told and what they say, worked out slowly: each moment, and what came of it.

A customer's events are replayed in order of arrival. Before each one everything is worked out anew
from what had arrived by then: the sessions, which of their moments has the least hash, what came
after it. Sentences are cited by their number in the meaning of models (M1 to M9).
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from oracle.input import Event, classify, value_at
from oracle.records import canonical
from oracle.rules import Rules, looks_at
from oracle.segments import Customer
from oracle.sessions import GREATEST, millionths, runs_of
from oracle.specs import kind_of, milliseconds
from oracle.writing import stamp

CONFIG = "shop"
MOST_WAITING = 20
OUTCOME, CLOSE = range(2)
"""What happens first at one time."""

Spec = Mapping[str, Any]
"""A model, as in the config file."""
Value = float | str | None


class Moment(NamedTuple):
    """An event at which a model scores a customer (M1, M2)."""

    customer: str
    life: int
    time: int
    watermark: float
    number: int
    values: tuple[Value, ...]
    message_id: str
    arrival: int
    is_candidate: bool
    instead: int | None
    """The candidate that it takes the place of (M3)."""


class Outcome(NamedTuple):
    """What became of a moment that is learned from (M4, M5); the label is None if it is not."""

    customer: str
    number: int
    time: int
    values: tuple[Value, ...]
    label: float | None
    life: int = 0


class Waiting(NamedTuple):
    """A moment whose session is over."""

    moment: Moment
    end: int


@dataclass
class Told:
    """All that a model is told; in no order that means anything."""

    moments: list[Moment] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass
class Life:
    """One customer from first seen to forgotten, as one model sees it."""

    rules: Rules
    name: str
    told: Told
    known: list[Event] = field(default_factory=list)
    numbers: int = 0
    candidates: list[Moment] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    """The events, by arrival, of the sessions that were closed."""

    @property
    def spec(self) -> Spec:
        """The model."""
        return self.rules.models[self.name]

    @property
    def within_ms(self) -> int | None:
        """How long after a moment events count, None for the rest of its session."""
        within = self.spec.get("within", "session")
        return None if within == "session" else milliseconds(within)

    def arrive(self, event: Event, clock: int, values: tuple[Value, ...]) -> None:
        """Let happen what comes before an event, then take it in."""
        self.settle(event.before)
        self.known.append(event)
        [run] = [run for run in self.runs() if event in run]
        arrivals = {each.arrival for each in run}
        rivals = sorted((m for m in self.candidates if m.arrival in arrivals), key=self.lot)
        is_closed = not self.closed.isdisjoint(arrivals)
        for loser in rivals if is_closed else rivals[1:]:
            self.candidates.remove(loser)
            self.tell(loser, clock, None)
        if event.is_late or event.name not in self.spec.get("at", [event.name]):
            return
        self.numbers += 1
        about = event.customer, event.life, clock, event.before, self.numbers, values
        moment = Moment(*about, event.message_id or "", event.arrival, not is_closed, None)
        if rivals and not is_closed:
            before = rivals[0]
            if self.lot(moment) < self.lot(before):
                self.candidates.remove(before)
                moment = moment._replace(instead=before.number)
            else:
                moment = moment._replace(is_candidate=False)
        self.told.moments.append(moment)
        if moment.is_candidate:
            self.candidates.append(moment)

    def runs(self) -> list[list[Event]]:
        """Cut what is known into sessions."""
        by_time = sorted(self.known, key=lambda event: (event.time, event.arrival))
        return runs_of(by_time, gap_ms=self.rules.gap_ms) if by_time else []

    def lot(self, moment: Moment) -> bytes:
        """Return a moment's hash (M3); for a model that predicts nothing the last is the least."""
        if "predicts" not in self.spec:
            return (1_000_000 - moment.number).to_bytes(8, "big")
        about = [CONFIG, self.name, moment.customer, moment.time, moment.message_id, moment.number]
        text = json.dumps(about, separators=(",", ":"), ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=8).digest()

    def settle(self, watermark: float) -> None:
        """Let sessions close and outcomes be told that lie before the watermark, in order."""
        while turns := list(self.turns(watermark)):
            time, rank, what = min(turns, key=lambda turn: turn[:2])
            if rank == OUTCOME:
                [each] = [one for one in self.waiting if one.moment.number == what]
                self.waiting.remove(each)
                self.tell(each.moment, time, self.label(each.moment, self.known))
            else:
                [run] = [run for run in self.runs() if run[0].arrival == what]
                self.close(run, time)

    def turns(self, watermark: float) -> Iterator[tuple[int, int, int]]:
        """Give the time, the rank and the number of what lies before the watermark."""
        for each in self.waiting:
            if (due := self.due(each)) < watermark:
                yield due, OUTCOME, each.moment.number
        for run in self.runs():
            end = run[-1].time + self.rules.gap_ms
            if end < watermark and self.closed.isdisjoint(event.arrival for event in run):
                yield end, CLOSE, run[0].arrival

    def close(self, run: list[Event], end: int) -> None:
        """Close a session for the first time; its candidate is fixed (M5)."""
        arrivals = {event.arrival for event in run}
        self.closed |= arrivals
        for moment in [each for each in self.candidates if each.arrival in arrivals]:
            self.candidates.remove(moment)
            if self.within_ms is None:
                self.tell(moment, end, self.label(moment, run))
            elif len(self.waiting) < MOST_WAITING or self.due(Waiting(moment, end)) == end:
                self.waiting.append(Waiting(moment, end))
            else:
                self.tell(moment, end, None)

    def due(self, each: Waiting) -> int:
        """Say when it is known what came of a moment (M5); nothing is before it has come."""
        assert self.within_ms is not None
        moment, end = each
        came = self.came(moment, self.known)
        known = moment.time + self.within_ms
        if came and isinstance(self.spec["predicts"], str):
            first = min(came, key=lambda event: event.arrival)
            known = int(max(first.time, first.before))
        return max(known, end)

    def came(self, moment: Moment, events: Iterable[Event]) -> list[Event]:
        """Return those of some events that were looked for, and that came after a moment."""
        event, _, _ = target(self.spec)
        until = math.inf if self.within_ms is None else moment.time + self.within_ms
        return [e for e in events if e.name == event and moment.time < e.time <= until]

    def label(self, moment: Moment, events: Iterable[Event]) -> float:
        """Say what came of a moment (M4); 0 where nothing is predicted."""
        if "predicts" not in self.spec:
            return 0.0
        came = self.came(moment, events)
        _, is_absence, path = target(self.spec)
        if path:
            return total(value_at(event.data, path) for event in came)
        return float(bool(came) != is_absence)

    def tell(self, moment: Moment, time: int, label: float | None) -> None:
        """Tell what became of a moment."""
        about = moment.customer, moment.number, time, moment.values, label
        self.told.outcomes.append(Outcome(*about, moment.life))

    def forget(self, time: int) -> None:
        """Forget the customer (M5)."""
        self.settle(time)
        for moment in [*self.candidates, *(each.moment for each in self.waiting)]:
            self.tell(moment, time, None)
        self.candidates, self.waiting = [], []
        if "predicts" not in self.spec and self.numbers:  # one customer less
            first = self.known[0]
            about = first.customer, self.numbers + 1, time, (None,) * len(looks_at(self.spec)), 0.0
            self.told.outcomes.append(Outcome(*about, first.life))


def told_models(
    lines: Sequence[bytes], rules: Rules, *, now_ms: int, close: bool = False
) -> dict[str, Told]:
    """Say what each model is told of all lines of one reader with one partition."""
    classified = classify(
        lines,
        uses=rules.uses(),
        disorder_ms=rules.disorder_ms,
        future_ms=rules.future_ms,
        now_ms=now_ms,
        retention_ms=math.inf if rules.retention_ms is None else rules.retention_ms,
        grace_ms=rules.grace_ms,
    )
    told = {name: Told() for name in rules.models}
    lives: dict[tuple[str, int], list[Event]] = {}
    for event in classified.applied:
        lives.setdefault((event.customer, event.life), []).append(event)
    for about, events in lives.items():
        customer = Customer(rules, about[0])
        of_models = [Life(rules, name, told[name]) for name in rules.models]
        for event in events:
            customer.arrive(event)
            clock = customer.history[-1].clock
            row = customer.row(clock)
            for life in of_models:
                life.arrive(event, clock, inputs(rules, life.spec, row, clock))
        for life in of_models:
            if about in classified.forgotten:
                life.forget(classified.forgotten[about])
            else:
                life.settle(math.inf if close else classified.watermark)
    return told


def target(spec: Spec) -> tuple[str, bool, str]:
    """Say which event a model looks for, whether it is to stay away, and what is summed up."""
    predicts = spec["predicts"]
    if isinstance(predicts, Mapping):
        return predicts["of"], False, predicts["sum"]
    return predicts.removeprefix("no "), predicts.startswith("no "), ""


def total(values: Iterable[object]) -> float:
    """Add up the numbers among some values, in millionths (M4)."""
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    exact = Fraction(sum(map(millionths, numbers)), 1_000_000)
    return float(max(-GREATEST, min(exact, GREATEST)))


def inputs(rules: Rules, spec: Spec, row: Mapping[str, Any], now: int) -> tuple[Value, ...]:
    """Return what a model looks at (M1)."""
    if "predicts" not in spec:  # of a time when it was, not how long ago
        found = [row[name] for name in looks_at(spec)]
        return tuple(
            None if each is None or not math.isfinite(each) else float(each) for each in found
        )
    return tuple(as_input(rules, name, row[name], now) for name in looks_at(spec))


def as_input(rules: Rules, name: str, value: Any, now: int) -> Value:
    """Show a value to a model: times as their age in seconds, what may be anything as text."""
    kind, _ = kind_of(rules.kept()[name]) if name in rules.kept() else ("", "")
    if value is None:
        return None
    if kind == "time" or name == "session.start":
        return float((now - value) / 1000)
    if kind in {"first", "last"}:
        return value if isinstance(value, str) else json.dumps(value)
    return float(value) if math.isfinite(value) else None


class NaiveLearner(Protocol):
    """A model that learns one example after the other."""

    def predict(self, values: Sequence[Value]) -> float:
        """Score."""

    def learn(self, values: Sequence[Value], label: float) -> None:
        """Learn."""


class RateSoFar:
    """Scores by the rate, or the mean, of what was learned."""

    def __init__(self) -> None:
        self.labels: list[float] = []

    def predict(self, values: Sequence[Value]) -> float:
        """Score all alike, but for a little that says how many inputs are missing."""
        missing = sum(value is None for value in values)
        return (sum(self.labels) + 1) / (len(self.labels) + 2 + missing)

    def learn(self, values: Sequence[Value], label: float) -> None:
        """Learn the label."""
        del values
        self.labels.append(label)


def scores_of(
    told: Told, step_ms: int, new_learner: Callable[[], NaiveLearner]
) -> list[tuple[Moment, float]]:
    """Score all moments, each with what was learned before the watermark at it (M6 to M8)."""
    learner = new_learner()
    known = [each for each in told.outcomes if each.label is not None]
    to_learn = sorted(known, key=lambda each: (each.time, each.customer, each.number))
    scores = []
    order = sorted(told.moments, key=lambda m: (m.watermark, m.time, m.customer, m.number))
    for moment in order:
        while to_learn and (to_learn[0].time // step_ms + 1) * step_ms <= moment.watermark:
            example = to_learn.pop(0)
            assert example.label is not None
            learner.learn(example.values, example.label)
        scores.append((moment, round(learner.predict(moment.values), 6)))
    return scores


def score_records(
    name: str, version: str, spec: Spec, scores: Sequence[tuple[Moment, float]]
) -> list[str]:
    """Write the records of a model's scores (M9), without their ids, sorted."""
    emit = spec.get("emit", "moments")
    least = None if emit == "moments" else emit["moves"]
    written: dict[tuple[str, int], float] = {}
    records = []
    for moment, score in sorted(scores, key=lambda each: (each[0].life, each[0].number)):
        last = written.get((moment.customer, moment.life))
        if least is not None and last is not None and abs(score - last) <= least:
            continue
        written[moment.customer, moment.life] = score
        data = {
            "model": name,
            "version": version,
            "score": score,
            "cause": [moment.message_id] if moment.message_id else [],
            "moment": _text(moment.time),
            **({"shadow": True} if spec.get("shadow") else {}),
        }
        records.append(canonical(["cartwheel.score", moment.customer, _text(moment.time), data]))
    return sorted(records)


def _text(time: int) -> str:
    return stamp(time - time % 1000).removesuffix("Z") + f".{time % 1000:03d}Z"
