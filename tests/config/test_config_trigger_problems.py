"""What is said about wrong triggers, limits and quiet hours: each with its place."""

from collections.abc import Callable

import pytest

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

BEFORE = """name: shop
session: {collect: {adds: {count: Product Added}}}
attributes: {file: a.csv, customer: id, columns: {tier: text}}
features:
  cart_value: {sum: properties.price, of: Product Added}
  cart_items: {recent: properties.product_id, of: Product Added}
  last_order: {time: Order Completed}
segments:
  buyers: last_order is not missing
triggers:
  other: {on: Signed Up, channel: email, tags: [greeting], then: [{after: 1h, channel: sms}]}
"""
TRIGGERS = [
    # what stands at `t:`, column, parts of the message
    ("{on: }", 7, ["t.on: found nothing, expected an event's name, or a mapping"]),
    ("{on: 5}", 11, ["t.on: found 5, expected an event's name, or a mapping with exactly"]),
    ("{on: [A]}", 11, ["found a list, expected an event's name"]),
    ("{on: {enter: byers}}", 19, ['there is no segment "byers"; did you mean "buyers"?']),
    ("{on: {leave: nobody}}", 19, ['t.on.leave: there is no segment "nobody"']),
    ("{on: {enter: }}", 12, ["t.on.enter: found nothing, expected a segment's name"]),
    ("{on: {entre: buyers}}", 12, ['found "entre"', 'did you mean "enter"?']),
    ("{on: {}}", 11, ["found a mapping, expected exactly one of enter, leave, session"]),
    ("{on: {enter: buyers, leave: buyers}}", 27, ['found "leave", expected exactly one of']),
    ("{on: {enter: buyers, were: x}}", 27, ["t.on.were: unknown key; the keys here are enter"]),
    ("{on: {session: close}}", 21, ['found "close", expected closed; did you mean "closed"?']),
    ("{on: {enter: buyers}, key: traits.a}", 28, ["t.key: found with enter, goes with an event"]),
    ("{on: {session: closed}, key: traits.a}", 30, ["t.key: found with session, goes with"]),
    ("{on: A, where: cart_valu > 1}", 21, ['no cart_valu here; did you mean "cart_value"?']),
    ("{on: A, where: cart_value}", 21, ["is a number, where a condition is expected"]),
    ("{on: A, where: cart_value >}", 33, ["t.where: the expression ends where a value"]),
    ("{on: A, where: properties.a > 1}", 21, ['did you mean "event.properties.a"?']),
    ("{on: A, where: event.propertis.a > 1}", 21, ['did you mean "event.properties.a"?']),
    ("{on: A, where: event.nmae == 'x'}", 21, ['did you mean "event.name"?']),
    ("{on: A, where: event.properties is missing}", 21, ["name a field of it, such as event.pro"]),
    ("{on: A, where: context == 'x'}", 21, ["such as event.context.locale"]),
    ("{on: A, where: event.zzz == 'x'}", 21, ["an event has event.properties, event.context"]),
    ("{on: A, where: 'event.properties.a[].b > 1'}", 22, ["only the fields of a feature may"]),
    ("{on: A, where: score.x > 1}", 21, ["scores come with models, and there is none"]),
    ("{on: {enter: buyers}, where: event.properties.a > 1}", 35, ["there is no event here"]),
    ("{on: {session: closed}, where: event.name == 'A'}", 37, ["there is no event here"]),
    ("{on: A, when: event.properties.a > 1}", 20, ["when asks the customer at the due time"]),
    ("{on: A, when: properties.a > 1}", 20, ["of one event", "put it in where"]),
    ("{on: A, when: segment.byers}", 20, ['did you mean "segment.buyers"?']),
    ("{on: A, when: since(last_order) > 5}", 40, ["write a duration such as 5s"]),
    ("{on: A, when: }", 14, ["found nothing, expected a condition, as text"]),
    ("{on: A, again: once}", 21, ['did you mean "never"?']),
    ("{on: A, cancel: A}", 22, ["cannot cancel it too"]),
    ("{on: A, cancel: [B, {on: A}]}", 31, ["t.cancel[1].on: the event that starts the trigger"]),
    ("{on: A, cancel: any}", 22, ["found any, expected the name of one event"]),
    ("{on: A, cancel: {onn: B}}", 23, ['found "onn"', 'did you mean "on"?']),
    ("{on: A, cancel: {on: B, enter: buyers}}", 30, ['found "enter", expected exactly one of']),
    (
        "{on: A, cancel: {enter: buyers, where: last_order is missing}}",
        38,
        ["a where beside on only"],
    ),
    ("{on: A, cancel: {enter: byers}}", 30, ['t.cancel.enter: there is no segment "byers"']),
    ("{on: A, cancel: [{on: B, where: nope}]}", 38, ["t.cancel[0].where: there is no nope"]),
    ("{on: A, cancel: [{on: B, wher: x}]}", 31, ['wher: unknown key; did you mean "where"?']),
    ("{on: A, then: {after: 1h}}", 20, ["t.then: found a mapping, expected a list"]),
    ("{on: A, then: [{when: cart_value > 1}]}", 21, ['t.then[0]: the key "after" is missing']),
    ("{on: A, then: [{after: 1h, key: a}]}", 33, ["t.then[0].key: unknown key; the keys here"]),
    ("{on: A, then: [{after: 1h, when: nope > 1}]}", 39, ["t.then[0].when: there is no nope"]),
    ("{on: A, then: [{after: 400d}]}", 29, ["t.then[0].after: found 400d, expected less than"]),
    ("{on: A, then: [{after: 1h, cancel: {leave: x}}]}", 49, ['there is no segment "x"']),
    (f"{{on: A, then: [{', '.join(['{after: 1h}'] * 6)}]}}", 20, ["found 6, expected at most 5"]),
    ("{on: A, enabled: no}", 23, ['found "no", expected true or false']),
    ("{on: A, priority: 1001}", 24, ["found 1001, expected a whole number from 0 to 1000"]),
    ("{on: A, priority: -1}", 24, ["found -1"]),
    ("{on: A, channel: [sms]}", 23, ["t.channel: found a list, expected a name"]),
    ("{on: A, channel: }", 14, ["t.channel: found nothing, expected a name"]),
    ("{on: A, tags: cart}", 20, ['found "cart", expected a list of names']),
    ("{on: A, tags: [a b]}", 21, ['t.tags[0]: found "a b", expected a name']),
    (f"{{on: A, tags: {[f't{n}' for n in range(21)]}}}", 20, ["found 21, expected at most 20"]),
    ("{on: A, expires: 400d}", 23, ["t.expires: found 400d, expected less than retention"]),
    ("{on: A, retract: 400d}", 23, ["t.retract: found 400d, expected less than retention"]),
    ("{on: A, retract: soon}", 23, ['found "soon", expected a duration']),
    ("{on: A, payload: [a]}", 23, ["t.payload: found a list, expected a mapping"]),
    ("{on: A, payload: {v: }}", 24, ["v: found nothing, expected an expression such as"]),
    ("{on: A, payload: {v: .nan}}", 27, ["v: found .nan, expected an expression"]),
    ("{on: A, payload: {v: cart_valu}}", 27, ["v: there is no cart_valu", '"cart_value"']),
    ("{on: A, payload: {v: properties.a}}", 27, ['did you mean "event.properties.a"?']),
    ("{on: A, payload: {'a b': 5}}", 24, ['found "a b", expected a name of letters']),
    ("{on: A, payload: {v: 'Hi {{ trait.a }}'}}", 27, ["a text with {{ }} in it is written"]),
    ("{on: A, payload: {v: {tmplate: x}}}", 24, ['did you mean "template"?', "is missing"]),
    ("{on: A, payload: {v: {template: 5}}}", 38, ["found 5, expected a text of 1 to 10,000"]),
    ("{on: A, payload: {v: {template: '${V}'}}}", 38, ['found the value of "${V}"']),
]
TEMPLATES = [
    # the template, column in it from 1, parts of the message
    ("Hi {{ trait.name }}, {{ cart_valu }}", 25, ['no cart_valu here; did you mean "cart_value"?']),
    ("{{ event.properties }}", 4, ["event.properties is no value by itself: name a field of it"]),
    ("{{ event.traits | upper }}", 4, ["such as event.traits.country"]),
    ("{{ cart_value }} {{ event.propertis.a }}", 21, ['did you mean "event.properties.a"?']),
    ("{{ cart_value", 1, ["no template: unexpected end of template"]),
    ("a {% if cart_value %} b", 3, ["no template: Unexpected end of template"]),
    ("{{ cart_value | uper }}", 17, ['there is no filter uper; did you mean "upper"?']),
    ("{{ cart_value | xyz }}", 17, ["there is no filter xyz; there are upper, lower"]),
    ("{{ cart_items | join(1, 2) }}", 1, ["this filter is written join(between)"]),
    ("{{ cart_value is even }}", 18, ["there is no test even"]),
    ("{{ cart_value.upper() }}", 1, ["a template calls no functions"]),
    ("a {{ range(5) }}", 3, ["a template calls no functions"]),
    ("{{ 2 ** 99 }}", 1, ["there is no power operator"]),
    ("{% set x = 5 %}", 1, ["{% set %} is not possible"]),
    ("{% include 'x' %}", 1, ["a template stands alone"]),
    ("{% import 'x' as x %}", 1, ["a template stands alone"]),
    ("{% extends 'x' %}", 1, ["a template stands alone"]),
    ("{% macro x() %}{% endmacro %}", 1, ["a template has no macros"]),
    ("{% for a in cart_value %}{% endfor %}", 13, ["is a number, and a loop goes over a list"]),
    ("{% for a in cart_items %}{{ a.b }}{% endfor %}", 1, ["single values: a has no parts"]),
    ("{{ 1 < cart_value < 5 }}", 1, ["comparisons do not chain"]),
    ("{{ cart_items['a'] }}", 1, ["a whole number stands in [ ]"]),
    ("{{ cart_items[loop.index0] }}", 1, ["or loop.index0 inside a loop"]),
    ("{% for a in cart_items %}{{ cart_items[loop.index] }}{% endfor %}", 1, ["or loop.index0"]),
    ("{{ cart_value }", 1, ["a value stands between {{ and }}"]),
]


