"""J6 to J8 by hand: what becomes of an anonymous past."""

from typing import Any

import pytest
from identity_cases import (
    ADD,
    ADDS,
    changes,
    decisions,
    line,
    link,
    merged,
    of_a,
    of_u,
    sessions,
    worked,
)

from oracle import run
from oracle.rules import Rules
from oracle.writing import MINUTE_MS, NOW_MS

# J6 and J7: a customer who has no profile


def test_j6_a_new_customer_is_what_the_anonymous_id_was() -> None:
    found = worked(
        *(of_a(0), of_a(5), link(10), of_a(15), of_a(200, "page")),
        features=ADDS,
        segments={"two": "adds >= 2", "three": "adds >= 3"},
        triggers={"cart": ADD},
    )
    assert changes(found) == [
        ("A", "two", 1, "entered", 5, "event"),
        ("A", "two", 2, "left", 5, "merge"),
        ("U", "three", 1, "entered", 15, "event"),
        ("U", "two", 1, "entered", 5, "merge"),
    ]
    assert decisions(found) == [
        ("A", 0, "merged", 10, "identify@10"),
        ("A", 5, "merged", 10, "identify@10"),
        ("U", 0, "superseded", 5, "Product Added@5"),
        ("U", 5, "superseded", 15, "Product Added@15"),
        ("U", 15, "sent", 45, None),
    ]
    assert sessions(found) == [("U", 0, 15, 4)]


def test_j6_what_is_past_stays_with_the_anonymous_id() -> None:
    found = worked(
        *(of_a(0), of_a(100, "page"), link(110), of_a(300, "page")),
        triggers={"cart": ADD, "now": {"on": "Product Added", "after_ms": 0}},
    )
    assert decisions(found) == [("A", 0, "sent", 0, None), ("A", 0, "sent", 30, None)]
    assert sessions(found) == [("A", 0, 0, 1), ("U", 100, 110, 2)]


def test_j6_what_the_anonymous_id_was_sent_counts_for_again_and_limits() -> None:
    adds = [of_a(0), of_a(100, "page"), link(110), of_u(120), of_u(300, "page")]
    again = {"again": 24 * 60 * MINUTE_MS}
    found = worked(*adds, triggers={"cart": {**ADD, **again}})
    assert decisions(found) == [("A", 0, "sent", 30, None), ("U", 120, "again", 150, None)]
    found = worked(*adds, triggers={"cart": ADD}, limits=[{"at_most": 1, "per": "1d"}])
    assert decisions(found) == [("A", 0, "sent", 30, None), ("U", 120, "limit", 150, None)]


def test_j6_a_journey_goes_on_with_the_customer() -> None:
    then = [{"after_ms": 60 * MINUTE_MS}]
    found = worked(
        *(of_a(0), of_a(40, "page"), link(41), of_u(200, "page")),
        triggers={"cart": {**ADD, "then": then}},
    )
    assert decisions(found) == [
        ("A", 0, "merged", 41, "identify@41"),
        ("A", 0, "sent", 30, None),
        ("U", 0, "sent", 90, None),
    ]


def test_j6_a_refusal_of_the_anonymous_id_is_the_customers() -> None:
    refuses = {"context": {"consent": {"categoryPreferences": {"mail": False}}}}
    found = worked(
        *(of_a(0, **refuses), link(1), of_u(2), of_u(200, "page")),
        triggers={"cart": {**ADD, "channel": "email"}},
        consent={"default": "allow"},
        purposes={"channels": {"email": "mail"}},
    )
    assert ("U", 2, "consent", 32, None) in decisions(found)


def test_j6_a_duplicate_of_what_was_kept_is_one_of_the_customers() -> None:
    found = worked(of_a(0, id="x"), link(1), of_u(2, id="x"))
    outcomes = [each.outcome for each in found.expected.classified.lines]
    assert outcomes == ["applied", "applied", "duplicate"]


# J6: a customer who has a profile


def test_j6_features_and_memberships_are_those_of_both() -> None:
    found = worked(
        *(of_u(0), of_a(1), of_a(2), link(3), of_u(10, "page")),
        features=ADDS,
        segments={"one": "adds == 1", "two": "adds >= 2", "three": "adds >= 3"},
    )
    assert changes(found) == [
        ("A", "one", 1, "entered", 1, "event"),
        ("A", "one", 2, "left", 2, "event"),
        ("A", "two", 1, "entered", 2, "event"),
        ("A", "two", 2, "left", 2, "merge"),
        ("U", "one", 1, "entered", 0, "event"),
        ("U", "one", 2, "left", 2, "merge"),
        ("U", "three", 1, "entered", 2, "merge"),
        ("U", "two", 1, "entered", 2, "merge"),
    ]


def test_j6_an_open_session_joins_the_customers_a_closed_one_does_not() -> None:
    found = worked(of_a(0), of_u(35), of_a(40), of_a(60), link(65), of_u(200))
    assert sessions(found) == [("A", 0, 0, 1), ("U", 35, 65, 4)]


