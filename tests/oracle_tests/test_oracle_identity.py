"""J1 to J5 by hand: whose events are, who is linked to whom, and what is kept."""

import pytest
from identity_cases import ADDS, changes, line, link, merged, minute, of_a, sessions, whose, worked

from oracle.writing import write

# J1


def test_j1_an_event_is_its_customers_else_the_linked_ones_else_the_anonymous_ids() -> None:
    found = worked(
        of_a(0), link(1), of_a(2), of_a(3, userId="V"), of_a(4), line(5, "page", anonymousId="B")
    )
    assert whose(found) == ["A", "U", "U", "V", "U", "B"]


def test_j1_the_customer_is_at_the_first_path_that_names_somebody() -> None:
    identity = {
        "customer": ["userId", "context.externalIds.loyalty", "traits.email_hash"],
        "blocked": ["unknown"],
    }
    ids = [{"type": "phone", "id": "5"}, "?", {"type": "loyalty", "id": "L7"}]
    context = {"context": {"externalIds": ids}}
    traits = {"traits": {"email_hash": "e1"}}
    found = worked(
        of_a(0, userId="unknown"),
        of_a(1, userId="unknown", **traits),
        of_a(2, userId="", **context, **traits),
        of_a(3, userId="U", **context),
        of_a(4, userId="Unknown"),
        line(5, "page", userId="unknown"),
        identity=identity,
    )
    assert whose(found) == ["A", "e1", "L7", "U", "Unknown"]
    assert found.expected.counts["dead_letters"] == 1


# J2


def test_j2_only_identify_and_alias_link() -> None:
    assert whose(worked(of_a(0, userId="U"), of_a(1))) == ["U", "A"]
    assert whose(worked(link(0), of_a(1))) == ["U", "U"]
    alias = line(0, "alias", previousId="A", userId="U")
    assert whose(worked(alias, of_a(1))) == ["U", "U"]


@pytest.mark.parametrize(
    "event",
    [
        line(0, "identify", userId="U"),
        line(0, "alias", userId="U", anonymousId="A"),
        line(0, "alias", previousId="A", anonymousId="A"),
        line(0, "identify", anonymousId="A"),
        line(0, "identify", anonymousId="A", userId="A"),
        line(0, "alias", previousId="A", userId="A"),
    ],
)
def test_j2_what_lacks_one_of_the_two_or_has_one_twice_links_nothing(event: bytes) -> None:
    found = worked(event, of_a(1))
    assert whose(found)[1] == "A"
    assert not found.merged
    assert not found.refused


def test_j2_a_link_that_comes_late_holds_from_its_arrival_on() -> None:
    found = worked(of_a(0), line(60, "page", userId="V"), link(10), of_a(61))
    assert [each.outcome for each in found.expected.classified.lines][2] == "late"
    assert whose(found) == ["A", "V", "U", "U"]
    assert merged(found) == [("A", "U", 10, 1)]


def test_j2_what_route_rejects_links_nothing_what_profile_rejects_does() -> None:
    no_time = write({"type": "identify", "anonymousId": "A", "userId": "U", "timestamp": "?"})
    assert whose(worked(no_time, of_a(1))) == ["A"]
    found = worked(of_a(0), link(1, id=5), of_a(2))
    assert [each.stage for each in found.expected.classified.lines] == ["", "profile", ""]
    assert whose(found) == ["A", "U"]
    assert merged(found) == [("A", "U", 1, 1)]


# J3


def test_j3_an_id_that_was_a_customers_is_linked_to_nobody() -> None:
    found = worked(line(0, "page", userId="A"), link(1), of_a(2))
    assert whose(found) == ["A", "U", "A"]
    assert [(one.anonymous, one.customer, minute(one.time)) for one in found.refused] == [
        ("A", "U", 1)
    ]
    assert not found.merged


def test_j3_a_loop_is_refused_at_its_second_link() -> None:
    found = worked(of_a(0), link(1, "A", "B"), link(2, "B", "A"), of_a(3))
    assert whose(found) == ["A", "B", "A", "B"]
    assert merged(found) == [("A", "B", 1, 1)]
    assert [(one.anonymous, one.customer) for one in found.refused] == [("B", "A")]


def test_j3_a_link_is_one_step() -> None:
    found = worked(link(0, "A", "B"), link(1, "B", "C"), of_a(2))
    assert whose(found) == ["B", "C", "B"]


# J4


def test_j4_the_first_link_merges_and_no_other_does() -> None:
    found = worked(
        of_a(0),
        of_a(1),
        link(2),
        of_a(3),
        link(4),
        link(5, customer="V"),
        of_a(6),
        link(7),
        of_a(8),
    )
    assert whose(found) == ["A", "A", "U", "U", "U", "V", "V", "U", "U"]
    assert merged(found) == [("A", "U", 2, 2)]


def test_j4_what_came_before_stays_with_who_had_the_device() -> None:
    found = worked(
        *(of_a(0), link(1), of_a(2), link(3, customer="V"), of_a(4)),
        features=ADDS,
        segments={"two": "adds >= 2"},
    )
    assert changes(found) == [("U", "two", 1, "entered", 2, "event")]


# J5


def test_j5_so_many_events_and_so_old_ones_are_kept() -> None:
    lines = [*(of_a(n) for n in range(4)), of_a(70), link(71)]
    assert merged(worked(*lines)) == [("A", "U", 71, 5)]
    assert merged(worked(*lines, identity={"keep": {"events": 3}})) == [("A", "U", 71, 3)]
    found = worked(*lines, identity={"keep": {"for": "68m"}})
    assert merged(found) == [("A", "U", 71, 3)]  # of minutes 2, 3 and 70


def test_j5_late_events_and_duplicates_are_not_kept() -> None:
    found = worked(
        *(of_a(10), of_a(5), of_a(10), link(11)),
        features=ADDS,
        segments={"once": "adds == 1", "twice": "adds == 2"},
    )
    outcomes = [each.outcome for each in found.expected.classified.lines]
    assert outcomes == ["applied", "late", "duplicate", "applied"]
    assert merged(found) == [("A", "U", 11, 1)]
    assert sessions(found) == []
    [joined] = [one for one in changes(found) if one[0] == "U"]
    assert joined == ("U", "once", 1, "entered", 10, "merge")


def test_j5_nothing_is_kept_without_consent_to_profiling() -> None:
    refuses = {"context": {"consent": {"categoryPreferences": {"p": False}}}}
    found = worked(
        *(of_a(0), of_a(1, **refuses), of_a(2), link(3)),
        consent={"default": "allow"},
        purposes={"profiling": "p"},
    )
    assert merged(found) == [("A", "U", 3, 0)]
    assert found.expected.counts["no_consent"] == 3  # U refuses what A refused
    assert not found.expected.sessions
