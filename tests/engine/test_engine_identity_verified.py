"""Whatever is linked: nothing is shared, lost or told twice, by inputs and outputs alone."""

from dataclasses import replace
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, assert_instances_match, engine, records
from oracle import Rules, drawn_segments, drawn_triggers
from oracle.drawn_identity import IDENTITY, mixed, newcomers
from oracle.identity_verifier import Verifier, instances_twice, not_counted_once
from oracle.shoppers import shoppers
from oracle.visits import visits
from oracle.writing import NOW_MS, event_line
from simulation import Outcome

STREAMS = st.one_of(
    shoppers(30), visits(30), shoppers(30, backwards=True), visits(30, backwards=True)
)


def findings(raw: list[bytes], rules: Rules, outcome: Outcome) -> list[str]:
    """Give all that the verifier finds in a run that was closed."""
    verifier = Verifier(raw, rules, now_ms=NOW_MS)
    sent, decided = records(outcome, "triggers"), records(outcome, "decisions")
    sessions, identity = records(outcome, "sessions"), records(outcome, "identity")
    return list(
        chain(
            verifier.shared([*sent, *decided]),
            verifier.beyond([*sent, *sessions]),
            verifier.merges(identity),
            verifier.refusals(identity),
            verifier.members(records(outcome, "segments")),
            instances_twice(decided),
            not_counted_once(sessions, outcome.counts["applied"]),
        )
    )


@settings(max_examples=60, deadline=None)
@given(
    raw=st.one_of(newcomers(STREAMS, copies=False), mixed(STREAMS, copies=False)),
    rules=st.one_of(drawn_triggers.rules(), drawn_segments.rules(retention=False)),
    sizes=SIZES,
    shards=st.sampled_from([1, 3]),
)
def test_nothing_is_shared_or_lost_or_told_twice(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int
) -> None:
    rules = replace(rules, identity=IDENTITY)
    outcome = engine(raw, rules, sizes, shards=shards, close=True)
    assert not findings(raw, rules, outcome)
    assert_instances_match(records(outcome, "triggers"), records(outcome, "decisions"))


def test_the_verifier_finds_what_must_not_be() -> None:
    """Without linking in the engine all is wrong that depends on it."""
    raw = [
        event_line(0, "Product Added", "a", customer="u1"),
        event_line(1, "Product Added", "b").replace(b'"userId":"u1"', b'"anonymousId":"a1"'),
        event_line(2, "identify", "c").replace(b'"track"', b'"identify","anonymousId":"a1"'),
        event_line(3, "Product Added", "d").replace(b'"userId":"u1"', b'"anonymousId":"a1"'),
    ]
    rules = Rules(
        disorder_ms=0,
        segments={"all": "session.events >= 1 or session.events is missing"},
        triggers={"first": {"on": "Product Added", "after_ms": 60_000}},
    )
    outcome = engine(raw, rules, [1], close=True)
    verifier = Verifier(raw, replace(rules, identity=IDENTITY), now_ms=NOW_MS)
    sent, sessions = records(outcome, "triggers"), records(outcome, "sessions")
    assert [*verifier.shared(sent)]
    assert [*verifier.beyond(sent)]
    assert [*verifier.beyond(sessions)]
    assert [*verifier.merges([])]
    assert [*verifier.members(records(outcome, "segments"))]
    assert [*instances_twice([*records(outcome, "decisions")] * 2)]
    assert [*not_counted_once(sessions, 5)]