def test_j6_nothing_joins_a_session_of_the_customers_that_is_closed() -> None:
    found = worked(of_u(20), of_a(40), of_a(60), link(65), of_u(200))
    assert sessions(found) == [("U", 20, 20, 1), ("U", 40, 65, 3)]


def test_j6_starts_that_are_past_or_decided_open_nothing_others_do() -> None:
    found = worked(
        *(of_u(0, "page"), of_a(1), of_a(40), link(50), of_u(200, "page")),
        triggers={"cart": ADD, "now": {"on": "Product Added", "after_ms": 0}},
    )
    assert decisions(found) == [
        ("A", 1, "sent", 1, None),
        ("A", 1, "sent", 31, None),
        ("A", 40, "merged", 50, "identify@50"),
        ("A", 40, "sent", 40, None),
        ("U", 40, "sent", 70, None),
    ]


def test_j6_a_cancel_of_the_anonymous_id_counts_by_its_time() -> None:
    found = worked(
        *(of_u(0), of_a(10, "Order Completed"), of_u(20, id="b"), link(25), of_u(200, "page")),
        triggers={"cart": {**ADD, "key": "properties.cart"}},
        disorder_ms=30 * MINUTE_MS,
    )
    assert decisions(found) == [
        ("U", 0, "cancelled", 10, "Order Completed@10"),
        ("U", 20, "sent", 50, None),
    ]


def test_j6_what_the_anonymous_id_was_sent_counts_for_one_with_a_profile_too() -> None:
    found = worked(
        *(of_u(0, "page"), of_a(1), of_a(40, "page"), link(50), of_u(60), of_u(200, "page")),
        triggers={"cart": {**ADD, "again": 24 * 60 * MINUTE_MS}},
    )
    assert decisions(found) == [("A", 1, "sent", 31, None), ("U", 60, "again", 90, None)]


def test_j6_what_the_customer_has_had_already_counts_once() -> None:
    found = worked(
        *(of_u(0, id="x"), of_a(1, id="x"), of_a(2, id="y"), link(3)),
        features=ADDS,
        segments={"two": "adds >= 2", "three": "adds >= 3"},
    )
    assert merged(found) == [("A", "U", 3, 2)]
    assert changes(found)[-1:] == [("U", "two", 1, "entered", 2, "merge")]


# J7


def test_j7_what_is_past_has_happened_and_the_rest_ends_by_the_link() -> None:
    found = worked(
        *(of_a(0), of_a(20, "Order Completed"), of_a(30), link(45)),
        features={"last": {"time": "Order Completed"}},
        segments={"new": "since(last) < 5m", "old": "since(last) > 5m", "never": "last is missing"},
        triggers={"cart": ADD},
        disorder_ms=20 * MINUTE_MS,
    )
    assert [one for one in decisions(found) if one[0] == "A"] == [
        ("A", 0, "merged", 30, "identify@45"),  # the cancel at minute 20 is not past: W is 10
        ("A", 30, "merged", 45, "identify@45"),
    ]
    assert [one for one in changes(found) if one[0] == "A"] == [
        ("A", "never", 1, "entered", 0, "event"),
        ("A", "never", 2, "left", 20, "event"),
        ("A", "new", 1, "entered", 20, "event"),
        ("A", "new", 2, "left", 25, "timer"),
        ("A", "old", 1, "entered", pytest.approx(25, abs=0.001), "timer"),
        ("A", "old", 2, "left", 30, "merge"),
    ]


def test_j7_a_link_that_comes_late_ends_what_is_pending_at_the_watermark() -> None:
    found = worked(*(of_a(0), line(20, "page", userId="V"), link(10)), triggers={"cart": ADD})
    assert decisions(found) == [("A", 0, "merged", 20, "identify@10")]


def test_j7_nobody_who_has_no_link_is_touched() -> None:
    rules: dict[str, Any] = {"features": ADDS, "segments": {"one": "adds == 1"}}
    lines = [of_a(0), line(1, "Product Added", anonymousId="B"), of_u(2), link(3)]
    found = worked(*lines, **rules)
    alone = run(lines[1:2], Rules(disorder_ms=0, **rules), now_ms=NOW_MS)
    of_b = [one for one in found.expected.changes if one.customer == "B"]
    assert [one[:-1] for one in of_b] == [one[:-1] for one in alone.changes]


# J8


def test_j8_a_merge_is_told_once_with_how_much_it_was_also_where_that_is_nothing() -> None:
    alias = line(2, "alias", previousId="B", userId="U")
    found = worked(of_a(0), link(1), alias, link(3), link(4, customer="V"))
    assert merged(found) == [("A", "U", 1, 1), ("B", "U", 2, 0)]


def test_j8_a_device_without_a_past_is_linked_all_the_same() -> None:
    assert merged(worked(link(0))) == [("A", "U", 0, 0)]