@pytest.mark.parametrize(("spec", "column", "parts"), TRIGGERS)
def test_a_wrong_trigger_is_told_with_its_place(
    problems_of: ProblemsOf, spec: str, column: int, parts: list[str]
) -> None:
    found = problems_of(f"{BEFORE}  t: {spec}", {"V": "{{ geheim"})
    assert all(line == 12 for line, _, _ in found)
    assert found[0][1] == column, found
    message = "\n".join(message for _, _, message in found)
    assert message.startswith("triggers.t")
    assert "geheim" not in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(("template", "column", "parts"), TEMPLATES)
def test_a_wrong_template_is_told_with_the_place_in_it(
    problems_of: ProblemsOf, template: str, column: int, parts: list[str]
) -> None:
    before = f"{BEFORE}  t:\n    on: A\n    payload:\n      v:\n        template: |\n"
    text = f"{before}          {template}"
    [(line, found_column, message)] = problems_of(text)
    assert (line, found_column) == (17, 10 + column), message
    assert message.startswith("triggers.t.payload.v.template: ")
    assert all(part in message for part in parts), message


def test_everything_wrong_in_a_template_is_told_with_its_line(problems_of: ProblemsOf) -> None:
    found = problems_of(
        BEFORE
        + """\
  t:
    on: A
    payload:
      text:
        template: |
          Hi {{ trait.first_name | uper }},
          {% for item in cart_items %}
            {{ item }} {{ itm }}
          {% endfor %}
          {{ cart_valu }} and {{ cart_valu }} again {{ properties.a }}
"""
    )
    assert [(line, column) for line, column, _ in found] == [
        *((17, 36), (19, 27), (21, 14), (21, 34), (21, 56)),
    ]


