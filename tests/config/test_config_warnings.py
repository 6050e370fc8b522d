"""What is allowed and yet probably not meant."""

from pathlib import Path

import pytest

from config import load_with_warnings
from config.event_names import SPEC_EVENTS, meant_by_another, meant_by_spec


def warnings_of(folder: Path, text: str) -> list[tuple[int, int, str]]:
    path = folder / "shop.yaml"
    path.write_text(text)
    return [(each.line, each.column, each.message) for each in load_with_warnings(path).warnings]


def test_a_config_that_means_what_it_says_has_none(tmp_path: Path) -> None:
    assert not warnings_of(
        tmp_path,
        """\
name: shop
session: {collect: {views: {count: Product Viewed}}}
features: {orders: {count: Order Completed, since: Newsletter Joined}}
segments: {buyers: orders > 0, not_buyers: not segment.buyers}
triggers: {t: {on: Product Added, cancel: [Order Completed, Cart Cleared]}}
""",
    )


def test_conditions_with_one_answer_are_noticed(tmp_path: Path) -> None:
    found = warnings_of(
        tmp_path,
        """\
name: shop
features: {a: {count: A}}
segments:
  never: a > 5 and a < 3
  always: {when: a >= 5 or not a >= 5}
  no_way_out: {enter: a > 5, leave: a == 1 and a == 2}
  fine: a > 5 or a < 3
""",
    )
    assert [(line, column) for line, column, _ in found] == [(4, 10), (5, 18), (6, 37)]
    assert found[0][2].startswith("segments.never: this can never be true: ")
    assert found[1][2].startswith("segments.always.when: this is always true: ")
    assert found[2][2].startswith("segments.no_way_out.leave: this can never be true: ")


def test_features_that_no_segment_looks_at_are_named_in_one_warning(tmp_path: Path) -> None:
    text = "name: s\nfeatures:\n  a: {count: A}\n  b: {count: A}\nsegments: {s: a > 1}"
    [(line, column, message)] = warnings_of(tmp_path, text)
    assert (line, column) == (4, 3)
    assert message == (
        "features.b: no segment, trigger or model looks at b;"
        " it is kept all the same, for explain to show"
    )
    [(line, column, message)] = warnings_of(tmp_path, text.replace("a > 1", "trait.x == 5"))
    assert (line, column) == (3, 3)
    assert message.startswith(
        "features.a: no segment, trigger or model looks at a, b; they are kept"
    )
    many = "".join(f"\n  f{n}: {{count: A}}" for n in range(15))
    [(_, _, message)] = warnings_of(tmp_path, f"name: s\nfeatures:{many}")
    assert "f8, f9 and 5 more;" in message


def test_events_that_read_like_durations_dates_and_paths_are_noticed(tmp_path: Path) -> None:
    found = warnings_of(
        tmp_path,
        """
name: s
features:
  a: {count: A, since: 30d}
  b: {count: A, since: 2026-01-01}
  c: {count: properties.price}
segments: {x: a > 1 and b > 1 and c > 1}
""".lstrip(),
    )
    assert [(line, column) for line, column, _ in found] == [(3, 24), (4, 24), (5, 14)]
    parts = ("is over: 30d meant", "no window begins at a date", "which take a path?")
    assert all(part in message for part, (_, _, message) in zip(parts, found, strict=True))


def test_events_that_look_like_slips_are_named_once_at_their_place(tmp_path: Path) -> None:
    found = warnings_of(
        tmp_path,
        """\
name: shop
session: {collect: {views: {count: Product View}, b: {sum: traits.a, of: order_completed}}}
features:
  a: {count: Product View, since: OrderCompleted}
  c: {last: traits.a, of: Newsletter Joined}
triggers: {t: {on: Newsletter Joinde, cancel: [Order Completed, Order Canceled]}}
segments: {s: a > 1 and c == 1}
""",
    )
    assert [(line, column) for line, column, _ in found] == [
        *((2, 36), (2, 74), (4, 35), (6, 20), (6, 65)),
    ]
    assert found[0][2] == (
        'session.collect.views.count: found "Product View", the Segment spec has "Product Viewed":'
        " is it meant?"
    )
    assert found[3][2] == (
        'triggers.t.on: found "Newsletter Joinde", and elsewhere "Newsletter Joined":'
        " are these two events?"
    )


