"""Nothing that is not permitted is done, over long traffic of a whole shop, seed by seed."""

import json
import random
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from connectors.simulation.shop import Shop, simulate
from engine_checks import plans, records, simulation
from oracle import Rules
from oracle.consent_verifier import Verifier
from oracle.drawn_consent import PURPOSES, REGIONS, with_contexts
from oracle.writing import HOUR_MS, MINUTE_MS

SIZES = [1000, 7, 300, 50, 2000]
CART = {
    "on": "Product Added",
    "after_ms": 30 * MINUTE_MS,
    "cancel": ["Order Completed"],
    "channel": "email",
    "then": [{"after_ms": 24 * HOUR_MS, "channel": "push"}],
}
SHOP = Rules(
    disorder_ms=30 * 24 * HOUR_MS,  # nothing is late
    features={"views": {"count": "Product Viewed", "over": "1h"}},
    segments={"lookers": "views >= 3"},
    triggers={
        "cart": CART,
        "looked": {"on": {"enter": "lookers"}, "channel": "push", "again": 6 * HOUR_MS},
        "gone": {"on": {"session": "closed"}, "after_ms": HOUR_MS, "cancel": ["page"]},
        "ordered": {"on": "Order Completed", "channel": "service"},
    },
    quiet_hours={"from": "22:00", "to": "07:00", "zone": "UTC", "then": "hold"},
)


def asking(draw: random.Random) -> Rules:
    """Draw what needs which purpose."""
    purposes: dict[str, Any] = {
        "channels": {each: draw.choice(PURPOSES) for each in ("email", "push")},
        "triggers": {"gone": draw.choice(PURPOSES)},
    }
    if draw.random() < 0.8:
        purposes["profiling"] = "Analytics"
    consent: dict[str, Any] = {"default": draw.choice(["allow", "deny"])}
    if draw.random() < 0.5:
        consent |= {"regions": REGIONS, "region": "context.region"}
    if draw.random() < 0.5:
        named = [*purposes["channels"].values()]
        consent["gpc"] = {"path": "context.gpc", "refuses": named[:1]}
    return replace(SHOP, consent=consent, purposes=purposes)


def said(draw: random.Random) -> dict[str, Any] | None:
    """Draw what an event says; most customers permit most, and change their minds now and then."""
    if draw.random() < 0.7:
        return None
    chosen = {each: draw.random() < 0.75 for each in PURPOSES if draw.random() < 0.8}
    kinds: list[dict[str, Any]] = [
        {"consent": {"categoryPreferences": chosen}},
        {"consentManagement": {"allowedConsentIds": [name for name in chosen if chosen[name]]}},
        {"consentManagement": {"deniedConsentIds": [n for n in chosen if not chosen[n]]}},
        {"region": draw.choice(["DE", "US", "FR"])},
        {"gpc": draw.random() < 0.3},
        {"consent": draw.choice([None, "yes", [], {"categoryPreferences": 1}])},
    ]
    return draw.choices(kinds, [10, 3, 3, 2, 1, 1])[0]


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_done_that_is_not_permitted_in_long_traffic(seed: int) -> None:
    draw = random.Random(seed)
    rules = asking(draw)
    shop = Shop(50, 3000, seed, anonymous=0.0, disorder=0.3, late=0.05, duplicates=0.0)
    silent = [line.encode() for lines in simulate(shop) for line in lines]
    raw = with_contexts(silent, [said(draw) for _ in silent])
    run = simulation(raw, rules, shards=3, cache=20, close=True)
    size = cycle(SIZES)
    while run.step(next(size)):
        run = run.restarted()
    outcome = run.outcome
    verifier = Verifier(raw, rules)
    messages = records(outcome, "triggers")
    found = [*verifier.messages(messages)]
    found += verifier.sessions(records(outcome, "sessions"))
    found += verifier.members(records(outcome, "segments"))
    assert not found, (seed, len(found), found[0])
    assert outcome.counts["late"] == 0
    assert len(messages) > 20
    reasons = [each["data"]["reason"] for each in records(outcome, "decisions")]
    assert reasons.count("consent") >= 5
    assert plans(rules)[1].consent
    assert json.loads(raw[0])["userId"]