def test_a_template_may_look_at_the_customer_and_the_event_alike(
    load_text: Callable[..., object],
) -> None:
    load_text(f"""{BEFORE}  t:
    on: A
    payload:
      text: {{template: "{{{{ trait.a }}}} {{{{ event.properties.b }}}} {{{{ session.adds }}}}
        {{{{ attribute.tier }}}} {{{{ segment.buyers }}}} {{{{ last_order }}}}"}}
      list: cart_items
      time: last_order
      text2: '"a text"'
      constant: 5
      flag: true
    """)


def test_a_trigger_keeps_up_to_twenty_fields_of_its_event(problems_of: ProblemsOf) -> None:
    fields = "".join(f"\n      f{n}: event.properties.f{n % 20}" for n in range(25))
    fine = f"{BEFORE}  t:\n    on: A\n    payload:{fields}"
    [(line, column, message)] = problems_of(
        f"{fine}\n      text: {{template: 'a {{{{ event.properties.more }}}}'}}"
    )
    assert (line, column) == (40, 30)
    assert "up to 20 different fields" in message


OTHERS = [
    # what stands at the end of the file, column, the message
    ("limits: {at_most: 1}", 9, "limits: found a mapping, expected a list"),
    ("limits: [5]", 10, "limits[0]: found 5, expected a mapping"),
    ("limits: [{per: 1d}]", 10, 'limits[0]: the key "at_most" is missing'),
    ("limits: [{at_most: 1}]", 10, 'limits[0]: the key "per" is missing'),
    ("limits: [{at_most: 0, per: 1d}]", 20, "limits[0].at_most: found 0, expected a whole number"),
    ("limits: [{at_most: 1, per: dayly}]", 28, 'limits[0].per: found "dayly", expected day, week'),
    ("limits: [{at_most: 1, per: 0s}]", 28, 'limits[0].per: found "0s", expected a duration of'),
    ("limits: [{at_most: 1, per: 400d}]", 28, "limits[0].per: found 400d, expected less than ret"),
    (
        "limits: [{at_most: 1, per: 7d, zone: UTC}]",
        32,
        "limits[0].zone: found with per: 7d, goes with day and week only",
    ),
    (
        "limits: [{at_most: 1, per: day, zone: Europe/Berln}]",
        39,
        'limits[0].zone: found "Europe/Berln", expected customer, or a time zone such as',
    ),
    (
        "limits: [{at_most: 1, per: day, channel: emial}]",
        42,
        'limits[0].channel: no trigger has the channel "emial"; did you mean "email"?',
    ),
    (
        "limits: [{at_most: 1, per: day}, {at_most: 1, per: day, tag: greetin}]",
        62,
        'limits[1].tag: no trigger has the tag "greetin"; did you mean "greeting"?',
    ),
    (
        "limits: [{at_most: 1, per: day, trigger: othr}]",
        42,
        'limits[0].trigger: there is no trigger "othr"; did you mean "other"?',
    ),
    ("limits: [{at_most: 1, per: day, chanel: sms}]", 33, "limits[0].chanel: unknown key; did you"),
    ("quiet_hours:", 1, "quiet_hours: found nothing, expected a mapping"),
    ("quiet_hours: {from: 21:00}", 1, 'quiet_hours: the key "to" is missing'),
    (
        "quiet_hours: {from: 21:00, to: 24:00}",
        32,
        'quiet_hours.to: found "24:00", expected a time of day from "00:00" to "23:59"; did you',
    ),
    (
        "quiet_hours: {from: 9:00, to: 12:00}",
        21,
        'quiet_hours.from: found "9:00", expected a time of day from "00:00" to "23:59"; did you',
    ),
    ("quiet_hours: {from: 9, to: 12:00}", 21, "quiet_hours.from: found 9, expected a time of day"),
    ("quiet_hours: {from: 21:60, to: 12:00}", 21, 'quiet_hours.from: found "21:60", expected'),
    (
        'quiet_hours: {from: 21:00, to: "21:00"}',
        32,
        "quiet_hours.to: found 21:00 as in from, expected another time",
    ),
    (
        "quiet_hours: {from: 21:00, to: 08:00, zone: CET/x}",
        45,
        'quiet_hours.zone: found "CET/x", expected customer, or a time zone',
    ),
    ("quiet_hours: {from: 21:00, to: 08:00, then: wait}", 45, 'quiet_hours.then: found "wait"'),
    ("holdout:", 1, "holdout: found nothing, expected a share such as 5%"),
    (
        "holdout: 5",
        10,
        "holdout: found 5, expected a share from 0% to 50%, with at most four decimals; did",
    ),
    (
        "limits: [{at_most: 1, per: month}]",
        28,
        'limits[0].per: found "month", expected day, week or',
    ),
    ("holdout: 50.0001%", 10, 'holdout: found "50.0001%", expected a share from 0% to 50%'),
    ("holdout: 0.00001%", 10, 'holdout: found "0.00001%", expected a share'),
    ("holdout: {salt: x}", 1, 'holdout: the key "share" is missing'),
    ("holdout: {share: 5%, salt: ''}", 28, 'holdout.salt: found "", expected a text of 1 to 200'),
    ("holdout: {share: 5%, slat: x}", 22, 'holdout.slat: unknown key; did you mean "salt"?'),
]