TRIGGERS = """\
name: shop
features: {a: {count: A}, b: {count: B}}
segments: {nobody: a > 5 and a < 3, vip: a > 5}
triggers:
"""
OF_TRIGGERS = [
    # what stands at `t:`, column, the message
    (
        "{on: A, where: event.properties.x > 5 and event.properties.x < 3}",
        21,
        "triggers.t.where: this can never be true: ",
    ),
    ("{on: A, when: a > 5 and a < 3}", 20, "triggers.t.when: this can never be true: "),
    ("{on: A, when: a >= 5 or not a >= 5}", 20, "triggers.t.when: this is always true: "),
    (
        "{on: A, cancel: [B, {on: C, where: a > 5 and a < 3}]}",
        41,
        "triggers.t.cancel[1].where: this can never be true: ",
    ),
    (
        "{on: A, then: [{after: 1h, when: b > 5 and b < 3}]}",
        39,
        "triggers.t.then[0].when: this can never be true: ",
    ),
    (
        "{on: {enter: nobody}}",
        19,
        "triggers.t.on.enter: this never happens: nobody can enter this segment",
    ),
    ("{on: A, cancel: {leave: nobody}}", 30, "triggers.t.cancel.leave: this never happens: "),
    ("{on: A, when: segment.nobody}", 20, "triggers.t.when: segment.nobody can never be true: "),
    (
        "{on: {enter: vip}, cancel: {enter: vip}}",
        41,
        "triggers.t.cancel.enter: entering vip starts the trigger, so nothing would ever be sent",
    ),
    (
        "{on: {leave: vip}, cancel: [B, {leave: vip}]}",
        45,
        "triggers.t.cancel[1].leave: leaving vip starts the trigger",
    ),
    (
        "{on: A, retract: 1h}",
        23,
        "triggers.t.retract: with time.grace 0s no late event counts, so no message is ever taken",
    ),
    (
        "{on: {enter: vip}, payload: {v: event.properties.x}}",
        38,
        "triggers.t.payload.v: event.properties.x is always missing: no event starts this trigger",
    ),
    (
        "{on: {enter: vip}, payload: {v: {template: '{{ event.name }}'}}}",
        49,
        "triggers.t.payload.v.template: event.name is always missing: no event starts",
    ),
    (
        "{on: Product Add, cancel: B}",
        11,
        'triggers.t.on: found "Product Add", the Segment spec has "Product Added": is it meant?',
    ),
    (
        "{on: B, cancel: {on: Order Complete}}",
        27,
        'triggers.t.cancel.on: found "Order Complete", the Segment spec has "Order Completed"',
    ),
    (
        "{on: B, then: [{after: 1h, cancel: [C, Order Complete]}]}",
        45,
        'triggers.t.then[0].cancel[1]: found "Order Complete", the Segment spec has',
    ),
]


@pytest.mark.parametrize(("spec", "column", "start"), OF_TRIGGERS)
def test_what_is_probably_not_meant_in_a_trigger_is_noticed(
    tmp_path: Path, spec: str, column: int, start: str
) -> None:
    text = f"{TRIGGERS}  u: {{on: any, when: a > 1 and b > 1}}\n  t: {spec}"
    found = [each for each in warnings_of(tmp_path, text) if each[0] > 3]
    assert [each[:2] for each in found] == [(6, column)], found
    assert found[0][2].startswith(start)


