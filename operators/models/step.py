"""The step of one model: scores the moments of all shards, and learns from what became of them.

A moment is scored with what was learned from the stretches of event time that ended at or before
the watermark at its event; outcomes are learned in order of (time, customer, number) (M6, M7). So
neither ticks nor shards nor processes change a score.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple, Protocol

from operators.models.baseline import Baseline
from operators.models.erasing import Erasing, erase, erasings, forget_what_waits
from operators.models.learner import Learner
from operators.models.parts import ModelMoment, ModelOutcome, Told, Value
from operators.models.plan import ModelPlan
from operators.models.rfm import Rfm, Tiers, score_of
from operators.models.store import Given, Kept, ModelStore
from operators.outputs import Record
from operators.ticks import ModelTick, ScoreTick, TickName
from operators.times import BEFORE_ALL, EventTime

LEARNED_AT_ONCE = 1000
"""Of how many outcomes the scores that were given are in memory together."""

_DECIMALS = 6


class Watch(Kept, Protocol):
    """Measures how good a model's scores are."""

    def note(self, score: float, baseline_score: float, label: float) -> None:
        """Hold the score that was given at a moment against what became of it (M11)."""

    def report(self, threshold: float) -> Mapping[str, Any]:
        """Say how good the scores are, if ``threshold`` and more predicts the event."""


class Drift(Kept, Protocol):
    """Looks for changes in what a model learns from."""

    def note(
        self, time: EventTime, row: Sequence[Value], error: float, label: float
    ) -> list[Record]:
        """Take what was learned at a time, and how far off the score was; say what has changed."""

    def told(self) -> Sequence[Told]:
        """Say what was told so far: of the error, then of each input that is looked at."""


class _Gone(NamedTuple):
    """A moment that no outcome will follow.

    Attributes:
        customer: who.
        number: of the moment.
        time: of the moment, or by when it was there.
        is_exact: whether it is the moment's own.
    """

    customer: str
    number: int
    time: EventTime
    is_exact: bool

    def place_in(self, given: Given) -> tuple[int, EventTime] | None:
        """Return where its score stands, None where there is none."""
        if self.is_exact:
            place = self.number, self.time
            return place if place in given.scores else None
        # a customer who was forgotten counts anew: the latest of this number is meant
        places = [each for each in given.scores if each[0] == self.number and each[1] <= self.time]
        return max(places, default=None)