@pytest.mark.parametrize(("text", "column", "start"), OTHERS)
def test_what_is_wrong_with_limits_quiet_hours_and_the_holdout_is_told(
    problems_of: ProblemsOf, text: str, column: int, start: str
) -> None:
    [(line, found_column, message)] = problems_of(BEFORE + text)
    assert (line, found_column) == (12, column), message
    assert message.startswith(start), message


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(problems_of: ProblemsOf) -> None:
    found = problems_of(
        BEFORE
        + """\
  t:
    on: {enter: byers}
    key: traits.a
    where: event.name == "A" and nope
    cancel: [{leave: nobody}, {on: B, where: nope}, any]
    when: event.name == "A"
    then: [{after: soon}, {when: nope}]
    tags: [a b, cart]
    payload: {a: nope, b: {template: "{{ nope | nope }}"}}
limits: [{tag: crt, at_most: 1, per: 1d}]
quiet_hours: {from: 21:00, to: 21:00}
"""
    )
    assert [(line, message.split(":")[0]) for line, _, message in found] == [
        (13, "triggers.t.on.enter"),
        (14, "triggers.t.key"),
        *[(15, "triggers.t.where")] * 2,
        (16, "triggers.t.cancel[0].leave"),
        (16, "triggers.t.cancel[1].where"),
        (16, "triggers.t.cancel[2]"),
        (17, "triggers.t.when"),
        (18, "triggers.t.then[0].after"),
        (18, "triggers.t.then[1]"),
        (18, "triggers.t.then[1].when"),
        (19, "triggers.t.tags[0]"),
        (20, "triggers.t.payload.a"),
        *[(20, "triggers.t.payload.b.template")] * 2,
        (21, "limits[0].tag"),
        (22, "quiet_hours.to"),
    ]


