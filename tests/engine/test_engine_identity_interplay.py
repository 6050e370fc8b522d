"""Identity beside consent, hashed ids, journeys and restarts: each keeps what it promises."""

import json
from itertools import cycle
from typing import Any

import pytest
from test_engine_identity_cases import CART, DAY_MS, GAP_MS, IDENTITY, Stream, told
from test_engine_identity_hostile import played, simulation

from operators.heads import LineReader
from operators.minimize import Minimizer
from operators.privacy_plan import PrivacyPlan
from oracle import Rules
from oracle.writing import MINUTE_MS, NOW_MS

ASKS = Rules(
    gap_ms=GAP_MS,
    disorder_ms=0,
    consent={"default": "deny"},
    purposes={"profiling": "Functional", "channels": {"email": "Advertising"}},
    features={
        "adds": {"count": "Product Added"},
        "cart": {"recent": "properties.product_id", "of": "Product Added", "at_most": 20},
    },
    segments={"keen": "adds >= 2"},
    triggers={"cart": CART | {"channel": "email"}},
)
MARKER = "planted-marker"


def says(**preferences: bool) -> dict[str, Any]:
    return {"context": {"consent": {"categoryPreferences": preferences}}}


def bytes_of(run: Any) -> bytes:
    return b"".join(key + data for each in run.snapshot().shards for key, data in each.items())


@pytest.mark.parametrize("refused_first", [True, False])
@pytest.mark.parametrize("size", [1, 100])
def test_nothing_of_a_visitor_who_refuses_is_kept_or_becomes_the_customers(
    size: int, *, refused_first: bool
) -> None:
    """Whether they refuse from the beginning or after they had agreed."""
    stream = Stream()
    stream.event(0, "page", anonymous="a", **says(Functional=not refused_first))
    bought = {"properties": {"product_id": MARKER}}
    stream.event(1, "Product Added", anonymous="a", **bought)
    stream.event(2, "Product Added", anonymous="a", **bought)
    stream.event(3, "page", anonymous="a", **says(Functional=False))
    before = played(stream, ASKS, size)
    assert MARKER.encode() not in bytes_of(before)
    stream.event(4, "identify", anonymous="a", user="u").event(5, "Product Added", user="u")
    stream.event(100, "page", user="v")
    run = played(stream, ASKS, size)
    assert MARKER.encode() not in bytes_of(run)
    assert run.outcome.counts["merged"] == 1
    assert not [each for each in told(run.outcome, "segments") if each[0] == "u"]
    assert not [each for each in told(run.outcome, "sessions") if each[0] == "u"]
    assert told(run.outcome, "triggers") == []


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_visitor_permits_holds_for_the_customer(*, is_known: bool) -> None:
    stream = Stream()
    if is_known:
        stream.event(0, "page", user="u", **says(Functional=True, Advertising=False))
    stream.event(1, "page", anonymous="a", **says(Functional=True, Advertising=True))
    stream.event(2, "identify", anonymous="a", user="u").event(3, "Product Added", user="u")
    stream.event(100, "page", user="v")
    assert told(played(stream, ASKS).outcome, "triggers") == [("u", "00:23", "cart", "00:03")]


def test_what_the_customer_has_refused_last_holds_against_what_a_visitor_permitted() -> None:
    stream = Stream().event(1, "page", anonymous="a", **says(Functional=True, Advertising=True))
    stream.event(2, "page", user="u", **says(Functional=True, Advertising=False))
    stream.event(3, "identify", anonymous="a", user="u").event(4, "Product Added", user="u")
    outcome = played(stream.event(100, "page", user="v"), ASKS).outcome
    assert told(outcome, "triggers") == []
    assert ("u", "00:24", "cart", "suppressed", "consent") in told(outcome, "decisions")


