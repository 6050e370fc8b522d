"""The oracle of identity against the one without: no links, and links that are known beforehand."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import Expected, Rules, drawn_late, drawn_segments, drawn_triggers, run
from oracle.drawn_consent import asking, spoken
from oracle.drawn_identity import newcomers, relabelled
from oracle.identity import run_identified
from oracle.records import (
    canonical,
    change_record,
    decision_record,
    message_record,
    retraction_record,
    session_record,
)
from oracle.shoppers import shoppers
from oracle.streams import lines, rules
from oracle.writing import NOW_MS

NAMELESS: dict[str, str] = defaultdict(str)


def written(expected: Expected) -> dict[str, list[str]]:
    """Write all that comes out in one fixed form, and in no order."""
    return {
        "sessions": sorted(map(session_record, expected.sessions)),
        "retracted": sorted(canonical(vars(one)) for one in expected.retracted),
        "decisions": sorted(decision_record(one, NAMELESS) for one in expected.decisions),
        "messages": sorted(message_record(one, NAMELESS) for one in expected.sent),
        "retractions": sorted(retraction_record(one, NAMELESS) for one in expected.retractions),
        "changes": sorted(change_record(one, NAMELESS) for one in expected.changes),
        "superseded": sorted(map(str, expected.superseded.items())),
    }


@settings(max_examples=30, deadline=None)
@given(
    drawn=st.one_of(
        st.tuples(spoken(shoppers()), asking(drawn_triggers.rules())),
        st.tuples(shoppers(late=True), drawn_late.rules(arbitrated=True)),
        st.tuples(lines(), rules()),
    ),
    close=st.booleans(),
)
def test_where_nothing_is_linked_it_is_the_other_oracle(
    *, drawn: tuple[list[bytes], Rules], close: bool
) -> None:
    raw, rules = drawn
    raw = [each for each in raw if b'"anonymousId"' not in each]
    expected = run(raw, rules, now_ms=NOW_MS, close=close)
    found = run_identified(raw, replace(rules, identity={}), now_ms=NOW_MS, close=close).expected
    assert found.counts == expected.counts
    assert written(found) == written(expected)


IN_ONE = {"a1": "u1", "a2": "u2"}


@settings(max_examples=40, deadline=None)
@given(
    raw=newcomers(st.one_of(shoppers(), shoppers(backwards=True)), lend=False),
    rules=st.one_of(drawn_triggers.rules(), drawn_segments.rules(retention=False)),
    close=st.booleans(),
)
def test_an_anonymous_past_and_its_customer_together_are_as_if_known_from_the_start(
    *, raw: list[bytes], rules: Rules, close: bool
) -> None:
    """Each message, session and change is of the one or the other; none is lost, none twice."""
    rules = replace(rules, holdout=None)
    expected = run(relabelled(raw, IN_ONE), rules, now_ms=NOW_MS, close=close)
    found = run_identified(raw, replace(rules, identity={}), now_ms=NOW_MS, close=close).expected
    both = written(in_one(found))
    union = written(in_one(expected))
    for kind in ("sessions", "decisions", "messages", "changes"):
        assert both[kind] == union[kind], kind


def in_one(expected: Expected) -> Expected:
    """Say of all that an anonymous id has that it is the customer's; leave out what merging is."""

    def of(name: str) -> str:
        return IN_ONE.get(name, name)

    return replace(
        expected,
        sessions=[replace(one, customer=of(one.customer)) for one in expected.sessions],
        decisions=[
            replace(one, customer=of(one.customer))
            for one in expected.decisions
            if one.reason != "merged"
        ],
        changes=[
            one._replace(customer=of(one.customer), number=0)
            for one in expected.changes
            if one.origin != "merge"
        ],
    )