@pytest.mark.parametrize("text", ["00:00", '"00:00"', "23:59", "'08:30'"])
def test_a_time_of_day_may_stand_with_quotes_and_without(
    load_text: Callable[..., object], text: str
) -> None:
    load_text(f"name: s\nquiet_hours: {{from: 12:00, to: {text}}}")


MEANT = {"24:00": "00:00", "9:00": "09:00", "9": "09:00", "9.30": "09:30", "21:00:00": "21:00"}


@pytest.mark.parametrize("text", MEANT)
def test_the_time_of_day_that_was_meant_is_named(problems_of: ProblemsOf, text: str) -> None:
    [(_, _, message)] = problems_of(f"name: s\nquiet_hours: {{from: 12:34, to: '{text}'}}")
    assert message.endswith(f'did you mean "{MEANT[text]}"?')


def test_the_zone_and_the_share_that_were_meant_are_named(problems_of: ProblemsOf) -> None:
    [(_, _, zone), (_, _, share)] = problems_of("""\
        name: s
        quiet_hours: {from: 21:00, to: 08:00, zone: europe/berln}
        holdout: 7.5
        """)
    assert zone.endswith('did you mean "Europe/Berlin"?')
    assert share.endswith('did you mean "7.5%"?')


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("holdout: 0.1", "10%"),
        ("holdout: 0.7", "0.7%"),
        ("limits: [{at_most: 1, per: month}]", "30d"),
    ],
)
def test_the_share_and_the_time_that_were_meant_are_offered(
    problems_of: ProblemsOf, written: str, meant: str
) -> None:
    [(_, _, message)] = problems_of(f"name: shop\n{written}\n")
    assert message.endswith(f'did you mean "{meant}"?')
