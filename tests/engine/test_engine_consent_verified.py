"""A verifier finds nothing that was not permitted; models neither score nor learn without it."""

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moments_checks import ProfileAlone, alone, with_models

from engine_checks import SIZES, engine, plans, records
from oracle import Rules, drawn_segments
from oracle.consent import permitted
from oracle.consent_verifier import Verifier
from oracle.drawn_consent import ALL_GRANTED, asking, spoken, with_contexts
from oracle.drawn_triggers import rules
from oracle.shoppers import shoppers
from oracle.visits import visits
from oracle.writing import HOUR_MS, event_line

NEVER_LATE_MS = 48 * HOUR_MS
REFUSED = {"consentManagement": {"allowedConsentIds": []}}
MODEL = {"kind": "logistic_regression", "predicts": "Order Completed", "from": ["views"]}


@settings(max_examples=40, deadline=None)
@given(
    raw=st.one_of(spoken(shoppers(backwards=True)), spoken(shoppers(late=True))),
    rules=asking(rules()),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
)
def test_nothing_is_sent_or_kept_that_is_not_permitted(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int
) -> None:
    rules = replace(rules, disorder_ms=NEVER_LATE_MS)
    outcome = engine(raw, rules, sizes, shards=shards, close=True)
    verifier = Verifier(raw, rules)
    assert not outcome.counts["late"]
    found = [*verifier.messages(records(outcome, "triggers"))]
    found += verifier.sessions(records(outcome, "sessions"))
    found += verifier.members(records(outcome, "segments"))
    assert not found
    decided = records(outcome, "decisions")
    instances = [each["data"]["instance"] for each in decided]
    assert len(set(instances)) == len(instances)


def test_the_verifier_finds_what_is_not_permitted() -> None:
    asks = Rules(
        disorder_ms=0,
        segments={"all": "session.events >= 1"},
        triggers={"first": {"on": "Product Added", "after_ms": 60_000}},
    )
    raw = [event_line(0, "Product Added", "a"), event_line(60, "page", "b")]
    outcome = engine(raw, asks, [1], close=True)
    denies: dict[str, Any] = {"consent": {"default": "deny"}, "purposes": {"profiling": "p"}}
    verifier = Verifier(raw, replace(asks, **denies))
    assert [*verifier.messages(records(outcome, "triggers"))]
    assert [*verifier.sessions(records(outcome, "sessions"))]
    entered = [each for each in records(outcome, "segments") if each["type"].endswith("entered")]
    assert [*verifier.members(entered[:1])]


@st.composite
def asking_for_models(draw: st.DrawFn) -> Rules:
    """Draw models that need a purpose, some of them beside profiling."""
    drawn = draw(with_models(drawn_segments.rules()))
    purposes: dict[str, Any] = {"models": dict.fromkeys(drawn.models, "Advertising")}
    if draw(st.booleans()):
        purposes["profiling"] = "Analytics"
    consent = {"default": draw(st.sampled_from(["allow", "deny"]))}
    # who is unseen for `retention` is forgotten with all they said: the verifier knows of no lives
    return replace(
        drawn,
        disorder_ms=NEVER_LATE_MS,
        retention_ms=None,
        consent=consent,
        purposes=purposes,
    )


@settings(max_examples=40, deadline=None)
@given(
    raw=spoken(visits()),  # out of order a moment may be later than the end of its session
    rules=asking_for_models(),
    sizes=SIZES,
    close=st.booleans(),
)
def test_no_model_learns_of_a_moment_that_is_not_permitted_until_it_is_told(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    run = alone(raw, rules, close=close)
    run.run(cycle(sizes))
    verifier = Verifier(raw, rules)
    for told in run.told.values():
        moments = [each for tick in told for each in tick.moments]
        for outcome in (each for tick in told for each in tick.outcomes):
            if outcome.label is None:
                continue
            about = outcome.customer, outcome.number
            moment = max(
                each.time
                for each in moments
                if (each.customer, each.number) == about and each.time <= outcome.time
            )
            for purpose in (
                "Advertising",
                *([rules.purposes["profiling"]] if "profiling" in rules.purposes else []),
            ):
                assert verifier.is_permitted(outcome.customer, purpose, moment, outcome.time)


@settings(max_examples=40, deadline=None)
@given(raw=spoken(visits()), rules=asking_for_models(), sizes=SIZES)
def test_no_model_scores_a_moment_that_is_not_permitted(
    *, raw: list[bytes], rules: Rules, sizes: list[int]
) -> None:
    run = alone(raw, rules)
    run.run(cycle(sizes))
    verifier = Verifier(raw, rules)
    moments = [each for told in run.told.values() for tick in told for each in tick.moments]
    for each in moments:
        said = verifier.said[each.customer].statements
        before = [one for one in said if one.time < each.time]
        at = [one for one in said if one.time == each.time]
        # of several events at that time the moment may be the first, and a refusal the last
        some = [
            permitted([*before, *at[:n]], rules.consent or {}, "Advertising", each.time)
            for n in range(len(at) + 1)
        ]
        assert any(some)


def models_of(run: ProfileAlone) -> tuple[list[int], list[tuple[int, float | None]]]:
    """Return the numbers of the moments that were told, and the outcomes."""
    [told] = run.told.values()
    moments = [each.number for tick in told for each in tick.moments]
    return moments, [(each.number, each.label) for tick in told for each in tick.outcomes]


def asks_for(within: str, **purposes: Any) -> Rules:
    return Rules(
        disorder_ms=0,
        features={"views": {"count": "Product Viewed"}},
        models={"m": {**MODEL, "within": within}},
        consent={"default": "deny"},
        purposes={"models": {"m": "Advertising"}, **purposes},
    )


@pytest.mark.parametrize("within", ["session", "1h"])
def test_what_waits_when_the_purpose_is_revoked_is_not_learned(within: str) -> None:
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in (0, 1, 2, 3, 300)]
    contexts = [None, ALL_GRANTED, None, REFUSED, None]
    run = alone(with_contexts(lines, contexts), asks_for(within), close=True)
    outcome = run.run(cycle([1]))
    moments, outcomes = models_of(run)
    assert moments == [1, 2]  # of minutes 1 and 2
    assert all(label is None for _, label in outcomes)
    assert outcomes
    assert outcome.counts["no_consent m"] == 3
    assert outcome.counts["applied"] == 5  # nobody needs consent to profiling here


def test_what_was_told_before_the_purpose_is_revoked_stays_learned() -> None:
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in (0, 200, 201)]
    run = alone(with_contexts(lines, [ALL_GRANTED, None, REFUSED]), asks_for("1h"), close=True)
    run.run(cycle([1]))
    assert models_of(run) == ([1, 2], [(1, 0.0), (2, None)])


def test_revoking_profiling_lets_go_of_what_models_wait_for() -> None:
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in (0, 1, 2)]
    rules = asks_for("1h", profiling="Analytics")
    run = alone(with_contexts(lines, [ALL_GRANTED, None, REFUSED]), rules, close=True)
    outcome = run.run(cycle([1]))
    moments, outcomes = models_of(run)
    assert moments == [1, 2]
    assert outcomes
    assert all(label is None for _, label in outcomes)
    assert outcome.counts["no_consent"] == 1
    [shard] = [each for each in run.snapshot().shards if each]
    assert not any(b"Product" in value for value in shard.values())


def test_without_consent_in_the_config_the_profile_step_has_no_gate() -> None:
    profile, _ = plans(Rules())
    assert profile.consent is None
    assert ProfileAlone([], profile).profiles[0]._gate is None
