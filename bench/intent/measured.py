"""Measures one set: what each model's scores on the rest of it are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.intent import batch, chart, figures
from bench.intent.figures import Judge, Judged, Numbers
from bench.intent.pairs import Pair, Told, of_pairs, pairs_of, scores_in, scores_of, told
from bench.intent.sets import Events, replayed, shown
from bench.intent.tried import AS_IT_IS, TRIED
from operators.times import EventTime, format_time

ONLINE = "online: logistic regression"
BASELINE = "online: baseline"
FOREST = "online: adaptive random forest"
BATCH = "batch: logistic regression"
BOOSTED = "batch: gradient boosting"
FOREST_KIND = "forest.ARFClassifier"
MOST_FOR_FOREST = 5_000
"""Pairs; a forest takes minutes for more."""
WINDOW = 500
"""Pairs of which the figures over time are."""
EVERY = 20
_CLOSE = 1e-9


@dataclass(frozen=True)
class Measured:
    """All that is known of one set.

    Attributes:
        events: the set.
        told: what the model is told.
        pairs: in the order in which they are learned.
        first: those that batch models learn from.
        rest: those that all are measured on.
        online: the scores that models gave to all pairs as they came, by the model's name.
        scores: of the rest, by the model's name.
        judged: likewise.
    """

    events: Events
    told: Told
    pairs: Sequence[Pair]
    first: Sequence[Pair]
    rest: Sequence[Pair]
    online: Mapping[str, Numbers]
    scores: Mapping[str, Numbers]
    judged: Mapping[str, Judged]


def measure(events: Events, folder: Path) -> Measured:
    """Replay a set, train what it is held against, and judge them all on the rest."""
    out = replayed(events, folder)
    what = told(events.config, events.path)
    said = scores_in(out / "scores.jsonl")
    assert scores_of(what) == said, "the steps alone score every moment as the replay did"
    pairs = pairs_of(what)
    what = of_pairs(what, pairs)
    online = {ONLINE: np.array([said[each.at] for each in pairs])}
    others = {BASELINE: "baseline"}
    if len(pairs) <= MOST_FOR_FOREST:
        others[FOREST] = FOREST_KIND
    for name, kind in others.items():
        other = replace(what, plan=replace(what.plan, kind=kind, parameters={}))
        scores = scores_of(other)
        online[name] = np.array([scores[each.at] for each in pairs])
    _check(shown(events, folder), pairs, online)
    first, rest = figures.split(pairs)
    places = {each.at: place for place, each in enumerate(pairs)}
    of_rest = [places[each.at] for each in rest]
    inputs = what.plan.inputs
    scores = {name: each[of_rest] for name, each in online.items()}
    scores[BATCH] = batch.logistic(inputs, first, rest)
    scores[BOOSTED] = batch.boosted(inputs, first, rest)
    judge = Judge(rest)
    judged = {name: judge.judge(each, scores[ONLINE]) for name, each in scores.items()}
    return Measured(events, what, pairs, first, rest, online, scores, judged)


def tried(measured: Measured) -> dict[str, tuple[float, float]]:
    """Return the AUC and the log loss, on the rest, of each way to learn that was tried."""
    labels = np.array([each.label for each in measured.rest])
    found = {}
    for name, make in TRIED.items():
        said = scores_of(measured.told, make(measured.told.plan.inputs))
        scores = np.array([said[each.at] for each in measured.rest])
        if name == AS_IT_IS:
            assert np.abs(scores - measured.scores[ONLINE]).max() < _CLOSE, "River's own parts"
        ones = np.ones(len(labels))
        auc = figures.weighted_auc(scores, labels, ones)
        found[name] = auc, float(figures.losses(scores, labels).mean())
    return found


def picture(measured: Measured) -> str:
    """Draw scores against what came, and AUC and log loss over time."""
    names = (ONLINE, BASELINE, BATCH, BOOSTED)
    labels = np.array([each.label for each in measured.rest])
    bins = {name: figures.reliability(measured.scores[name], labels) for name in names}
    del bins[BASELINE]  # it says about the same of everybody
    n = min(each.n for each in bins[ONLINE])
    order = sorted(range(len(measured.pairs)), key=lambda place: measured.pairs[place].time)
    times = [measured.pairs[place].time for place in order]
    ends = _short(times[0]), _short(times[-1])
    aucs, losses = {}, {}
    for name in names:
        aucs[name], losses[name] = _lines(measured, name, order)
    dots = {name: bins.get(name, []) for name in names}
    panels = [
        chart.legend(names),
        chart.reliability(
            f"How often they ordered; each dot a tenth of the rest ({n:,} pairs)",
            dots,
            "by the score that they were given",
        ),
        chart.over_time(f"AUC of the last {WINDOW:,} pairs", ends, aucs, 0.3),
        chart.over_time(f"Log loss of the last {WINDOW:,} pairs", ends, losses, 0.0),
    ]
    return chart.drawn(f"{measured.events.name}: how well intent is predicted", panels)


def _lines(measured: Measured, name: str, order: Sequence[int]) -> tuple[chart.Line, chart.Line]:
    """Return AUC and log loss over time; batch models begin with the rest."""
    if name in measured.online:
        pairs = [measured.pairs[place] for place in order]
        scores = measured.online[name][list(order)]
    else:
        places = sorted(range(len(measured.rest)), key=lambda place: measured.rest[place].time)
        pairs = [measured.rest[place] for place in places]
        scores = measured.scores[name][places]
    labels = np.array([each.label for each in pairs])
    rank = {measured.pairs[place].at: number for number, place in enumerate(order)}
    ends = [rank[each.at] / len(order) for each in pairs[WINDOW - 1 :: EVERY]]
    auc = figures.rolling_auc(scores, labels, WINDOW, EVERY)
    loss = figures.rolling(figures.losses(scores, labels), WINDOW)[::EVERY]
    return chart.Line(ends, auc.tolist()), chart.Line(ends, loss.tolist())


def _check(report: str, pairs: Sequence[Pair], online: Mapping[str, Numbers]) -> None:
    """Assert that the pairs are those that the engine has measured itself by."""
    (model,) = msgspec.json.decode(report)["models"].values()
    labels = np.array([each.label for each in pairs])
    told: Any = model["quality"]["all_time"]
    assert told["n"] == len(pairs), "no pair is missing"
    own = {
        "auc": figures.weighted_auc(online[ONLINE], labels, np.ones(len(pairs))),
        "log_loss": float(figures.losses(online[ONLINE], labels).mean()),
        "of the baseline": float(figures.losses(online[BASELINE], labels).mean()),
    }
    engine = {**told, "of the baseline": told["baseline"]["log_loss"]}
    for name, figure in own.items():
        assert abs(engine[name] - figure) < _CLOSE, name


def _short(time: EventTime) -> str:
    return format_time(time)[:16].replace("T", " ")
