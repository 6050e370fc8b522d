"""A customer who is forgotten counts moments anew: each pair has the score of its own moment."""

from dataclasses import replace
from itertools import cycle

import pytest
from model_simulation import WithModels
from moments_checks import shop
from rate_learner import PairWatch

from oracle.writing import MINUTE_MS, event_line

DAY = 24 * 60


def viewed(minute: float, customer: str, device: str) -> bytes:
    name = f"{customer}-{minute}"
    return event_line(minute, "Product Viewed", name, customer=customer, device=device)


@pytest.mark.parametrize("size", [1, 50])
def test_the_pairs_of_both_lives_are_learned_though_their_moments_have_one_number(
    size: int,
) -> None:
    rules = replace(
        shop(at=["Product Viewed"], within="1h", step="1d", **{"from": ["device"]}),
        features={"device": {"last": "properties.device"}},
        retention_ms=120 * MINUTE_MS,
    )
    raw = [
        viewed(0, "ann", "phone"),
        event_line(1, "Order Completed", "o", customer="ann"),
        viewed(2, "bob", "tablet"),
        viewed(DAY - 1, "dan", "phone"),  # the day before is learned with it
        viewed(DAY, "u1", "phone"),
        viewed(DAY + 190, "eve", "phone"),  # u1 is forgotten before it
        viewed(DAY + 200, "u1", "tablet"),
        viewed(2 * DAY, "cid", "phone"),
    ]
    run = WithModels(raw, rules)
    run.run(cycle([size]))
    watch = run.models["m"]._watch
    assert isinstance(watch, PairWatch)
    scores, labels = ([pair[part] for pair in watch.pairs] for part in (0, 2))
    assert scores == [0.5, 0.5, 0.5, 0.65, 0.65, 0.35]  # ann, bob, dan; u1, eve, u1 again
    assert labels == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
