"""From config text to the plans of the steps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from config import Config, load, rule_version
from connectors.replay import RecordedFiles
from connectors.sinks import FilesOut
from expressions import normalized
from flows.job import Job, Options, compile_job, plans_of
from flows.rules import Rules, collect_plans, compile_rules
from operators.features.plan import WindowPlan
from operators.plans import RowPlan, SessionSlot

LoadText = Callable[..., Config]

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOP = """
name: shop
session:
  gap: 45m
  collect:
    views: {count: Product Viewed, where: event.properties.price > 10}
    revenue: {sum: properties.revenue, of: Order Completed}
attributes: {file: crm.csv, customer: id, columns: {tier: text, ltv: number}}
features:
  views_24h: {count: Product Viewed, over: 24h}
  adds_now: {count: Product Added, within: session}
  spend: {sum: "properties.products[].price * event.properties.products[].quantity",
          where: "event.properties.products[].price > 5", of: Order Completed, half_life: 30d}
  cart: {recent: properties.product_id, of: Product Added, since: Order Completed}
  tags: {distinct: "properties.meta.tags[]", per: 1w, zone: utc}
  today: {count: any, per: 1d}
  price_now: {max: properties.price, within: session}
  last_order: {time: Order Completed}
  rate: {rate: Order Completed}
segments:
  keen: segment.mobile and views_24h > 5 and adds_now > 0 and not segment.lapsed
  mobile: context.device == "mobile" or trait.device.kind == "phone"
  lapsed: {when: since(last_order) > 30d and context.hour < 12, hold: 7d}
  session: >
    session.duration > 2m and session.views > 0 and context.weekday == 1
    and since(session.start) > 1m and session.events > 1
  vip: {enter: attribute.ltv > 100, leave: attribute.tier == "none", for: 10m}
triggers:
  cart_abandoned: {on: Product Added, after: 30m}
