"""Drift end to end: what the command tells of a stream whose customers change at a known moment."""

from pathlib import Path

import pytest

from bench.intent.changing import BEFORE, CHANGES, LINEAR, Ways
from bench.intent.drift import Found, measure

VISITS = 4000  # they change at the 2000th

pytestmark = pytest.mark.timeout(300)


def replayed(folder: Path, after: Ways) -> Found:
    return measure(folder / "run", VISITS, after, seed=1, models=[LINEAR])


def test_of_a_steady_stream_nothing_is_told(tmp_path: Path) -> None:
    found = replayed(tmp_path, BEFORE)
    assert list(found.told[LINEAR]) == []
    before, *after = found.losses[LINEAR]
    assert all(each == pytest.approx(before, abs=0.06) for each in after)


def test_what_made_an_order_likely_makes_it_unlikely_is_told_and_learned(tmp_path: Path) -> None:
    after = CHANGES["what made an order likely makes it unlikely"]
    found = replayed(tmp_path, after)
    (what, outcomes, hours), *_ = found.told[LINEAR]
    assert what == "error"
    assert 0 < outcomes < 600
    assert 0 < hours < 600 * 10 / 3600
    before, at_once, _, last = found.losses[LINEAR]
    assert at_once > before + 0.2
    assert last < before + 0.03


def test_orders_that_hardly_come_any_more_are_told_by_the_label(tmp_path: Path) -> None:
    """The error falls then, which alone is no change."""
    found = replayed(tmp_path, CHANGES["a third of the orders"])
    (what, outcomes, _), *more = found.told[LINEAR]
    assert what == "label"
    assert 0 < outcomes < 600
    assert "error" not in {each for each, _, _ in more}
