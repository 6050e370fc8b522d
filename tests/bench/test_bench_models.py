"""The benchmark of models measures the example shop with models, and nothing else."""

from pathlib import Path

import pytest

from bench import model_step
from bench.models import EMITS, together
from bench.rules import write_models
from bench.running import SHOP
from config import load
from flows.job import plans_of
from replaying import simulate

EVENTS = 500


@pytest.mark.parametrize("emit", EMITS.values(), ids=EMITS)
def test_the_config_with_models_differs_from_the_shop_in_nothing_else(
    emit: str, tmp_path: Path
) -> None:
    _, shop = plans_of(load(SHOP))
    profile, decide = plans_of(load(write_models(tmp_path / "models.yaml", SHOP, emit)))
    assert decide.triggers == shop.triggers
    assert decide.segments == shop.segments
    assert [each.kind for each in profile.models] == [
        "logistic_regression",
        "tree.HoeffdingTreeClassifier",
    ]
    assert [each.at for each in profile.models] == [(), ("Product Added",)]
    assert {len(each.inputs) for each in profile.models} == {8}
    assert {each.moves for each in profile.models} == {None if emit == "moments" else 0.05}


def test_configs_side_by_side_are_given_the_same_events(tmp_path: Path) -> None:
    events = simulate(tmp_path / "events.jsonl", events=EVENTS, users=50)
    configs = {"shop": SHOP} | {
        name: write_models(tmp_path / f"{number}.yaml", SHOP, emit)
        for number, (name, emit) in enumerate(EMITS.items())
    }
    runs = together(configs, events, tmp_path / "state")
    assert [run.events for run in runs.values()] == [EVENTS] * 3
    assert all(run.cpu_us > 0 and run.wall_us > 0 for run in runs.values())
    shop, each_score, moved = (run.pipeline.counts for run in runs.values())
    assert shop.items() <= each_score.items()
    assert 0 < moved["scores intent"] < each_score["scores intent"] <= EVENTS
    assert each_score["scores buyer"] > 0


@pytest.mark.parametrize("learns", [False, True])
def test_the_step_is_measured_with_and_without_learning(
    monkeypatch: pytest.MonkeyPatch, *, learns: bool
) -> None:
    monkeypatch.setattr(model_step, "TICKS", 1)
    assert model_step.scores_per_s(learns=learns, rounds=1) > 0
    learned = [len(part.outcomes) for tick in model_step._ticks(learns=learns) for part in tick]
    first, then = sum(learned[12:24]), sum(learned[24:])
    assert first == -(-model_step.TICK_LINES // model_step.MOMENTS_EACH)
    assert then == (first if learns else 0)