"""


@pytest.fixture
def rules(load_text: LoadText) -> Rules:
    return compile_rules(load_text(SHOP))


def test_slots_stand_in_the_order_of_the_row(rules: Rules) -> None:
    of_profile = [each.name for each in rules.row.features]
    assert of_profile == [
        *("views_24h", "spend", "cart", "tags", "today", "last_order", "rate"),
        *("context.device", "trait.device.kind"),
    ]
    assert [each.name for each in rules.session_features] == ["adds_now", "price_now"]
    assert rules.row.session == (
        SessionSlot("value", 2),
        SessionSlot("value", 3),
        SessionSlot("duration"),
        SessionSlot("events"),
        SessionSlot("start"),
        SessionSlot("value", 0),
    )
    assert rules.row.clock == ("hour", "weekday")
    assert rules.attributes == ("ltv", "tier")
    assert [each.name for each in rules.slots] == [
        *of_profile,
        *("adds_now", "price_now"),
        *("session.duration", "session.events", "session.start", "session.views"),
        *("context.hour", "context.weekday", "attribute.ltv", "attribute.tier"),
    ]
    empty = {each.name for each in rules.slots if each.empty == 0}
    assert empty == {"views_24h", "spend", "tags", "today", "adds_now"}
    assert all(each.empty in {0, None} for each in rules.slots)


def test_each_window_and_value_is_compiled(rules: Rules) -> None:
    plans = {each.name: each for each in [*rules.row.features, *rules.session_features]}
    day = 86_400_000
    assert {name: each.window for name, each in plans.items() if "." not in name} == {
        "views_24h": WindowPlan("sliding", size_ms=day, pane_ms=day // 60),
        "adds_now": WindowPlan("session"),
        "price_now": WindowPlan("session"),
        "spend": WindowPlan("decay", size_ms=30 * day),
        "cart": WindowPlan("since", event="Order Completed"),
        "tags": WindowPlan("tumbling", zone="utc", period="week"),
        "today": WindowPlan("tumbling", zone="customer", period="day"),
        "last_order": WindowPlan("all"),
        "rate": WindowPlan("all"),
    }
    spend, cart, tags = plans["spend"], plans["cart"], plans["tags"]
    assert spend.each == ("properties", "products[]")
    assert normalized(spend.value) == (
        "event.properties.products[].price * event.properties.products[].quantity"
    )
    assert normalized(spend.where) == "event.properties.products[].price > 5"
    assert (spend.of, spend.at_most, cart.of, cart.at_most) == (
        "Order Completed",
        0,
        "Product Added",
        10,
    )
    assert (tags.each, tags.of, tags.at_most) == (("properties", "meta", "tags[]"), None, 64)
    assert (cart.each, cart.where) == ((), None)
    assert (plans["today"].of, plans["today"].value) == (None, None)
    device, trait = plans["context.device"], plans["trait.device.kind"]
    assert (device.kind, device.of) == (trait.kind, None) == ("last", None)
    assert normalized(device.value) == "event.context.device.type"
    assert (normalized(trait.value), trait.of) == ("event.traits.device.kind", "identify")


def test_sessions_collect_for_their_records_and_with_a_condition(load_text: LoadText) -> None:
    views, revenue = collect_plans(load_text(SHOP))
    assert (views.name, views.kind, views.of, views.value) == (
        "views",
        "count",
        "Product Viewed",
        None,
    )
    assert normalized(views.where) == "event.properties.price > 10"
    assert normalized(revenue.value) == "event.properties.revenue"
    assert views.window.kind in {"all", "session"}


def test_segments_come_after_those_they_look_at(load_text: LoadText) -> None:
    config = load_text(SHOP)
    rules = compile_rules(config)
    assert [each.name for each in rules.segments] == ["mobile", "lapsed", "keen", "session", "vip"]
    keen, vip = rules.segments[2], rules.segments[4]
    assert keen.uses == ("segment.mobile", "views_24h", "adds_now", "segment.lapsed")
    assert (keen.leave, keen.for_ms, keen.hold_ms) == (None, 0, 0)
    assert (vip.for_ms, rules.segments[1].hold_ms) == (600_000, 7 * 86_400_000)
    assert vip.leave
    assert normalized(vip.leave) == 'attribute.tier == "none"'
    assert vip.uses == ("attribute.ltv", "attribute.tier")
    assert {each.name: each.version for each in rules.segments} == {
        name: rule_version(each) for name, each in config.segments.items()
    }


def definitions(load_text: LoadText, text: str) -> dict[str, str]:
    return {each.name: each.definition for each in compile_rules(load_text(text)).segments}


def test_a_change_is_a_change_for_all_segments_that_look_at_it(load_text: LoadText) -> None:
    before = definitions(load_text, SHOP)
    changes = {
        "over: 24h": ("over: 48h", {"keen"}),
        "hold: 7d": ("hold: 8d", {"lapsed", "keen"}),
        '== "mobile"': ('== "tablet"', {"mobile", "keen"}),
        "price > 10": ("price > 11", {"session"}),
        "per: 1d": ("per: 1h", set()),
        "time: Order Completed": ("time: Order Refunded", {"lapsed", "keen"}),
        "after: 30m": ("after: 31m", set()),
    }
    for old, (new, changed) in changes.items():
        assert SHOP.count(old) == 1
        after = definitions(load_text, SHOP.replace(old, new))
        assert {name for name in before if before[name] != after[name]} == changed, old


def job_of(config: Config) -> Job:
    options = Options(
        RecordedFiles([["a"]], "time"),
        FilesOut("out"),
        4,
        readers=1,
        workers=1,
        tick_lines=9,
        now_ms=5,
    )
    return compile_job(config, options)


def test_a_job_is_the_same_after_its_trip_to_the_workers(load_text: LoadText) -> None:
    job = job_of(load_text(SHOP))
    assert job.profile.has_rows
    assert (job.profile, job.decide) == plans_of(load_text(SHOP))
    assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job


CONFIGS = [
    path for path in sorted(EXAMPLES.glob("shop/*.yaml")) if not path.stem.endswith("scenarios")
]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_examples_jobs_are_the_same_after_that_trip(path: Path) -> None:
    job = job_of(load(path))
    assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job
    kept = {each.name for each in [*job.profile.row.features, *job.profile.session_features]}
    assert set(load(path).features) <= kept


def test_a_job_names_the_kinds_of_outputs_that_its_rules_can_produce(load_text: LoadText) -> None:
    every = ["sessions", "triggers", "decisions", "segments", "late", "dead-letters"]
    assert job_of(load_text(SHOP)).kinds == every
    job = job_of(load_text("name: shop\nfeatures: {a: {count: A}}"))
    assert job.kinds == ["sessions", "late", "dead-letters"]
    assert job.profile.has_rows
    assert [each.name for each in job.profile.row.features] == ["a"]
    assert replace(job.profile.row, features=()) == RowPlan()
    assert not job_of(load_text("name: shop")).profile.has_rows
