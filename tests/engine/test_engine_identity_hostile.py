"""Ids and links from who means harm or has a broken sender: bounded, reported, nobody's but theirs.

What is measured here is sizes, not times: bytes of what is kept for each id.
"""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, permutations
from typing import Any

import msgspec
import pytest
from test_engine_identity_cases import GAP_MS, IDENTITY, RULES, Stream, told

from engine_checks import plans
from operators.arbitration import REMEMBERED_MOST
from operators.customers import Customer
from operators.identity_plan import CustomerPath, IdentityPlan
from operators.keeping import KEPT_BYTES_MOST
from operators.names import Named
from oracle import Rules
from oracle.writing import MINUTE_MS, NOW_MS
from simulation import Simulation
from state.prefixes import Prefix

MS = 1 / MINUTE_MS


def at(minute: int, ms: int) -> float:
    """Return a time in minutes that is cut to exactly so many ms before or after one."""
    return minute + (ms + 0.5) * MS


MANY, TORTURE_MANY = 2_000, 1_000_000


def simulation(
    lines: Sequence[bytes], rules: Rules = RULES, *, identity: IdentityPlan = IDENTITY, **more: Any
) -> Simulation:
    disorder = rules.disorder_ms
    options = {"identity": identity, "now_ms": NOW_MS, **more}
    return Simulation(lines, *plans(rules), disorder_ms=disorder, **options)


def played(stream: Stream, rules: Rules = RULES, size: int = 50, **more: Any) -> Simulation:
    run = simulation(stream.lines, rules, **more)
    run.run(cycle([size]))
    return run


def kept(run: Simulation, prefix: Prefix) -> list[bytes]:
    """Return what is stored of a kind, over all shards."""
    shards = run.snapshot().shards
    return [data for each in shards for key, data in each.items() if key[0] == prefix]


def size_of(run: Simulation) -> int:
    """Return the bytes of all that is stored, keys too."""
    shards = run.snapshot().shards
    return sum(len(key) + len(data) for each in shards for key, data in each.items())


def named(run: Simulation, name: str) -> Named:
    found = (msgspec.msgpack.decode(each, type=Named) for each in kept(run, Prefix.NAME))
    [one] = [each for each in found if each.name == name]
    return one


def _many_ids(count: int) -> Stream:
    stream = Stream()
    for n in range(count):
        stream.event(n / 1000, "page", anonymous=f"a{n:07}")
        stream.event(n / 1000 + MS, "identify", anonymous=f"a{n:07}", user="u")
    return stream


