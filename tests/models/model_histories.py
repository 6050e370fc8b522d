"""What profile tells a model of a made-up history, cut into ticks and shards; and the plain answer.

The plain answer comes from the history alone: before each moment everything is learned anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from hypothesis import strategies as st
from rate_learner import REFUSED, UNLEARNABLE, RateLearner

from operators.models.parts import ModelMoment, ModelOutcome
from operators.ticks import ModelTick, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime

GAP_MS = 700
CUSTOMERS = ("ann", "bob", "cid", "dan", "Ω")


@dataclass(frozen=True)
class Drawn:
    """One moment, as it is drawn.

    Attributes:
        customer: the number of whose.
        passes: by how much the watermark has moved on since the last.
        ahead: how far the event lies ahead of the watermark.
        kind: ``plain`` ones are not learned from; one that ``replaces`` takes the place of the
            customer's candidate if that is still open; one that ``drops`` has it told with None.
        known_after: how long after the gap the outcome is known.
        label: of the outcome.
        device: the input.
    """

    customer: int
    passes: int
    ahead: int
    kind: str
    known_after: int
    label: bool
    device: str


def drawn_moments() -> st.SearchStrategy[Drawn]:
    return st.builds(
        Drawn,
        customer=st.integers(0, len(CUSTOMERS) - 1),
        passes=st.sampled_from([0, 0, 1, 100, 900, 5000, 100_000]),
        ahead=st.sampled_from([0, 1, 300, 2000]),
        kind=st.sampled_from(["plain", "candidate", "candidate", "replaces", "drops"]),
        known_after=st.sampled_from([0, 1, 500, 30_000]),
        label=st.booleans(),
        device=st.sampled_from(["phone", "phone", "tablet", REFUSED, UNLEARNABLE]),
    )


class History:
    """The moments in the order in which they came, and what became of them.

    Attributes:
        moments: all of them.
        outcomes: those that are learned.
        dropped: the outcomes without label, each with the place of the moment at which it is told.
        waiting: customer and number of the candidates that nothing was heard of.
    """

    def __init__(self, drawn: Sequence[Drawn], prefix: str = "") -> None:
        self.moments: list[ModelMoment] = []
        self.outcomes: list[ModelOutcome] = []
        self.dropped: list[tuple[int, ModelOutcome]] = []
        watermark = 1_000_000
        numbers = dict.fromkeys(CUSTOMERS, 0)
        clocks = dict.fromkeys(CUSTOMERS, 0)
        last: dict[str, ModelOutcome] = {}
        for place, each in enumerate(drawn):
            watermark += each.passes
            plain_name = CUSTOMERS[each.customer]
            customer = prefix + plain_name
            time = EventTime(max(watermark + each.ahead, clocks[plain_name]))
            clocks[plain_name] = time
            numbers[plain_name] += 1
            before = last.get(customer)
            is_open = before is not None and before in self.outcomes and before.time >= time
            instead = None
            if before is not None and is_open and each.kind in {"replaces", "drops"}:
                self.outcomes.remove(before)
                if each.kind == "replaces":
                    instead = before.number
                else:
                    gone = before._replace(time=time, label=None)
                    self.dropped.append((place, gone))
            moment = ModelMoment(
                customer=customer,
                time=time,
                watermark=EventTime(watermark),
                number=numbers[plain_name],
                values=[each.device],
                is_candidate=each.kind != "plain",
                instead=instead,
            )
            self.moments.append(moment)
            if moment.is_candidate:
                known = EventTime(time + GAP_MS + each.known_after)
                outcome = ModelOutcome(
                    customer, moment.number, known, list(moment.values), float(each.label), time
                )
                last[customer] = outcome
                self.outcomes.append(outcome)

    def watermark_before(self, place: int) -> EventTime:
        """Return where the watermark stands before a moment; the last one's after all."""
        return self.moments[min(place, len(self.moments) - 1)].watermark

    def ticks(
        self, sizes: Sequence[int], shards: int, *, close: bool, reader: int = 0
    ) -> list[list[ModelTick]]:
        """Cut the history into ticks; each is a list of its parts."""
        ticks: list[list[ModelTick]] = []
        start, reached, sized = 0, BEFORE_ALL, cycle(sizes)
        while start < len(self.moments):
            end = min(start + next(sized), len(self.moments))
            is_last = end == len(self.moments)
            watermark = AFTER_ALL if close and is_last else self.watermark_before(end)
            name = TickName(reader, len(ticks) + 1)
            parts = [ModelTick(name, shard, "intent", watermark) for shard in range(shards)]
            for moment in self.moments[start:end]:
                parts[shard_of(moment.customer, shards)].moments.append(moment)
            told = [each for place, each in self.dropped if start <= place < end]
            told += [each for each in self.outcomes if reached <= each.time < watermark]
            for outcome in told:
                parts[shard_of(outcome.customer, shards)].outcomes.append(outcome)
            ticks.append(parts)
            start, reached = end, max(reached, watermark)
        return ticks


def shard_of(customer: str, shards: int) -> int:
    return sum(customer.encode()) % shards


@dataclass
class Expected:
    """The plain answer.

    Attributes:
        scores: of each moment, by customer and number.
        pairs: score at the moment, baseline's, label, in the order of learning.
        errors: how often the learner fails.
        left: the candidates whose outcome is not learned at the end, with their scores.
    """

    scores: dict[tuple[str, int], float | None]
    pairs: list[tuple[float, float, float]]
    errors: int
    left: dict[str, set[int]]


def naive(history: History, step_ms: int, *, close: bool) -> Expected:
    """Score each moment with a new learner that learns all that was known before."""
    scores: dict[tuple[str, int], float | None] = {}
    baselines: dict[tuple[str, int], float] = {}
    errors = 0
    for moment in history.moments:
        learner = RateLearner()
        learned = known_before(history, moment.watermark, step_ms)
        learn_all(learner, learned)
        at = moment.customer, moment.number
        baselines[at] = round((sum(o.label or 0 for o in learned) + 1) / (len(learned) + 2), 6)
        if moment.values == [REFUSED]:
            scores[at] = None
            errors += 1
        else:
            scores[at] = round(learner.predict([moment.values])[0], 6)
    end = AFTER_ALL if close else history.watermark_before(len(history.moments))
    learned = known_before(history, end, step_ms)
    errors += learn_all(RateLearner(), learned)
    pairs = []
    for outcome in learned:
        score = scores[outcome.customer, outcome.number]
        if score is not None:
            assert outcome.label is not None
            pairs.append((score, baselines[outcome.customer, outcome.number], outcome.label))
    left: dict[str, set[int]] = {}
    for outcome in history.outcomes:
        if outcome not in learned and scores[outcome.customer, outcome.number] is not None:
            left.setdefault(outcome.customer, set()).add(outcome.number)
    return Expected(scores, pairs, errors, left)


def known_before(history: History, watermark: EventTime, step_ms: int) -> list[ModelOutcome]:
    """Return the outcomes of all stretches that have ended, in the order of learning."""
    ended = [each for each in history.outcomes if (each.time // step_ms + 1) * step_ms <= watermark]
    return sorted(ended, key=lambda each: (each.time, each.customer, each.number))


def learn_all(learner: RateLearner, outcomes: Sequence[ModelOutcome]) -> int:
    """Learn these; return how many could not be."""
    failed = 0
    for each in outcomes:
        assert each.label is not None
        if each.values == [UNLEARNABLE]:
            failed += 1
        else:
            learner.learn(each.values, each.label)
    return failed
