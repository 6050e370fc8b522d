"""The configs that the benchmark of features makes are right, and records are measured whole."""

from pathlib import Path

import pytest

from bench import rules
from bench.record_sizes import customer_sizes, feature_sizes
from bench.rules import write_features, write_segments
from bench.running import CONFIG, SHOP
from config import load
from flows.job import plans_of
from operators.features.kinds import KINDS
from replaying import simulate

SPECS = {**rules.features(), **rules.WITH_MORE}


@pytest.mark.parametrize("spec", SPECS.values(), ids=map(str, SPECS))
def test_a_config_with_more_features_differs_from_the_one_without_in_nothing_else(
    spec: str, tmp_path: Path
) -> None:
    base, _ = plans_of(load(write_features(tmp_path / "base.yaml", spec, 0)))
    more, _ = plans_of(load(write_features(tmp_path / "more.yaml", spec, 10)))
    assert base.has_rows
    of_base, of_more = ([*each.row.features, *each.session_features] for each in (base, more))
    assert len(of_more) == len(of_base) + 10
    assert [each for each in of_more if not each.name.startswith("more_")] == of_base


@pytest.mark.parametrize("condition", rules.SEGMENTS.values(), ids=rules.SEGMENTS)
def test_a_config_with_more_segments_keeps_the_same_features(
    condition: str, tmp_path: Path
) -> None:
    base, before = plans_of(load(write_segments(tmp_path / "base.yaml", condition, 0)))
    more, after = plans_of(load(write_segments(tmp_path / "more.yaml", condition, 10)))
    assert base.row.features == more.row.features
    assert len(after.segments) == len(before.segments) + 10


def test_every_kind_is_measured_with_every_window_that_it_goes_with() -> None:
    assert set(rules.features()) == {
        (name, window) for name, kind in KINDS.items() for window in kind.windows
    }


def test_the_config_of_the_engine_itself_has_no_features() -> None:
    profile, decide = plans_of(load(CONFIG))
    assert not profile.has_rows
    assert [each.name for each in decide.triggers] == ["cart_abandoned"]


def test_what_features_take_in_a_record_is_measured(tmp_path: Path) -> None:
    few, many = (feature_sizes(tmp_path / str(values), values) for values in (10, 200))
    assert set(few) == set(many) == {f"{kind}_{window}" for kind, window in rules.features()}
    assert few["count_all"] == 1  # a number below 128
    assert few["distinct_all"] >= 10 * 8  # a digest of each
    assert few["recent_all"] > 10 * len('"p0000"')
    assert many["count_sliding"] > 3 * few["count_sliding"]  # more of its panes have values
    assert many["recent_all"] == few["recent_all"]  # the last ten


def test_the_records_of_all_customers_are_measured(tmp_path: Path) -> None:
    events = simulate(tmp_path / "events.jsonl", events=500, users=50)
    found = customer_sizes(SHOP, events, tmp_path / "state")
    features = len(load(SHOP).features)
    for step in ("profile", "decide"):
        assert features < found[step].mean <= found[step].p99 <= found[step].largest, step
