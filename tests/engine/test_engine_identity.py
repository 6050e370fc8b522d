"""The engine links anonymous ids as the oracle does: whose events are, and what becomes of a past.

A customer who is new gets exactly what the anonymous id was; one who is known gets its events.
"""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import (
    SIZES,
    STOPPED,
    _as_text,
    assert_as_expected,
    assert_stops_change_nothing,
    engine,
    few_timers,
)
from oracle import Rules, drawn_late, drawn_segments, drawn_triggers
from oracle.drawn_consent import asking, spoken
from oracle.drawn_identity import IDENTITY, mixed, newcomers
from oracle.identity import run_identified
from oracle.records import merged_record, refused_record
from oracle.shoppers import shoppers
from oracle.streams import lines, rules
from oracle.visits import visits
from oracle.writing import NOW_MS

STREAMS = st.one_of(shoppers(), visits(), shoppers(backwards=True), shoppers(late=True))
RULES = st.one_of(drawn_triggers.rules(), drawn_segments.rules(retention=False))


def identified(rules: st.SearchStrategy[Rules]) -> st.SearchStrategy[Rules]:
    """Let rules link anonymous ids."""
    return rules.map(lambda each: replace(each, identity=IDENTITY))


def without_profiling(rules: Rules) -> Rules:
    """Let nobody be asked for profiling, whose revocation is no link's matter."""
    purposes = {name: each for name, each in rules.purposes.items() if name != "profiling"}
    left = {*purposes.get("channels", {}).values(), *purposes.get("triggers", {}).values()}
    consent = dict(rules.consent or {})
    if "gpc" in consent and not left.issuperset(consent["gpc"]["refuses"]):
        del consent["gpc"]
    return replace(
        rules, purposes=purposes or {"triggers": {"first": "Reminders"}}, consent=consent
    )


def assert_linked_as_expected(
    raw: list[bytes], rules: Rules, sizes: list[int], *, close: bool, shards: int = 4
) -> None:
    """Run both, with little in memory; check every output and every count."""
    with few_timers(4):
        outcome = engine(raw, rules, sizes, shards=shards, close=close, cache=4)
    found = run_identified(raw, rules, now_ms=NOW_MS, close=close)
    told = sorted(_as_text(json.loads(each)) for each in outcome.lines.get("identity", []))
    wanted = [*map(merged_record, found.merged), *map(refused_record, found.refused)]
    assert told == sorted(wanted)
    assert outcome.counts["refused_links"] == len(found.refused)
    assert outcome.counts["merged"] == len(found.merged)
    assert_as_expected(outcome, found.expected, rules)


@settings(max_examples=30, deadline=None)
@given(
    raw=newcomers(STREAMS, copies=False),
    rules=identified(RULES),
    sizes=SIZES,
    shards=st.sampled_from([1, 3, 4]),
    close=st.booleans(),
)
def test_a_new_customer_is_exactly_what_the_anonymous_id_was(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_linked_as_expected(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=30, deadline=None)
@given(
    raw=mixed(STREAMS),
    rules=identified(RULES),
    sizes=SIZES,
    shards=st.sampled_from([1, 3, 4]),
    close=st.booleans(),
)
def test_a_known_customer_gets_what_the_anonymous_id_did(
    *, raw: list[bytes], rules: Rules, sizes: list[int], shards: int, close: bool
) -> None:
    assert_linked_as_expected(raw, rules, sizes, shards=shards, close=close)


@settings(max_examples=20, deadline=None)
@given(
    raw=newcomers(spoken(shoppers())),
    rules=identified(asking(drawn_triggers.rules())).map(without_profiling),
    sizes=SIZES,
    close=st.booleans(),
)
def test_a_new_customer_permits_what_the_anonymous_id_did(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    assert_linked_as_expected(raw, rules, sizes, close=close)


@settings(max_examples=20, deadline=None)
@given(
    raw=newcomers(shoppers(late=True)),
    rules=identified(drawn_late.rules(arbitrated=True)),
    sizes=SIZES,
    close=st.booleans(),
)
def test_late_events_within_grace_are_part_of_the_past(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    assert_linked_as_expected(raw, rules, sizes, close=close)


@settings(max_examples=20, deadline=None)
@given(
    raw=newcomers(STREAMS, copies=False),
    rules=RULES,
    keep=st.sampled_from([{"events": 1}, {"events": 3}, {"for": "10m"}, {"for": "1h"}]),
    sizes=SIZES,
    close=st.booleans(),
)
def test_what_is_kept_is_all_that_counts(
    *, raw: list[bytes], rules: Rules, keep: dict[str, Any], sizes: list[int], close: bool
) -> None:
    rules = replace(rules, identity={**IDENTITY, "keep": keep})
    assert_linked_as_expected(raw, rules, sizes, close=close)


@settings(max_examples=20, deadline=None)
@given(
    raw=mixed(lines()), rules=identified(rules(retention=False)), sizes=SIZES, close=st.booleans()
)
def test_dead_letters_and_duplicates_are_nobodys_past(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    assert_linked_as_expected(raw, rules, sizes, close=close)


@settings(max_examples=20, deadline=None)
@given(
    inputs=st.lists(mixed(st.one_of(STREAMS, spoken(shoppers()))), min_size=1, max_size=2),
    rules=identified(st.one_of(RULES, asking(drawn_triggers.rules()), drawn_late.rules(), rules())),
    **STOPPED,
)
def test_restarts_change_nothing_of_who_is_who(**drawn: Any) -> None:
    assert_stops_change_nothing(**drawn)


@settings(max_examples=20, deadline=None)
@given(
    raw=mixed(st.one_of(STREAMS, spoken(shoppers()), lines())),
    rules=identified(st.one_of(RULES, asking(drawn_triggers.rules()), drawn_late.rules(), rules())),
    sizes=SIZES,
    close=st.booleans(),
)
def test_ticks_and_shards_change_nothing_of_who_is_who(
    *, raw: list[bytes], rules: Rules, sizes: list[int], close: bool
) -> None:
    one = engine(raw, rules, sizes, shards=1, close=close)
    other = engine(raw, rules, [1000], shards=5, close=close)
    assert one.sets() == other.sets()
    assert one.counts == other.counts


@settings(max_examples=30, deadline=None)
@given(raw=st.one_of(STREAMS, lines()), rules=st.one_of(RULES, rules()), sizes=SIZES)
def test_where_no_event_is_anonymous_linking_changes_nothing(
    *, raw: list[bytes], rules: Rules, sizes: list[int]
) -> None:
    raw = [line for line in raw if b'"anonymousId"' not in line]
    without = engine(raw, rules, sizes)
    linking = engine(raw, replace(rules, identity=IDENTITY), sizes)
    assert linking.lines == without.lines
    assert linking.counts == without.counts
