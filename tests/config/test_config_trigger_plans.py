"""From triggers, limits and quiet hours to the plans of the steps."""

from collections.abc import Callable

import msgspec
import pytest

from config import Config, format_duration
from config.arbitration import ALLOWED_MOST
from expressions import Tree, Type, normalized
from flows.job import plans_of
from flows.triggers import trigger_plans
from operators.arbitration import REMEMBERED_MOST
from operators.plans import (
    DecidePlan,
    HoldoutPlan,
    LimitPlan,
    Occurrence,
    PayloadField,
    QuietPlan,
    TriggerPlan,
)

LoadText = Callable[..., Config]

HOUR_MS = 3_600_000
SHOP = """
name: shop
session: {collect: {adds: {count: Product Added}}}
attributes: {file: crm.csv, customer: id, columns: {tier: text, age: number}}
features:
  cart_value: {sum: properties.price, of: Product Added, since: Order Completed}
  cart_items: {recent: properties.product_id, of: Product Added}
  last_order: {time: Order Completed}
segments:
  vip: cart_value > 100
triggers:
  cart:
    on: Product Added
    key: properties.cart_id
    where: event.properties.quantity > 0 and not segment.vip
    after: 30m
    cancel: [{enter: vip}, {on: Cart Cleared, where: event.properties.all}, Order Completed]
    when: cart_value >= 20 and trait.opted_in
    then:
      - {after: 24h, when: session.adds > 2, cancel: {leave: vip}, channel: sms, payload: {v: 5}}
      - {after: 48h, cancel: Order Completed, payload: {}}
      - after: 1h
    again: 24h
    restart: false
    enabled: false
    priority: 80
    channel: email
    tags: [discount, cart, cart]
    expires: 12h
    retract: 1h
    payload:
      value: cart_value
      ago: last_order
      wait: session.duration / 2
      items: cart_items
      name: coalesce(event.properties.name, attribute.tier)
      text: {template: "{{ trait.first_name }} {{ last_order }} {{ event.traits.x }}"}
  gone: {on: {leave: vip}, where: context.hour > 8, again: never}
  closed: {on: {session: closed}}
  absent: {on: any, where: event.name != 'page', after: 14d}
limits:
  - {channel: email, at_most: 3, per: 7d}
  - {at_most: 1, per: day, zone: UTC}
  - {tag: cart, trigger: gone, at_most: 1, per: week}
quiet_hours: {from: 21:00, to: "08:30", then: drop}
holdout: {share: 0.25%, salt: winter}
"""


@pytest.fixture
def decide(load_text: LoadText) -> DecidePlan:
    return plans_of(load_text(SHOP))[1]


def told(tree: Tree | None) -> str | None:
    return tree and normalized(tree)


def seen(occurrence: Occurrence) -> tuple[str, str, str | None]:
    return occurrence.kind, occurrence.name, told(occurrence.where)


def test_a_trigger_with_everything_is_compiled(decide: DecidePlan) -> None:
    cart = decide.triggers[0]
    where = "event.properties.quantity > 0 and not segment.vip"
    assert seen(cart.on) == ("event", "Product Added", where)
    assert (cart.name, cart.key, cart.tags) == (
        "cart",
        ("properties", "cart_id"),
        ("cart", "discount"),
    )
    assert (cart.again_ms, cart.restart, cart.enabled) == (24 * HOUR_MS, False, False)
    assert (cart.priority, cart.expires_ms, cart.retract_ms) == (80, 12 * HOUR_MS, HOUR_MS)
    waits = [format_duration(step.after_ms) for step in cart.steps]
    assert waits == ["30m", "1d", "2d", "1h"]


def test_steps_take_over_what_they_do_not_say(decide: DecidePlan) -> None:
    first, second, third, fourth = decide.triggers[0].steps
    of_all = [
        ("event", "Order Completed", None),
        ("enter", "vip", None),
        ("event", "Cart Cleared", "event.properties.all == true"),
    ]
    assert [seen(each) for each in first.cancel] == of_all
    assert [seen(each) for each in second.cancel] == [*of_all, ("leave", "vip", None)]
    assert third.cancel == fourth.cancel == first.cancel
    when = "cart_value >= 20 and trait.opted_in"
    assert [told(each.when) for each in (first, second, third, fourth)] == [
        *(when, "session.adds > 2", when, when),
    ]
    assert [each.channel for each in (first, second, third, fourth)] == [
        *("email", "sms", "email", "email"),
    ]
    assert [each.name for each in second.payload] == ["v"]
    assert third.payload == ()
    assert fourth.payload == first.payload


def test_a_payload_says_what_its_values_are(decide: DecidePlan) -> None:
    fields = {each.name: each for each in decide.triggers[0].steps[0].payload}
    assert list(fields) == ["value", "ago", "wait", "items", "name", "text"]
    assert {name: each.type for name, each in fields.items()} == {
        "value": Type.NUMBER,
        "ago": Type.TIME,
        "wait": Type.DURATION,
        "items": Type.LIST,
        "name": Type.ANY,
        "text": Type.ANY,
    }
    text = fields["text"]
    assert isinstance(text, PayloadField)
    assert text.template
    assert (text.value, text.types) == (None, {"last_order": Type.TIME})
    assert told(fields["name"].value) == "coalesce(event.properties.name, attribute.tier)"


