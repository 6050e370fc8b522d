"""What makes a rule another one, and what does not."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import Config, Trigger, definition, rule_version

LoadText = Callable[..., Config]


CART = """
    name: shop
    triggers:
      cart:
        on: Product Added
        after: 1h
        cancel: Order Completed
"""
SAME = {
    "another order of keys": "{cancel: Order Completed, after: 1h, on: Product Added}",
    "another unit": "{on: Product Added, after: 60m, cancel: Order Completed}",
    "a list of one": "{on: Product Added, after: 1h, cancel: [Order Completed]}",
    "one event named twice": "{on: Product Added, after: 1h, "
    "cancel: [Order Completed, Order Completed]}",
    "quotes": "{\"on\": 'Product Added', after: '1h', cancel: \"Order Completed\"}",
    "defaults spelled out": "{on: Product Added, after: 1h, cancel: Order Completed,"
    " again: always, restart: true, key: null}",
    "a value of the environment": "{on: '${ON:-Product Added}', after: 1h,"
    " cancel: Order Completed}",
}
OTHER = {
    "another event": "{on: Product Viewed, after: 1h, cancel: Order Completed}",
    "another wait": "{on: Product Added, after: 61m, cancel: Order Completed}",
    "no cancel": "{on: Product Added, after: 1h}",
    "one more cancel": "{on: Product Added, after: 1h, cancel: [Order Completed, X]}",
    "a key": "{on: Product Added, after: 1h, cancel: Order Completed, key: traits.a}",
    "another again": "{on: Product Added, after: 1h, cancel: Order Completed, again: never}",
    "no restart": "{on: Product Added, after: 1h, cancel: Order Completed, restart: false}",
}


EVERYTHING = """
    on: Product Added
    where: event.properties.price > 5
    when: trait.opted_in
    cancel: [{on: Cart Cleared, where: event.properties.all}, {enter: vip}, Order Completed]
    then: [{after: 24h, when: trait.a == 1, cancel: B, channel: sms, payload: {a: 5}}, {after: 1h}]
    enabled: false
    priority: 80
    channel: email
    tags: [b, a]
    expires: 1h
    retract: 1h
    payload: {v: trait.x, t: {template: "Hi {{ trait.a }}"}}