def test_quiet_hours_that_outlast_a_message_are_noticed(tmp_path: Path) -> None:
    text = "name: s\nquiet_hours: {from: 21:00, to: 08:00}\ntriggers: {t: {on: A, expires: 10h}}"
    [(line, column, message)] = warnings_of(tmp_path, text)
    assert (line, column) == (3, 32)
    assert message == (
        "triggers.t.expires: found 10h, but the quiet hours take 11h:"
        " what is due when they begin is never sent"
    )
    for fine in (
        text.replace("10h", "11h"),
        text.replace("08:00", "08:00, then: drop"),
        text.replace(", expires: 10h", ""),
        text.replace("from: 21:00", "from: 01:00"),
    ):
        assert not warnings_of(tmp_path, fine)


@pytest.mark.parametrize(
    "trigger",
    [
        "{on: B, where: a > 1}",
        "{on: B, cancel: {on: C, where: a > 1}}",
        "{on: B, then: [{after: 1h, when: a > 1}]}",
        "{on: B, payload: {v: a}}",
        "{on: B, payload: {v: {template: '{{ a }}'}}}",
    ],
)
def test_features_that_a_trigger_looks_at_are_of_use(tmp_path: Path, trigger: str) -> None:
    text = f"name: s\nfeatures: {{a: {{count: A}}}}\ntriggers: {{t: {trigger}}}"
    assert not warnings_of(tmp_path, text)


MEANT = {
    "Product Veiwed": "Product Viewed",
    "product viewed": "Product Viewed",
    "product_viewed": "Product Viewed",
    "ProductViewed": "Product Viewed",
    "Products Added": "Product Added",
    "Order Complete": "Order Completed",
    "Order Canceled": "Order Cancelled",
    "Cart View": "Cart Viewed",
    "Checkout Starts": "Checkout Started",
    "Identify": "identify",
    "Page": "page",
}
OWN_NAMES = (
    *("Signed Up", "Signed In", "Cart Cleared", "Product Rated", "Checkout Abandoned"),
    *("Search", "A", "Заказ", "pages", "!!!", "", "Page Viewed", "Newsletter Joined"),
)


@pytest.mark.parametrize("name", MEANT)
def test_a_name_close_to_the_specs_is_noticed(name: str) -> None:
    assert meant_by_spec(name) == MEANT[name]


@pytest.mark.parametrize("name", [*SPEC_EVENTS, *OWN_NAMES])
def test_the_specs_names_and_names_of_ones_own_are_not(name: str) -> None:
    assert meant_by_spec(name) is None


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Newsletter Joined", "Newsletter Joinde"),
        ("Newsletter Joined", "Newsletter Joind"),
        ("Newsletter Joined", "newsletter-joined"),
        ("Newsletter Joined", "Newsletter Joinedd"),
    ],
)
def test_two_names_that_differ_by_a_letter_are_noticed(name: str, other: str) -> None:
    assert meant_by_another(name, ["Something Else", other]) == other
    assert meant_by_another(other, [name]) == name


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(("Newsletter Joined", "Newsletter Joined"), ("Step 1 Reached", "Step 2 Reached")),
        *(("Signed Up", "Signed In"), ("Subscribed", "Unsubscribed"), ("Go", "Do")),
        *(("Product Viewed", "Product Reviewed"), ("Заказ", "Показ")),
    ],
)
def test_two_names_that_may_well_be_two_events_are_not(name: str, other: str) -> None:
    assert meant_by_another(name, [other]) is None


def test_events_that_read_like_lists_segments_and_the_end_of_a_session_are_noticed(
    tmp_path: Path,
) -> None:
    found = warnings_of(
        tmp_path,
        """\
name: s
segments: {lapsed: trait.x == 1}
features: {a: {count: "Viewed, Added"}}
triggers:
  one: {on: lapsed, cancel: Session closed, when: a > 1}
  two: {on: Product Added, cancel: "Order Completed, Cart Cleared"}
  three: {on: "Product Viewed, Product Added"}
  cancel: {on: "Cart Viewed, Cart Shared"}
""",
    )
    assert [(line, column) for line, column, _ in found] == [
        *((3, 23), (5, 13), (5, 29), (6, 36), (7, 15), (8, 16))
    ]
    parts = (
        *("only cancel takes a list", "{enter: lapsed} or {leave: lapsed}?", "{session: closed}?"),
        "A list stands in brackets: [Order Completed, Cart Cleared]",
        *("only cancel takes a list", "only cancel takes a list"),
    )
    assert all(part in message for part, (_, _, message) in zip(parts, found, strict=True))


