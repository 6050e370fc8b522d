"""What ``consent:`` and ``purposes:`` may say, and what is said about mistakes in them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import Config, load_with_warnings
from flows.job import plans_of

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

BEFORE = """name: shop
features: {orders: {count: Order Completed}}
models: {intent: {kind: logistic_regression, predicts: Order Completed, within: 1d, from: [orders]}}
triggers: {cart: {on: Product Added, channel: email, then: [{after: 1h, channel: sms}]}}
"""
MISTAKES = [
    # the line behind it, column, parts of the message
    ("consent: {}", 1, ['consent: the key "default" is missing']),
    ("consent: {default: denny}", 20, ['found "denny"', 'did you mean "deny"?']),
    ("consent: {default: deny, regions: {DE: allow}}", 26, ["regions: goes with region only"]),
    ("consent: {default: deny, region: context.a}", 26, ["region: goes with regions only"]),
    ("consent: {default: deny, region: a, regions: {DE: deny}}", 34, ["consent.region: found"]),
    ("consent: {default: deny, gpc: }", 26, ["consent.gpc: found nothing"]),
    (
        "consent: {default: deny, gpc: {path: context.g}}",
        26,
        ['consent.gpc: the key "refuses" is missing'],
    ),
    ("purposes: {profiling: Analytics}", 1, ["purposes: goes with consent only"]),
]
OF_PURPOSES = [
    ("{profling: a}", 12, ["profling: unknown key", 'did you mean "profiling"?']),
    ("{profiling: }", 12, ["purposes.profiling: found nothing, expected a purpose's name"]),
    ("{profiling: [a]}", 23, ["purposes.profiling: found a list, expected a name"]),
    ("{channels: {emial: a}}", 23, ['no trigger has the channel "emial"', 'mean "email"?']),
    ("{channels: {smss: a}}", 23, ['no trigger has the channel "smss"', 'mean "sms"?']),
    ("{triggers: {crt: a}}", 23, ['there is no trigger "crt"; did you mean "cart"?']),
    ("{models: {intend: a}}", 21, ['there is no model "intend"; did you mean "intent"?']),
]


@pytest.mark.parametrize(("line", "column", "parts"), MISTAKES)
def test_a_mistake_is_told_with_its_place(
    problems_of: ProblemsOf, line: str, column: int, parts: list[str]
) -> None:
    [(at_line, at_column, message)] = problems_of(BEFORE + line)
    assert (at_line, at_column) == (5, column), message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(("purposes", "column", "parts"), OF_PURPOSES)
def test_a_mistake_in_purposes_is_told_with_its_place(
    problems_of: ProblemsOf, purposes: str, column: int, parts: list[str]
) -> None:
    text = f"{BEFORE}consent: {{default: deny}}\npurposes: {purposes}"
    [(line, at_column, message)] = problems_of(text)
    assert (line, at_column) == (6, column), message
    assert all(part in message for part in parts), message


def test_all_mistakes_are_told_at_once(problems_of: ProblemsOf) -> None:
    gpc = "gpc: {path: context.gpc, refuses: [Analitics, Other]}"
    text = f"{BEFORE}consent: {{default: yes, regions: {{DE: no}}, {gpc}}}\n"
    text += "purposes: {profiling: Analytics, models: {m: x}, channels: {e: 5}}"
    found = "\n".join(message for _, _, message in problems_of(text))
    for part in (
        'default: found "yes", expected one of deny, allow',
        'regions.DE: found "no", expected one of deny, allow',
        'refuses[0]: nothing under purposes names "Analitics"; did you mean "Analytics"?',
        'refuses[1]: nothing under purposes names "Other"',
        'there is no model "m"',
        'no trigger has the channel "e"',
        "channels.e: found 5, expected a name",
    ):
        assert part in found


def test_consent_that_nothing_asks_for_is_doubted(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(f"{BEFORE}consent: {{default: allow}}\n", encoding="utf-8")
    loaded = load_with_warnings(path, {})
    [warning] = [each for each in loaded.warnings if "consent" in each.message]
    assert warning.message == (
        "consent: no purpose is named under purposes, so nothing asks for consent"
    )
    assert plans_of(loaded.config)[0].consent is None


def test_the_plan_says_what_each_message_needs(load_text: Callable[..., Config]) -> None:
    regions = "regions: {DE: deny}, region: context.location.country"
    config = load_text(
        f"{BEFORE}consent: {{default: allow, {regions}}}\n"
        "purposes: {profiling: p, channels: {sms: s}, triggers: {cart: c}, models: {intent: p}}"
    )
    plan = plans_of(config)[1].consent
    assert plan is not None
    assert plan.purposes == ("p", "s", "c")
    assert plan.of_message("cart", "email") == {"p", "c"}
    assert plan.of_message("cart", "sms") == {"p", "c", "s"}
    assert plan.of_message("other", "") == {"p"}
    assert (plan.allows, plan.regions, plan.region) == (
        True,
        {"DE": False},
        ("context", "location", "country"),
    )


def test_without_consent_the_steps_are_not_told_of_any(load_text: Callable[..., Config]) -> None:
    profile, decide = plans_of(load_text(BEFORE))
    assert profile.consent is None
    assert decide.consent is None
