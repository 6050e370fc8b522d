"""What is kept for models in profiles: old records stay readable, models come, go and change."""

from dataclasses import replace
from itertools import cycle
from typing import Any

import msgspec
import pytest
from moments_checks import ProfileAlone, alone, as_told, profile_plan, shop

from operators.profile_store import Profile
from oracle import Rules
from oracle.models import Told
from oracle.writing import HOUR_MS, event_line
from state.prefixes import Prefix

LINES = [event_line(at, "Product Viewed", f"m{at}") for at in range(6)]
"""The session of one customer, of which each event is a moment."""
LATER = [event_line(at, "Product Viewed", f"m{at}") for at in range(120, 123)]
END = [event_line(400, "page", customer="u2")]
NONE = replace(shop(), models={})


def with_model(**model: Any) -> Rules:
    return shop(at=["Product Viewed"], **model)


def stopped_after(lines: list[bytes], more: list[bytes], rules: Rules) -> ProfileAlone:
    """Let lines through, and be ready for more."""
    one = alone([*lines, *more], rules, shards=1, cache=2)
    for _ in lines:
        one.step(1)
    return one


def gone_on(one: ProfileAlone, rules: Rules) -> ProfileAlone:
    """Go on under other rules; what was told before is left out."""
    other = one.restarted(profile_plan(rules))
    assert isinstance(other, ProfileAlone)
    other.told = {}
    return other


def told(one: ProfileAlone) -> Told:
    one.run(cycle([2]))
    return as_told(one.told["m"])


def numbers(found: Told) -> list[int]:
    return [each.number for each in found.moments]


def stored(one: ProfileAlone, customer: str = "u1") -> Profile:
    """Read a customer's record as it is on disk."""
    [entries] = one.snapshot().shards
    records = [value for key, value in entries.items() if key.startswith(Prefix.PROFILE.key)]
    profiles = [msgspec.msgpack.decode(each, type=Profile) for each in records]
    return next(each for each in profiles if each.customer == customer)


def test_records_of_before_there_were_models_are_read_as_such_without_any() -> None:
    one = stopped_after(LINES, [*LATER, *END], NONE)
    snapshot = one.snapshot()
    old = {}
    for key, value in snapshot.shards[0].items():
        old[key] = value
        if key.startswith(Prefix.PROFILE.key):
            fields = msgspec.msgpack.decode(value)
            *fields, of_models, of_consent = fields
            *session, of_session = fields[7][0]
            assert (of_models, of_consent, of_session) == ({}, None, {})
            old[key] = msgspec.msgpack.encode([*fields[:7], [session], *fields[8:]])
    assert old != snapshot.shards[0]
    again = alone([*LINES, *LATER, *END], NONE, resume=replace(snapshot, shards=[old]))
    again.run(cycle([2]))
    one.run(cycle([2]))
    assert again.outcome.lines == one.outcome.lines
    assert len(one.outcome.lines["sessions"]) == 2
    assert again.snapshot() == one.snapshot()


def test_a_model_that_is_new_begins_with_the_events_after_the_change() -> None:
    one = gone_on(stopped_after(LINES[:3], [*LINES[3:], *END], NONE), with_model())
    found = told(one)
    assert numbers(found) == [1, 2, 3]
    [outcome] = found.outcomes
    assert outcome.number in {1, 2, 3}


def test_a_model_of_the_same_version_goes_on() -> None:
    one = stopped_after(LINES[:3], [*LINES[3:], *END], with_model())
    found = told(gone_on(one, with_model(shadow=True, threshold=0.9)))
    assert numbers(found) == [4, 5, 6]


@pytest.mark.parametrize("within", ["session", "1h"])
def test_a_model_of_another_version_begins_with_nothing(within: str) -> None:
    one = stopped_after(LINES, [*LATER, *END], with_model(within=within))
    found = told(gone_on(one, with_model(within=within, predicts="page")))
    assert numbers(found) == [1, 2, 3]
    assert len(found.outcomes) == 1  # none of the session before the change


@pytest.mark.parametrize("within", ["session", "1h", "4h"])
def test_nothing_is_learned_of_what_a_model_saw_by_another_definition_of_an_input(
    within: str,
) -> None:
    """One candidate is in an open session; with 4h one of the session before waits as well."""
    rules = with_model(within=within)
    one = stopped_after([*LINES, *LATER[:1]], [*LATER[1:], *END], rules)
    other = replace(rules, features={"views": {"sum": "properties.price", "of": "Product Viewed"}})
    [plan], [changed] = profile_plan(rules).models, profile_plan(other).models
    assert (plan.version, plan.inputs) == (changed.version, changed.inputs)
    found = told(gone_on(one, other))
    assert numbers(found) == [1, 2]
    assert len(found.outcomes) == 1
    [candidate] = [each for each in found.moments if each.number == found.outcomes[0].number]
    assert found.outcomes[0].values == candidate.values
    assert candidate.values == (0.0,)


def test_what_is_kept_for_a_model_that_is_gone_vanishes_with_the_next_event() -> None:
    rules = with_model(within="26h")
    one = stopped_after([*LINES, *LATER], [event_line(130, "Product Viewed")], rules)
    kept = stored(one)
    [(_, of_model)] = kept.models.items()
    assert (of_model.moments, len(of_model.waiting)) == (9, 1)
    assert [len(each.models) for each in kept.sessions] == [1]
    other = gone_on(one, replace(rules, models={}))
    assert stored(other).models == kept.models
    other.run(cycle([1]))
    assert other.told == {}
    kept = stored(other)
    assert kept.models == {}
    assert [each.models for each in kept.sessions] == [{}]


def test_the_timer_of_a_model_that_is_gone_does_no_harm() -> None:
    rules = with_model(within="2h")
    one = stopped_after(LINES, END, rules)
    two = gone_on(one, replace(rules, models={}))
    two.run(cycle([1]))
    assert stored(two).models == {}
    assert two.outcome.counts["sessions"] == 1


def test_of_a_session_that_was_told_and_of_a_customer_nothing_more_is_kept_than_counts() -> None:
    one = stopped_after([*LINES, *END], [], with_model())
    assert [len(each.outcomes) for each in [as_told(one.told["m"])]] == [1]
    kept = stored(one)
    [of_model] = kept.models.values()
    assert (of_model.moments, of_model.waiting, kept.sessions) == (6, [], [])


def test_a_customer_whose_outcome_waits_is_forgotten_with_the_timer() -> None:
    rules = replace(with_model(within="26h"), retention_ms=2 * HOUR_MS)
    end = event_line(3000, "page", customer="u2")
    one = stopped_after([*LINES, end], [], rules)
    assert [each.label for each in as_told(one.told["m"]).outcomes] == [None]
    [entries] = one.snapshot().shards
    of_u1 = [key for key in entries if key.endswith(b"u1")]
    assert of_u1 == []
