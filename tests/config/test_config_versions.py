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
