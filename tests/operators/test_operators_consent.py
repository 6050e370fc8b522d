"""What is read of preferences (N1), and what holds when (N2)."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from operators.consent import CHANGES_MOST, Consent, ConsentRules, refuse_others, repeats
from operators.consent_plan import ConsentPlan
from operators.fields import Body
from operators.preferences import PreferenceReader, Said
from operators.times import EventTime
from oracle.consent import Statement, permitted

PURPOSES = ("Analytics", "Advertising")
DENIES_IN_DE = {"DE": False, "US": True}


def plan(*, allows: bool = False, regions: Mapping[str, bool] | None = None) -> ConsentPlan:
    return ConsentPlan(
        allows=allows,
        regions=regions or {},
        region=("context", "region"),
        gpc=("context", "signals", "gpc"),
        gpc_refuses=("Advertising",),
        purposes=PURPOSES,
        profiling="Analytics",
        channels={},
        triggers={},
        models={},
    )


def read(context: object) -> Said:
    body = Body("track", context=msgspec.Raw(msgspec.json.encode(context)))
    return PreferenceReader(plan()).read(body)


@pytest.mark.parametrize(
    ("context", "purposes"),
    [
        (None, {}),
        ({}, {}),
        ({"consent": None, "consentManagement": None}, {}),
        ({"consent": {}}, {}),
        ({"consent": {"categoryPreferences": None}}, {}),
        ({"consent": {"categoryPreferences": {"Analytics": True}}}, {"Analytics": True}),
        ({"consent": {"categoryPreferences": {"Analytics": None, "Other": "x"}}}, {}),
        (
            {"consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}}},
            {"Analytics": True, "Advertising": False},
        ),
        (
            {"consentManagement": {"allowedConsentIds": ["Advertising"], "provider": "custom"}},
            {"Analytics": False, "Advertising": True},
        ),
        (
            {"consentManagement": {"allowedConsentIds": []}},
            {"Analytics": False, "Advertising": False},
        ),
        ({"consentManagement": {"deniedConsentIds": ["Advertising"]}}, {"Advertising": False}),
        ({"consentManagement": {"deniedConsentIds": []}}, {}),
        (
            {"consentManagement": {"allowedConsentIds": PURPOSES, "deniedConsentIds": PURPOSES}},
            {"Analytics": False, "Advertising": False},
        ),
        (  # a refusal in one spelling wins, whichever it is
            {
                "consent": {"categoryPreferences": {"Analytics": False, "Advertising": True}},
                "consentManagement": {"allowedConsentIds": ["Analytics"]},
            },
            {"Analytics": False, "Advertising": False},
        ),
        ({"signals": {"gpc": True}}, {"Advertising": False}),
        ({"signals": {"gpc": "1"}}, {"Advertising": False}),
        ({"signals": {"gpc": 1}}, {"Advertising": False}),
        ({"signals": {"gpc": False}}, {}),
        ({"signals": {"gpc": 0}}, {}),
        (
            {
                "signals": {"gpc": True},
                "consent": {"categoryPreferences": {"Advertising": True}},
            },
            {"Advertising": False},
        ),
    ],
)
def test_both_spellings_and_the_signal_are_read(context: object, purposes: object) -> None:
    assert read(context) == Said(purposes, None, is_readable=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "context",
    [
        "text",
        [],
        {"consent": "yes"},
        {"consent": {"categoryPreferences": ["Analytics"]}},
        {"consent": {"categoryPreferences": {"Analytics": "true"}}},
        {"consent": {"categoryPreferences": {"Analytics": True, "Advertising": 1}}},
        {"consentManagement": ["Analytics"]},
        {"consentManagement": {"allowedConsentIds": "Analytics"}},
        {"consentManagement": {"allowedConsentIds": PURPOSES, "deniedConsentIds": {}}},
        {"consent": {"categoryPreferences": {"Analytics": True}}, "consentManagement": 1},
    ],
)
def test_preferences_of_a_wrong_type_grant_nothing(context: object) -> None:
    assert read(context) == Said({}, None, is_readable=False)


@pytest.mark.parametrize(
    "context",
    [
        {"consent": {"categoryPreferences": {"Analytics": "true", "Advertising": False}}},
        {
            "consent": {"categoryPreferences": {"Advertising": False}},
            "consentManagement": {"deniedConsentIds": "Analytics"},
        },
        {"consent": 1, "consentManagement": {"deniedConsentIds": ["Advertising"]}},
        {"consentManagement": {"allowedConsentIds": 1, "deniedConsentIds": ["Advertising"]}},
        {"consentManagement": {"allowedConsentIds": ["Analytics"], "deniedConsentIds": {}}},
        {
            "consentManagement": {
                "allowedConsentIds": "Analytics",
                "deniedConsentIds": [0, "Advertising"],
            }
        },
    ],
)
def test_of_preferences_that_are_wrong_in_part_the_refusals_count(context: object) -> None:
    assert read(context) == Said({"Advertising": False}, None, is_readable=False)


@pytest.mark.parametrize(
    "context",
    [
        b'{"a":1e999,"consent":{"categoryPreferences":{"Analytics":"no","Advertising":false}}}',
        b'{"consent":{"b":1e999,"categoryPreferences":{"Analytics":1e999,"Advertising": false }}}',
        b'{"consentManagement":{"allowedConsentIds":[1e999,"Analytics"],"deniedConsentIds":1}}',
    ],
)
def test_no_number_that_is_none_takes_a_refusal_back(context: bytes) -> None:
    said = PreferenceReader(plan()).read(Body("track", context=msgspec.Raw(context)))
    assert said == Said({"Advertising": False}, None, is_readable=False)


def test_a_signal_or_a_region_of_a_wrong_type_leaves_the_preferences() -> None:
    said = {"consent": {"categoryPreferences": {"Analytics": True}}}
    for wrong in ({"signals": "x"}, {"signals": {"gpc": {}}}, {"region": 5}, {"region": ["DE"]}):
        assert read(said | wrong) == Said({"Analytics": True}, None, is_readable=False)


def test_the_region_is_read() -> None:
    assert read({"region": "DE"}) == Said({}, "DE", is_readable=True)
    assert read({"region": ""}).region is None


def test_what_is_nested_too_deeply_is_unreadable() -> None:
    deep = b'{"consent":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    said = PreferenceReader(plan()).read(Body("track", context=msgspec.Raw(deep)))
    assert said == Said({}, None, is_readable=False)


TIMES = st.integers(0, 12)
STATEMENTS = st.lists(
    st.builds(
        Statement,
        TIMES,
        st.dictionaries(st.sampled_from(PURPOSES), st.booleans(), max_size=2),
        st.sampled_from([None, None, "DE", "US"]),
        st.sampled_from(["a", "b"]),
    ).filter(lambda each: bool(each.purposes) or each.region is not None),
    max_size=14,
)


def kept(rules: ConsentRules, statements: list[Statement]) -> Consent:
    """Take in statements in this order, as the profile step does."""
    consent = Consent()
    for each in statements:
        said = Said(dict(each.purposes), each.region, is_readable=True)
        time = EventTime(each.time)
        if not repeats(consent, said, time):
            rules.note(consent, said, time, each.message_id or "")
    return consent


def spec(rules: ConsentPlan) -> dict[str, Any]:
    words = {True: "allow", False: "deny"}
    regions = {name: words[each] for name, each in rules.regions.items()}
    return {"default": words[rules.allows], "regions": regions}


@given(STATEMENTS, st.booleans())
def test_in_order_what_holds_is_the_oracles(statements: list[Statement], allows: bool) -> None:  # noqa: FBT001
    of = plan(allows=allows, regions=DENIES_IN_DE)
    rules = ConsentRules(of)
    statements.sort(key=lambda each: each.time)
    consent = kept(rules, statements)
    for purpose in PURPOSES:
        for time in range(-1, 14):
            holds = rules.permits(consent, purpose, EventTime(time))
            assert holds == permitted(statements, spec(of), purpose, time)
        since = rules.since(consent, purpose)
        assert (since is not None) == permitted(statements, spec(of), purpose, 99)
        if since is not None:
            assert all(
                permitted(statements, spec(of), purpose, time) for time in range(max(-1, since), 14)
            )


@given(STATEMENTS, st.booleans())
@example(  # a refusal between two statements that permit
    [
        Statement(1, {"Analytics": True}, None, "a"),
        Statement(5, {"Analytics": True}, None, "b"),
        Statement(3, {"Analytics": False}, None, "c"),
    ],
    False,
)
def test_out_of_order_nothing_is_permitted_that_is_not_by_the_oracle(
    statements: list[Statement],
    allows: bool,  # noqa: FBT001
) -> None:
    of = plan(allows=allows, regions=DENIES_IN_DE)
    rules = ConsentRules(of)
    consent = kept(rules, statements)
    for purpose in PURPOSES:
        for time in range(-1, 14):
            if rules.permits(consent, purpose, EventTime(time)):
                assert permitted(statements, spec(of), purpose, time)
        holds = rules.permits(consent, purpose, EventTime(99))
        assert holds == permitted(statements, spec(of), purpose, 99)


def test_a_refusal_out_of_order_holds_until_the_next_statement_known() -> None:
    rules = ConsentRules(plan())
    said = [
        Statement(time, {"Analytics": granted}, None, f"m{time}")
        for time, granted in ((1, True), (9, True), (5, False))
    ]
    consent = kept(rules, said)
    holds = [rules.permits(consent, "Analytics", EventTime(time)) for time in (0, 1, 4, 5, 8, 9)]
    assert holds == [False, True, True, False, False, True]
    [revoked] = rules.revocations(consent, "Analytics")
    assert (revoked.time, revoked.cause) == (5, "m5")


def test_the_smallest_message_id_is_the_cause_at_a_tie() -> None:
    rules = ConsentRules(plan(allows=True))
    for ids in (["b", "a"], ["a", "b"], ["", "a"]):
        said = [Statement(5, {"Analytics": False}, None, each) for each in ids]
        [revoked] = rules.revocations(kept(rules, said), "Analytics")
        assert revoked.cause == "a"


def test_at_most_so_many_changes_are_kept_and_before_them_all_is_refused() -> None:
    rules = ConsentRules(plan(allows=True, regions=DENIES_IN_DE))
    said = [
        Statement(time, {"Analytics": time % 2 == 0}, ("US", "DE")[time % 2], f"m{time}")
        for time in range(4 * CHANGES_MOST)
    ]
    consent = kept(rules, said)
    assert len(consent.purposes["Analytics"]) == CHANGES_MOST
    assert len(consent.regions) == CHANGES_MOST
    oldest = 4 * CHANGES_MOST - CHANGES_MOST + 1
    for purpose in PURPOSES:
        for time in range(-1, oldest):
            assert not rules.permits(consent, purpose, EventTime(time)), time
        for time in range(oldest, 4 * CHANGES_MOST):
            assert rules.permits(consent, purpose, EventTime(time)) == (time % 2 == 0), time
    # what comes later of the time that was folded away changes nothing of it
    late = Said({"Analytics": True}, "US", is_readable=True)
    rules.note(consent, late, EventTime(3), "late")
    assert not rules.permits(consent, "Analytics", EventTime(3))
    assert len(consent.purposes["Analytics"]) == CHANGES_MOST


def test_what_the_config_names_no_more_is_refused_and_told_once() -> None:
    rules = ConsentRules(plan(allows=True))
    consent = kept(rules, [Statement(1, {"Analytics": True, "Advertising": True}, None, "a")])
    assert not refuse_others(consent, PURPOSES)
    assert refuse_others(consent, ["Analytics"])
    assert not refuse_others(consent, ["Analytics"])
    assert rules.permits(consent, "Analytics", EventTime(2))
    assert not any(rules.permits(consent, "Advertising", EventTime(t)) for t in range(3))
    rules.note(consent, Said({"Advertising": True}, None, is_readable=True), EventTime(2), "b")
    assert rules.permits(consent, "Advertising", EventTime(2))