class ModelStep:
    """Scores and learns; puts the parts of a tick together first.

    Knows nothing of Bytewax or of files: give it the parts of ticks, it gives scores. A moment
    that the learner cannot score has none, an example that it cannot learn is left out; both are
    counted as ``model errors NAME``.

    Args:
        plan: the model.
        learner: of the plan's kind, which has learned nothing yet.
        watch: likewise; None for a model that predicts nothing.
        store: the model's own.
        shards: how many parts a tick has.
        ticks: each reader's last tick.
        drift: looks for changes, if anything does.

    Raises:
        ModelStateError: what is stored cannot be read by these versions of the libraries.
    """

    def __init__(  # noqa: PLR0913 (what it works with, and where it stands)
        self,
        plan: ModelPlan,
        learner: Learner,
        watch: Watch | None,
        store: ModelStore,
        *,
        shards: int,
        ticks: Sequence[int],
        drift: Drift | None = None,
    ) -> None:
        self._plan = plan
        self._is_sum = bool(plan.target.value)
        self._learner = learner
        self._rfm = learner if isinstance(learner, Rfm) else None
        self._baseline = Baseline(is_sum=self._is_sum)
        self._watch = watch
        self._drift = drift
        self._store = store
        self._ticks = list(ticks)
        self._parts: dict[TickName, list[ModelTick]] = {}
        self._marks = [BEFORE_ALL] * shards
        self._arrivals = 0
        self._gone: list[_Gone] = []
        self._records: list[Record] = []
        self._errors = 0
        store.keep("learner", learner)
        if watch is not None:
            store.keep("baseline", self._baseline)
            store.keep("watch", watch)
        if drift is not None:
            store.keep("drift", drift)

    def on_part(self, part: ModelTick) -> list[ScoreTick]:
        """Take a shard's part of a tick; once all are there, score its moments and learn.

        Returns:
            What each shard is told, in their order; nothing before the tick is complete.
        """
        self._arrivals += 1
        part.arrival = self._arrivals
        parts = self._parts.setdefault(part.name, [])
        assert all(each.shard != part.shard for each in parts), "a shard has one part of a tick"
        parts.append(part)
        if len(parts) < len(self._marks):
            return []
        del self._parts[part.name]
        parts.sort(key=lambda each: each.shard)
        return self._on_tick(part.name, parts)

    def snapshot(self) -> list[int]:
        """Write what has changed; return each reader's last tick."""
        assert not self._parts, "an epoch holds whole ticks"
        self._store.flush()
        return list(self._ticks)

    @property
    def bytes(self) -> int:
        """How much what was learned takes, as it was last written."""
        return sum(self._store.sizes.values())

    def quality(self) -> Mapping[str, Any]:
        """Say how good the scores are at the model's threshold; see Watch.

        Nothing of a model that predicts nothing.
        """
        return {} if self._watch is None else self._watch.report(self._plan.threshold)

    def _on_tick(self, name: TickName, parts: list[ModelTick]) -> list[ScoreTick]:
        expected = self._ticks[name.reader] + 1
        assert name.number == expected, f"expected tick {expected}, got {name}"
        self._ticks[name.reader] = name.number
        self._records, self._errors = [], 0
        for part in parts:
            self._marks[part.shard] = max(self._marks[part.shard], part.watermark)
            if part.erased:
                forget_what_waits((each for some in self._parts.values() for each in some), part)
        outcomes, erased = erasings(parts)
        self._await(outcomes)
        least = min(self._marks)
        moments = [each for part in parts for each in part.moments]
        scores, tiers = self._score(moments, [each for some in erased for each in some], least)
        self._learn(least)
        self._drop()
        rest, rest_of_tiers = iter(scores), iter(tiers)
        said = []
        for part, some in zip(parts, erased, strict=True):
            count = len(part.moments)
            own = list(islice(rest, count)), list(islice(rest_of_tiers, count))
            removed = [dict(each.removed) for each in some]
            said.append(ScoreTick(name, part.shard, self._plan.name, *own, removed=removed))
        counts = Counter({f"model errors {self._plan.name}": self._errors})
        counts.update(f"model drift {self._plan.name} {_about(each)}" for each in self._records)
        said[0].records, said[0].counts = self._records, +counts
        return said

    def _await(self, outcomes: Iterable[ModelOutcome]) -> None:
        """Let outcomes wait to be learned; take note of moments that none will follow."""
        for outcome in outcomes:
            if outcome.label is None:
                gone = _Gone(outcome.customer, outcome.number, outcome.moment, is_exact=True)
                self._gone.append(gone)
            else:
                self._store.waiting.add(outcome)

    def _erase(self, some: Sequence[Erasing]) -> set[int]:
        """Take customers out; return the places of their moments, which are not to be kept."""
        if not some:
            return set()
        names = {each.erasure.customer for each in some}
        self._gone = [each for each in self._gone if each.customer not in names]
        self._await(erase(some, self._store))
        return {place for each in some for place in each.before}

    def _score(
        self, moments: list[ModelMoment], erased: list[Erasing], least: EventTime
    ) -> tuple[list[float | None], list[Tiers]]:
        """Score a tick's moments, those together between which nothing is learned.

        Their order within such a group changes no score. A customer is taken out at the beginning
        of a group: of the moments before that none outside of it is still to come.

        Returns:
            The scores, and of an RFM model the tiers that they are made of.
        """
        step_ms = self._plan.step_ms
        groups: dict[int, list[int]] = {}
        for place, moment in enumerate(moments):
            until = min(moment.watermark, least) // step_ms
            group = groups.get(until)
            if group is None:
                group = groups[until] = []
            group.append(place)
        taken_out: dict[int, list[Erasing]] = {}
        for each in erased:
            until = min(each.erasure.watermark, least) // step_ms
            taken_out.setdefault(until, []).append(each)
        scores: list[float | None] = [None] * len(moments)
        tiers: dict[int, Tiers] = {}
        for until in sorted({*groups, *taken_out}):
            self._learn(EventTime(until * step_ms))
            unkept = self._erase(taken_out.get(until, ()))
            group = groups.get(until)
            if group is None:
                continue
            if self._rfm is not None:
                for place in group:
                    tiers[place] = said = self._rfm.tiers(moments[place].values)
                    scores[place] = self._rounded(score_of(said))
                continue
            found = self._predict([moments[place].values for place in group])
            candidates: list[tuple[ModelMoment, float | None]] = []
            for place, score in zip(group, found, strict=True):
                scores[place] = score
                if moments[place].is_candidate and place not in unkept:
                    candidates.append((moments[place], score))
            self._remember(candidates)
        return scores, [tiers[place] for place in range(len(tiers))]

    def _predict(self, rows: list[list[Value]]) -> list[float | None]:
        """Ask the learner; where it fails, row by row, so that one row costs no other its score."""
        try:
            scores = [self._rounded(score) for score in self._learner.predict(rows)]
        except Exception:  # noqa: BLE001 (whatever a model does, the others go on)
            if len(rows) == 1:
                self._errors += 1
                return [None]
            return [score for row in rows for score in self._predict([row])]
        assert len(scores) == len(rows), "each row has a score"
        self._errors += scores.count(None)
        return scores

    def _rounded(self, score: float) -> float | None:
        """Round a score (M8); what is none, such as not a number, is an error of the learner."""
        is_score = isfinite(score) if self._is_sum else 0 <= score <= 1
        return round(float(score), _DECIMALS) + 0.0 if is_score else None  # never -0.0

    def _remember(self, candidates: list[tuple[ModelMoment, float | None]]) -> None:
        """Keep the scores of moments that the model may learn from, until it does (M11)."""
        baseline = round(self._baseline.predict([()])[0], _DECIMALS)
        given = self._store.given.edit(dict.fromkeys(each.customer for each, _ in candidates))
        for moment, score in candidates:
            if moment.instead is not None:
                gone = _Gone(moment.customer, moment.instead, moment.time, is_exact=False)
                self._gone.append(gone)
            if score is None:
                continue
            record = given.get(moment.customer)
            if record is None:
                record = self._store.given.insert(moment.customer, Given({}))
                given[moment.customer] = record
            record.scores[moment.number, moment.time] = score, baseline

    def _learn(self, watermark: EventTime) -> None:
        """Learn what became known in all stretches that have ended at or before a watermark."""
        head = self._store.head
        until = EventTime(watermark // self._plan.step_ms * self._plan.step_ms)
        if until <= head.learned_until:
            return
        head.learned_until = until
        while outcomes := self._store.waiting.take(until, LEARNED_AT_ONCE):
            if self._rfm is not None:
                self._rfm.learn_all(outcomes, self._store.counted)
                self._store.has_learned = True
                continue
            given = self._store.given.edit(dict.fromkeys(each.customer for each in outcomes))
            for outcome in outcomes:
                self._learn_one(outcome, given.get(outcome.customer))
            self._delete_empty(given)

    def _learn_one(self, outcome: ModelOutcome, given: Given | None) -> None:
        label = outcome.label
        assert label is not None, "others do not wait"
        scores = given.scores.pop((outcome.number, outcome.moment), None) if given else None
        if scores is not None:  # else the learner failed at that moment
            assert self._watch is not None, "it predicts something"
            score, baseline = scores
            self._watch.note(score, baseline, label)
            if self._drift is not None:
                error = abs(label - score)
                self._records += self._drift.note(outcome.time, outcome.values, error, label)
        try:
            self._learner.learn(outcome.values, label)
        except Exception:  # noqa: BLE001 (likewise)
            self._errors += 1
        self._baseline.learn(outcome.values, label)
        self._store.has_learned = True

    def _drop(self) -> None:
        """Forget the scores of moments that no outcome will follow.

        With several readers such a moment may still be to come, in a tick that is not complete.
        """
        gone, self._gone = self._gone, []
        for start in range(0, len(gone), LEARNED_AT_ONCE):
            some = gone[start : start + LEARNED_AT_ONCE]
            given = self._store.given.edit(dict.fromkeys(each.customer for each in some))
            for each in some:
                record = given.get(each.customer)
                place = each.place_in(record) if record else None
                if record and place:
                    del record.scores[place]
                elif self._parts:
                    self._gone.append(each)
            self._delete_empty(given)

    def _delete_empty(self, given: dict[str, Given]) -> None:
        for customer, record in given.items():
            if not record.scores:
                self._store.given.delete(customer)


def _about(drift: Record) -> str:
    """Say what has changed: ``error``, or ``input NAME``."""
    return " ".join(str(drift.data[key]) for key in ("what", "input") if key in drift.data)