def test_values_that_name_nobody_name_nobody_when_ids_are_hashed() -> None:
    paths = (("userId",), ("anonymousId",), ("previousId",))
    hides = Minimizer(PrivacyPlan(hash=paths), lambda text: f"hashed {text}", str)
    blocked = frozenset({"unknown"})
    identity = type(IDENTITY)(IDENTITY.customer, blocked, 200, DAY_MS)
    reader = LineReader(0, NOW_MS, identity, hides)
    stream = Stream().event(0, "page", user="unknown", anonymous="a")
    stream.event(1, "alias", user="u", previous="a").event(2, "page", anonymous="unknown")
    lines = reader.read(b"\n".join(stream.lines), file=0, line=1, offset=0)
    assert lines.customers == ["hashed a", "hashed u", ""]
    assert lines.names
    assert lines.names.anonymous[:2] == ["hashed a", "hashed a"]
    assert "blocked" in lines.rejected[2].reason


JOURNEY = {
    "on": "Product Added",
    "cancel": ["Order Completed"],
    "expires_ms": DAY_MS,
    "after_ms": 10 * MINUTE_MS,
    "then": [{"after_ms": 30 * MINUTE_MS}],
}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_journey_that_had_begun_goes_on_with_the_customer(size: int) -> None:
    rules = Rules(gap_ms=GAP_MS, disorder_ms=0, triggers={"journey": JOURNEY})
    stream = Stream().event(0, "Product Added", anonymous="a").event(15, "page", user="v")
    stream.event(16, "identify", anonymous="a", user="u").event(100, "page", user="v")
    outcome = played(stream, rules, size).outcome
    assert [each[:2] for each in told(outcome, "triggers")] == [("a", "00:10"), ("u", "00:40")]


def test_what_waits_for_the_end_of_quiet_hours_is_sent_once_and_to_the_customer() -> None:
    """The first event is at midnight."""
    rules = Rules(
        gap_ms=GAP_MS,
        disorder_ms=0,
        triggers={"cart": CART},
        quiet_hours={"from": "00:10", "to": "01:00", "zone": "UTC", "then": "hold"},
    )
    stream = Stream().event(0, "Product Added", anonymous="a").event(30, "page", user="v")
    stream.event(31, "identify", anonymous="a", user="u").event(100, "page", user="v")
    outcome = played(stream, rules).outcome
    assert told(outcome, "triggers") == [("u", "01:00", "cart", "00:00")]


def test_several_readers_link_the_same_wherever_the_link_is_read() -> None:
    """All watermarks stand still: what each reader says is known before anything is over."""
    rules = Rules(
        gap_ms=GAP_MS,
        disorder_ms=10 * DAY_MS,
        segments=ASKS.segments,
        features={"adds": {"count": "Product Added"}},
    )
    visits = Stream().event(0, "Product Added", anonymous="a")
    visits.event(1, "Product Added", anonymous="a")
    links = [
        json.dumps({**json.loads(line), "messageId": f"link-{n}"}).encode()
        for n, line in enumerate(Stream().event(5, "identify", anonymous="a", user="u").lines)
    ]
    outcomes = []
    for size in (1, 7):
        run = simulation(visits.lines, rules, more=[links])
        outcomes.append(run.run(cycle([size]), cycle([0, 0, 1])).sets())
    assert outcomes[0] == outcomes[1]
    merged = [json.loads(line)["data"] for line in outcomes[0]["identity"]]
    assert merged == [{"anonymous": "a", "customer": "u", "events": 2}]


def test_identity_switched_on_later_merges_what_was_kept_since() -> None:
    """What the visitor had done before is the visitor's and ends with it."""
    rules = Rules(
        gap_ms=GAP_MS,
        disorder_ms=0,
        segments=ASKS.segments,
        features={"adds": {"count": "Product Added"}},
    )
    stream = Stream().event(0, "Product Added", anonymous="a")
    stream.event(1, "Product Added", anonymous="a").event(2, "Product Added", anonymous="a")
    stream.event(3, "identify", anonymous="a", user="u").event(100, "page", user="v")
    run = simulation(stream.lines, rules, identity=None)
    run.step(2)
    run.identity = IDENTITY
    run.inputs = simulation(stream.lines, rules).inputs
    run = run.restarted()
    while run.step(1):
        pass
    assert told(run.outcome, "identity") == [("u", "00:03", "cartwheel.identity.merged", "a", 1)]
    assert [each[:4] for each in told(run.outcome, "segments")] == [
        ("a", "00:01", "entered", "keen"),
        ("a", "00:02", "left", "keen"),
    ]