def test_a_name_in_single_braces_is_noticed_and_other_braces_are_not(tmp_path: Path) -> None:
    config = """\
name: s
features: {{a: {{count: A}}}}
triggers:
  t: {{on: A, payload: {{text: {{template: "{}"}}}}}}
"""
    [(line, column, message)] = warnings_of(tmp_path, config.format("{{ a }} of { a }"))
    assert (line, column) == (4, 41)
    assert message.endswith("{ a } stays as it stands: write {{ a }}")
    assert not warnings_of(tmp_path, config.format("{{ a }} {% if a %}{ b }{% endif %}{a, a}{{a}}"))


@pytest.mark.parametrize(
    ("trigger", "column"),
    [
        ("after: 1h, payload: {n: session.n}", 57),
        ("after: 1h, payload: {n: {template: 'a {{ session.n }}'}}", 68),
        ("then: [{after: 1h, payload: {n: session.n}}]", 65),
        ("payload: {n: session.n}", None),
        ("after: 0s, where: session.n > 1, when: session.start is missing", None),
    ],
)
def test_values_of_a_session_that_is_over_are_noticed_in_messages(
    tmp_path: Path, trigger: str, column: int | None
) -> None:
    text = f"""\
name: s
session: {{collect: {{n: {{count: A}}}}}}
triggers:
  then: {{on: {{session: closed}}, {trigger}}}
"""
    found = warnings_of(tmp_path, text)
    assert [(line, place) for line, place, _ in found] == ([(4, column)] if column else [])
    assert all("session.n is missing, or of the next session" in each for _, _, each in found)


MODELS = """\
name: shop
features: {views: {count: A}}
models:
  keen: {kind: baseline, predicts: B, within: 1h}
  spent: {kind: baseline, predicts: {sum: properties.price, of: B}, within: 1h}
segments:
  some: %s
triggers: {t: {on: A, when: views > 1}}
"""
NEVER, ALWAYS = "is never true:", "is true of everybody who has a score:"


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("score.keen > 60", NEVER),
        ("score.keen > 1", NEVER),
        ("1.5 <= score.keen", NEVER),
        ("score.keen < 0", NEVER),
        ("score.keen <= -1", NEVER),
        ("score.keen == 2", NEVER),
        ("score.keen < 70 / 10", ALWAYS),
        ("score.keen >= -0.5", ALWAYS),
        ("score.keen != 2", ALWAYS),
        ("views > 5 and not score.keen > 5", NEVER),
    ],
)
def test_a_score_that_is_held_against_what_it_cannot_be_is_noticed(
    tmp_path: Path, condition: str, told: str
) -> None:
    [(line, column, message)] = warnings_of(tmp_path, MODELS % condition)
    assert (line, column) == (7, 9)
    assert told in message
    assert message.endswith("the scores of keen lie between 0 and 1")
    text = MODELS.replace("when: views > 1", f'when: "{condition}"') % "views > 3"
    [(line, _, message)] = warnings_of(tmp_path, text)
    assert line == 8
    assert told in message


@pytest.mark.parametrize(
    "condition",
    [
        "score.keen > 0.99",
        "score.keen >= 0",
        "score.keen <= 1",
        "score.keen == 1",
        "score.keen > views",
        "score.spent > 60",
        "score.spent < -1",
        "views > 60",
        "score.keen > score.spent",
    ],
)
def test_what_a_score_can_be_is_not_noticed(tmp_path: Path, condition: str) -> None:
    assert not warnings_of(tmp_path, MODELS % condition)