"""
SEGMENTS = "segments: {vip: trait.points > 5, other: trait.points > 6}"
SAME_EVERYTHING = {
    "price > 5": "price   >   5.0",
    "where: event.properties.price": "where: (event.properties.price)",
    "{enter: vip}, Order Completed]": "Order Completed, {enter: vip}, {on: Order Completed}]",
    "tags: [b, a]": "tags: [a, b, a]",
    "after: 24h": "after: 1d",
    "{after: 1h}]": "{cancel: [], after: 60m}]",
    "cancel: B,": "cancel: {on: B},",
    '{v: trait.x, t: {template: "Hi {{ trait.a }}"}}': (
        "{t: {template: 'Hi {{ trait.a }}'}, v: (trait.x)}"
    ),
}
OTHER_EVERYTHING = {
    "on: Product Added": "on: any",
    "on: Product Added\n    where: event.properties.price > 5": "on: {enter: vip}",
    "price > 5": "price > 6",
    "when: trait.opted_in": "when: not trait.opted_in",
    "properties.all}": "properties.some}",
    "{enter: vip}": "{leave: vip}",
    "{enter: vip}, ": "{enter: other}, ",
    "trait.a == 1": "trait.a == 2",
    "cancel: B": "cancel: C",
    "channel: sms": "channel: push",
    "{a: 5}": "{a: 6}",
    ", payload: {a: 5}": "",
    "{after: 1h}": "{after: 2h}",
    ", {after: 1h}": "",
    "enabled: false": "enabled: true",
    "priority: 80": "priority: 81",
    "channel: email": "channel: mail",
    "[b, a]": "[b]",
    "expires: 1h": "expires: 2h",
    "retract: 1h": "retract: 2h",
    "v: trait.x": "v: trait.y",
    "v: trait": "w: trait",
    "Hi {{": "Hello {{",
}


def _only_trigger(config: Config) -> Trigger:
    [trigger] = config.triggers.values()
    return trigger


@pytest.mark.parametrize("how", SAME)
def test_another_way_of_writing_keeps_the_version(load_text: LoadText, how: str) -> None:
    trigger = _only_trigger(load_text(f"name: shop\ntriggers: {{cart: {SAME[how]}}}"))
    assert rule_version(trigger) == rule_version(_only_trigger(load_text(CART)))


def test_another_meaning_is_another_version(load_text: LoadText) -> None:
    versions = [rule_version(_only_trigger(load_text(CART)))]
    for text in OTHER.values():
        config = load_text(f"name: shop\ntriggers: {{cart: {text}}}")
        versions.append(rule_version(_only_trigger(config)))
    assert len(set(versions)) == len(OTHER) + 1


def _version_of_everything(load_text: LoadText, old: str = "", new: str = "") -> str:
    assert old in EVERYTHING
    trigger = EVERYTHING.replace(old, new, 1)
    return rule_version(
        _only_trigger(load_text(f"name: shop\n{SEGMENTS}\ntriggers:\n  t:{trigger}"))
    )


@pytest.mark.parametrize("old", SAME_EVERYTHING)
def test_another_way_of_writing_any_key_keeps_the_version(load_text: LoadText, old: str) -> None:
    assert _version_of_everything(load_text, old, SAME_EVERYTHING[old]) == _version_of_everything(
        load_text
    )


def test_another_meaning_of_any_key_is_another_version(load_text: LoadText) -> None:
    versions = [_version_of_everything(load_text)]
    versions += [_version_of_everything(load_text, *pair) for pair in OTHER_EVERYTHING.items()]
    assert len(set(versions)) == len(OTHER_EVERYTHING) + 1


def test_defaults_that_are_spelled_out_keep_the_version(load_text: LoadText) -> None:
    usual = "{on: A, enabled: true, priority: 0, tags: [], expires: 24h, retract: 0s, then: []}"
    versions = {
        rule_version(_only_trigger(load_text(f"name: shop\ntriggers: {{t: {text}}}")))
        for text in (usual, "{on: A}", "{on: A, payload: {}}")
    }
    assert len(versions) == 1


def test_a_version_stays_from_release_to_release(load_text: LoadText) -> None:
    trigger = _only_trigger(load_text(CART))
    assert definition(trigger) == (
        '{"after":3600000,"again":"always","cancel":["Order Completed"],'
        '"key":null,"on":"Product Added","restart":true}'
    )
    assert rule_version(trigger) == hashlib.sha256(definition(trigger).encode()).hexdigest()[:8]


def test_a_collected_value_is_defined_by_all_that_it_means(load_text: LoadText) -> None:
    collect = load_text("""
        name: shop
        session:
          collect:
            a: {count: Product Viewed}
            b: {of: Order Completed, sum: properties.revenue}
            c: {distinct: traits.x}
            d: {distinct: traits.x, at_most: 64}
            e: {last: traits.x}
            f: {first: traits.x}
    """).session.collect
    texts = {name: definition(spec) for name, spec in collect.items()}
    assert texts["a"] == '{"count":"Product Viewed"}'
    assert texts["b"] == '{"of":"Order Completed","sum":"properties.revenue"}'
    assert texts["c"] == texts["d"] == '{"at_most":64,"distinct":"traits.x","of":null}'
    assert len(set(texts.values())) == 5


@settings(deadline=None)
@given(
    cancel=st.lists(st.sampled_from("BCDE"), max_size=6),
    after_min=st.integers(0, 10_000),
    data=st.data(),
)
def test_order_and_units_never_matter(
    cancel: list[str], after_min: int, data: st.DataObject
) -> None:
    rule = {"on": "A", "after": f"{after_min}m", "cancel": cancel}
    same = {
        "cancel": data.draw(st.permutations(cancel)),
        "after": f"{after_min * 60_000}ms",
        "on": "A",
    }
    assert rule_version(Trigger.model_validate(rule)) == rule_version(Trigger.model_validate(same))