def test_many_anonymous_ids_of_one_customer_cost_a_link_each() -> None:
    few, many = played(_many_ids(MANY // 10)), played(_many_ids(MANY))
    assert many.outcome.counts["merged"] == MANY
    [before], [after] = kept(few, Prefix.PROFILE), kept(many, Prefix.PROFILE)
    assert len(after) - len(before) < 1000  # messageIds of the last minutes, and longer numbers
    assert (size_of(many) - size_of(few)) / (MANY - MANY // 10) < 80


@pytest.mark.torture
def test_very_many_anonymous_ids_of_one_customer_cost_no_more_each() -> None:
    run = simulation(_many_ids(TORTURE_MANY).lines, cache=2000)
    run.run(cycle([4000]))
    assert run.outcome.counts["merged"] == TORTURE_MANY
    [profile] = kept(run, Prefix.PROFILE)
    assert len(profile) < 100_000
    assert size_of(run) / TORTURE_MANY < 80


def test_what_many_anonymous_ids_were_sent_is_remembered_up_to_a_bound() -> None:
    count = REMEMBERED_MOST + 500
    limits = [{"at_most": 1000, "per": "7d"}]
    rules = Rules(
        disorder_ms=0, triggers={"hello": {"on": "page"}}, limits=limits, features=RULES.features
    )
    run = played(_many_ids(count), rules)
    [one] = kept(run, Prefix.CUSTOMER)
    customer = msgspec.msgpack.decode(one, type=Customer)
    assert run.outcome.counts["sent hello"] == count
    assert len(customer.sent) == REMEMBERED_MOST


@pytest.mark.parametrize("count", [1000, pytest.param(100_000, marks=pytest.mark.torture)])
def test_one_anonymous_id_with_very_many_customers_costs_one_link(count: int) -> None:
    stream = Stream().event(0, "Product Added", anonymous="a")
    for n in range(count):
        stream.event(n / 1000, "identify", anonymous="a", user=f"u{n}")
    run = played(stream, size=4000)
    assert len([each for each in told(run.outcome, "identity") if each[0] == "u0"]) == 1
    assert run.outcome.counts["merged"] == 1
    link = named(run, "a")
    assert (link.customer, link.events) == (f"u{count - 1}", [])
    assert run.outcome.counts["customers"] == count + 1  # the anonymous one had been one too


def test_thousands_of_events_before_a_link_are_kept_to_the_last_two_hundred() -> None:
    stream = Stream()
    for n in range(4_000):
        stream.event(n * MS, "Product Added", anonymous="a")
    before = played(stream, size=4000)
    assert len(named(before, "a").events) == IDENTITY.events_most
    stream.event(4_000 * MS, "identify", anonymous="a", user="u")
    run = played(stream, size=4000)
    [merged] = told(run.outcome, "identity")
    assert merged[-1] == IDENTITY.events_most
    assert named(run, "a").events == []


def test_of_very_large_events_a_megabyte_is_kept() -> None:
    """What an event says of consent is kept as it is, however much that is."""
    rules = Rules(disorder_ms=0, consent={"default": "allow"}, purposes={"profiling": "yes"})
    stream, most = Stream(), KEPT_BYTES_MOST

    def says(minute: int, size: int) -> None:
        preferences = {f"{minute}" * size: True, "yes": True}
        context = {"consent": {"categoryPreferences": preferences}}
        stream.event(minute, "page", anonymous="a", context=context)

    for minute in range(8):
        says(minute, 300_000)
    run = played(stream, rules)
    lines = [each.line for each in named(run, "a").events]
    assert [300_000 < len(each) < 301_000 for each in lines] == [True] * 3
    assert lines[-1].count(b"7") >= 300_000
    says(8, most - 300)  # one alone that is nearly as long as a line may be
    [one] = named(played(stream, rules), "a").events
    assert most - 300 < len(one.line) <= most
    says(9, most)
    over = played(stream, rules)  # a longer line is no event
    assert over.outcome.counts["dead_letters"] == 1
    assert named(over, "a").events == [one]


ODD = {
    "control": "a\u0001\u0002\n\t\u007f",
    "nul": "a\u0000b",
    "separators": "a\u2028\u2029",
    "right to left": "\u202ea",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "latin": "paul",
    "cyrillic": "\u0440aul",
    "wide": "\U0001f600" * 1000,
    "space": " ",
    "wider space": "\u00a0",
}


def test_odd_ids_are_compared_letter_by_letter_and_each_is_only_itself() -> None:
    stream = Stream()
    for n, text in enumerate(ODD.values()):
        stream.event(n, "Product Added", anonymous=text).event(n, "Product Added", anonymous=text)
    for n, text in enumerate(ODD.values()):
        stream.event(20 + n, "identify", anonymous=text, user=f"u{n}")
    run = played(stream)
    merged = told(run.outcome, "identity")
    assert sorted(merged) == sorted(
        (f"u{n}", f"00:{20 + n}", "cartwheel.identity.merged", text, 2)
        for n, text in enumerate(ODD.values())
    )
    assert {
        each.name for each in map(msgspec.msgpack.Decoder(Named).decode, kept(run, Prefix.NAME))
    } == {
        *ODD.values(),
        *(f"u{n}" for n in range(len(ODD))),
    }


def _raw(anonymous: str, minute: int = 0, kind: str = "identify") -> bytes:
    """Write an event with an id exactly as given, in JSON."""
    head = f'{{"type":"{kind}","userId":"u","messageId":"{minute}"'
    field = "previousId" if kind == "alias" else "anonymousId"
    return f'{head},"timestamp":"2026-01-01T00:{minute:02}:00Z","{field}":{anonymous}}}'.encode()


@pytest.mark.parametrize("kind", ["identify", "alias"])
@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("7", "expected a string, got a number"),
        ("true", "expected a string, got a boolean"),
        ("[]", "expected a string, got an array"),
        ('{"id":"a"}', "expected a string, got an object"),
        (f'"{"x" * 1001}"', "longer than 1000 characters"),
        (f'"{"x" * 1_000_000}"', "longer than 1000 characters"),
        ('"\\ud800"', "not JSON"),
    ],
)
def test_an_id_that_cannot_be_linked_is_told(kind: str, found: str, reason: str) -> None:
    run = simulation([_raw(found, kind=kind)])
    outcome = run.run(cycle([1]))
    [letter] = map(json.loads, outcome.lines["dead-letters"])
    assert reason in letter["reason"]
    assert len(letter["reason"]) < 300
    assert kept(run, Prefix.NAME) == []


@pytest.mark.parametrize("found", ["null", '""', '"u"'])
@pytest.mark.parametrize("kind", ["identify", "alias"])
def test_an_id_that_is_not_there_or_the_same_links_nothing(kind: str, found: str) -> None:
    run = simulation([_raw(found, kind=kind)])
    outcome = run.run(cycle([1]))
    assert (outcome.counts["applied"], outcome.counts["merged"]) == (1, 0)
    assert "identity" not in outcome.lines
    assert len(kept(run, Prefix.NAME)) == 1


def test_a_ring_of_customers_who_claim_each_other_is_refused_all_around() -> None:
    people = [f"u{n}" for n in range(20)]
    stream = Stream()
    for n, one in enumerate(people):
        stream.event(n, "Product Added", user=one)
    for n, one in enumerate(people):
        stream.event(50 + n, "alias", previous=people[n - 1], user=one)
    run = played(stream)
    assert run.outcome.counts["refused_links"] == 20
    assert run.outcome.counts["merged"] == 0
    added = told(run.outcome, "sessions")
    assert Counter(each[0] for each in added) == dict.fromkeys(people, 1)


ADDED = ("Product Added", {"anonymous": "a"})
LINKS = [
    ("identify", {"anonymous": "a", "user": "u"}),
    ("identify", {"anonymous": "a", "user": "w"}),
    ("alias", {"previous": "u", "user": "w"}),
    ("alias", {"previous": "a", "user": "a"}),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_links_of_one_millisecond_hold_as_they_come_however_they_are_cut(
    order: tuple[int, ...],
) -> None:
    stream = Stream()
    stream.event(0, *ADDED[:1], **ADDED[1]).event(1, *ADDED[:1], **ADDED[1])
    for number in order:
        name, ids = LINKS[number]
        stream.event(2, name, **ids)
    stream.event(3, "Product Added", anonymous="a").event(300, "page", user="v")
    outcomes = [
        played(stream, size=size, shards=n).outcome for size, n in ((1, 1), (3, 5), (99, 4))
    ]
    assert outcomes[0].sets() == outcomes[1].sets() == outcomes[2].sets()
    assert outcomes[0].counts == outcomes[1].counts == outcomes[2].counts
    merged = [each for each in told(outcomes[0], "identity") if each[2].endswith("merged")]
    by_a = [each for each in merged if each[3] == "a"]
    # a is known once an event has named it as its customer
    links = [number for number in order if number in {0, 1}]
    if order.index(3) < min(order.index(0), order.index(1)):
        assert by_a == []
    else:
        [one] = by_a
        assert one[0] == ("u", "w")[links[0]]
        assert one[-1] == 2


def test_a_link_whose_events_were_all_late_brings_nothing_and_holds() -> None:
    stream = Stream().event(100, "page", user="v")
    stream.event(1, "Product Added", anonymous="a").event(2, "Product Added", anonymous="a")
    stream.event(3, "identify", anonymous="a", user="u").event(101, "page", anonymous="a")
    run = played(stream.event(300, "page", user="v"))
    assert run.outcome.counts["late"] == 3  # the link too
    assert told(run.outcome, "identity") == [("u", "00:03", "cartwheel.identity.merged", "a", 0)]
    assert ("u", "02:11", "01:41", 1) in told(run.outcome, "sessions")


KEEP_MS = 60 * MINUTE_MS
HOUR = IdentityPlan((CustomerPath(("userId",)),), frozenset(), 200, KEEP_MS)
FEW = Rules(gap_ms=GAP_MS, disorder_ms=0, features=RULES.features, segments=RULES.segments)


@pytest.mark.parametrize(("off", "events"), [(-1, 2), (0, 2), (1, 1)])
def test_an_event_is_kept_to_the_very_end_of_its_time(off: int, events: int) -> None:
    stream = Stream().event(0, "Product Added", anonymous="a")
    stream.event(at(60, off), "Product Added", anonymous="a")
    stream.event(61, "identify", anonymous="a", user="u")
    [merged] = told(played(stream, FEW, identity=HOUR).outcome, "identity")
    assert merged[-1] == events


@pytest.mark.parametrize(("off", "events"), [(-1, 2), (0, 2), (1, 1)])
def test_an_event_that_came_out_of_order_is_kept_no_longer_than_others(
    off: int, events: int
) -> None:
    rules = Rules(gap_ms=GAP_MS, disorder_ms=90 * MINUTE_MS, features=RULES.features)
    stream = Stream().event(50, "Product Added", anonymous="a")
    stream.event(0, "Product Added", anonymous="a")
    stream.event(at(60, off), "page", anonymous="a")
    stream.event(61, "identify", anonymous="a", user="u")
    [merged] = told(played(stream, rules, identity=HOUR).outcome, "identity")
    assert merged[-1] == events + 1


@pytest.mark.parametrize(("off", "events"), [(-1, 1), (0, 1), (1, 0)])
@pytest.mark.parametrize("size", [1, 10])
def test_what_is_kept_of_an_id_goes_once_the_watermark_is_past_its_time(
    off: int, events: int, size: int
) -> None:
    stream = Stream().event(0, "Product Added", anonymous="a")
    stream.event(at(60, off), "page", user="v").event(70, "identify", anonymous="a", user="u")
    early = stream.lines[:2]
    run = simulation(early, FEW, identity=HOUR)
    run.run(cycle([size]))
    names = {
        each.name for each in map(msgspec.msgpack.Decoder(Named).decode, kept(run, Prefix.NAME))
    }
    assert ("a" in names) == bool(events)
    stream = Stream().event(0, "Product Added", anonymous="a")
    stream.event(at(60, off), "page", user="v").event(60, "identify", anonymous="a", user="u")
    [merged] = told(played(stream, FEW, size, identity=HOUR).outcome, "identity")
    assert merged[-1] == events


@pytest.mark.parametrize(("off", "owner"), [(-1, "u"), (0, "u"), (1, "a")])
@pytest.mark.parametrize("size", [1, 10])
def test_a_link_goes_with_retention_after_it_was_last_used(off: int, owner: str, size: int) -> None:
    rules = Rules(gap_ms=MINUTE_MS, disorder_ms=0, retention_ms=2 * KEEP_MS)
    stream = Stream().event(0, "identify", anonymous="a", user="u")
    stream.event(10, "page", anonymous="a").event(at(130, off), "page", user="v")
    stream.event(at(130, off), "page", anonymous="a").event(300, "page", user="v")
    ended = told(played(stream, rules, size, identity=HOUR).outcome, "sessions")
    assert [each[0] for each in ended if each[2] == "02:10" or each[2] == "02:09"].count(owner) == 1


@pytest.mark.parametrize("size", [1, 10])
def test_a_link_after_the_anonymous_profile_is_gone_ends_nobody(size: int) -> None:
    rules = Rules(
        gap_ms=MINUTE_MS, disorder_ms=0, retention_ms=KEEP_MS // 2, features=RULES.features
    )
    stream = Stream().event(0, "Product Added", anonymous="a").event(40, "page", user="v")
    stream.event(41, "identify", anonymous="a", user="u").event(42, "page", anonymous="a")
    run = played(stream.event(50, "page", user="v"), rules, size, identity=HOUR)
    [merged] = told(run.outcome, "identity")
    assert merged[:2] == ("u", "00:41")
    assert [each[0] for each in told(run.outcome, "sessions")] == ["a", "v", "u"]
    profiles = {msgspec.msgpack.decode(each)[0] for each in kept(run, Prefix.PROFILE)}
    assert profiles == {"u", "v"}