def test_each_way_to_start_is_compiled(decide: DecidePlan) -> None:
    starts = {each.name: seen(each.on) for each in decide.triggers[1:]}
    assert starts == {
        "gone": ("leave", "vip", "context.hour > 8"),
        "closed": ("session", "", None),
        "absent": ("any", "", 'event.name != "page"'),
    }
    plain = decide.triggers[2]
    assert plain == TriggerPlan(
        name="closed",
        version=plain.version,
        on=Occurrence("session"),
        key=(),
        steps=plain.steps,
        again_ms=0,
        restart=True,
    )
    [step] = plain.steps
    assert (step.after_ms, step.when, step.cancel, step.channel, step.payload) == (
        *(0, None, (), "", ()),
    )


def test_what_holds_for_all_messages_is_compiled(decide: DecidePlan) -> None:
    assert decide.limits == (
        LimitPlan(
            *(3, "rolling"),
            per_ms=168 * HOUR_MS,
            channel="email",
            written="at most 3 per 7d, channel email",
        ),
        LimitPlan(1, "day", zone="UTC", written="at most 1 per day, zone UTC"),
        LimitPlan(
            *(1, "week"),
            trigger="gone",
            tag="cart",
            written="at most 1 per week, trigger gone, tag cart",
        ),
    )
    assert decide.quiet == QuietPlan(21 * HOUR_MS, 17 * HOUR_MS // 2, None, hold=False)
    assert decide.holdout == HoldoutPlan(2_500, "winter")


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("5%", 50_000),
        ("0%", 0),
        ("50%", 500_000),
        ("0.5%", 5_000),
        ("0.0001%", 1),
        ("7.25%", 72_500),
    ],
)
def test_a_share_is_counted_in_millionths(load_text: LoadText, text: str, millionths: int) -> None:
    config = load_text(f"name: shop\nholdout: {text}")
    assert plans_of(config)[1].holdout == HoldoutPlan(millionths, "shop")


def test_what_triggers_look_at_stands_in_rows(decide: DecidePlan) -> None:
    assert [each.name for each in decide.slots] == [
        *("cart_value", "cart_items", "last_order"),
        *("context.timezone", "trait.first_name", "trait.opted_in"),
        *("session.adds", "session.duration", "context.hour", "attribute.tier"),
    ]
    assert decide.attributes == ("tier",)


ROWS = [
    # what follows the triggers, the names in rows
    ("triggers: {t: {on: A}}", []),
    ("triggers: {t: {on: A, where: event.properties.a > 1, payload: {x: event.traits.b}}}", []),
    ("triggers: {t: {on: A, when: 'trait.a'}}", ["trait.a"]),
    ("triggers: {t: {on: A, cancel: {on: B, where: trait.a}}}", ["trait.a"]),
    ("triggers: {t: {on: A, then: [{after: 1h, payload: {x: trait.a}}]}}", ["trait.a"]),
    ("triggers: {t: {on: A, payload: {x: {template: '{{ trait.a }}'}}}}", ["trait.a"]),
    ("quiet_hours: {from: 21:00, to: 08:00}", []),
    ("triggers: {t: {on: A}}\nquiet_hours: {from: 21:00, to: 08:00}", ["context.timezone"]),
    ("triggers: {t: {on: A}}\nquiet_hours: {from: 21:00, to: 08:00, zone: UTC}", []),
    ("triggers: {t: {on: A}}\nlimits: [{at_most: 1, per: day}]", ["context.timezone"]),
    ("triggers: {t: {on: A}}\nlimits: [{at_most: 1, per: 1d}]", []),
    ("triggers: {t: {on: A}}\nlimits: [{at_most: 1, per: week, zone: UTC}]", []),
]


@pytest.mark.parametrize(("text", "names"), ROWS)
def test_rows_hold_what_is_looked_at_and_nothing_else(
    load_text: LoadText, text: str, names: list[str]
) -> None:
    profile, decide = plans_of(load_text(f"name: shop\n{text}"))
    assert [each.name for each in decide.slots] == names
    assert profile.has_rows == bool(names)


def test_the_plans_are_the_same_after_their_trip_to_the_workers(decide: DecidePlan) -> None:
    assert msgspec.json.decode(msgspec.json.encode(decide), type=DecidePlan) == decide


def test_triggers_stand_in_the_order_of_the_file(load_text: LoadText) -> None:
    names = [each.name for each in trigger_plans(load_text(SHOP))]
    assert names == ["cart", "gone", "closed", "absent"]


def test_as_many_messages_are_remembered_as_a_limit_may_let_out() -> None:
    assert REMEMBERED_MOST == ALLOWED_MOST
