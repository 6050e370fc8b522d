"""What identity says, J1 to J9, each sentence by a case that was worked out by hand."""

import json
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import msgspec
import pytest

from engine_checks import plans
from operators.identity_plan import CustomerPath, IdentityPlan
from oracle import Rules
from oracle.writing import MINUTE_MS, NOW_MS, stamp, write
from simulation import Outcome, Simulation
from state.prefixes import Prefix

DAY_MS = 24 * 60 * MINUTE_MS
IDENTITY = IdentityPlan((CustomerPath(("userId",)),), frozenset(), 200, 30 * DAY_MS)
GAP_MS = 30 * MINUTE_MS
CART = {
    "on": "Product Added",
    "after_ms": 20 * MINUTE_MS,
    "cancel": ["Order Completed"],
    "expires_ms": DAY_MS,
}
RULES = Rules(
    gap_ms=GAP_MS,
    disorder_ms=0,
    features={"adds": {"count": "Product Added"}},
    segments={"keen": "adds >= 2"},
    triggers={"cart": CART},
)


class Stream:
    """Events of some people, a minute at a time."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def event(self, minute: float, name: str, **more: Any) -> "Stream":
        """Add an event; ``user`` and ``anonymous`` say whose it is."""
        kinds = {"identify", "alias", "page"}
        ids = {"user": "userId", "anonymous": "anonymousId", "previous": "previousId"}
        fields = {ids.get(key, key): value for key, value in more.items()}
        self.lines.append(
            write(
                {
                    "messageId": f"m{len(self.lines)}",
                    "type": name if name in kinds else "track",
                    **({} if name in kinds else {"event": name}),
                    "timestamp": stamp(int(minute * MINUTE_MS)),
                    **fields,
                }
            )
        )
        return self


def run(stream: Stream, rules: Rules = RULES, size: int = 1, **options: Any) -> Outcome:
    """Run the engine with identity switched on."""
    return simulated(stream, rules, **options).run(cycle([size]))


def simulated(stream: Stream, rules: Rules, **options: Any) -> Simulation:
    """Make the engine ready with identity switched on."""
    return Simulation(
        stream.lines,
        *plans(rules),
        disorder_ms=rules.disorder_ms,
        now_ms=NOW_MS,
        **({"identity": IDENTITY} | options),
    )


def told(outcome: Outcome, kind: str) -> list[tuple[Any, ...]]:
    """Return what was written of a kind: whose, when (in minutes), and what matters of it."""
    found = []
    for line in outcome.lines.get(kind, []):
        record = json.loads(line)
        at = record["time"][11:16]
        found.append((record["subject"], at, *_matter(kind, record)))
    return found


def _matter(kind: str, record: dict[str, Any]) -> Sequence[Any]:
    data = record["data"]
    if kind == "decisions":
        return data["trigger"], data["outcome"], data["reason"]
    if kind == "segments":
        return record["type"].rpartition(".")[2], data["segment"], data["origin"]
    if kind == "sessions":
        return data["start"][11:16], data["events"]
    if kind == "identity":
        return record["type"], data["anonymous"], data.get("events", data.get("reason"))
    return data["trigger"], data["started"][11:16]


def test_a_new_customer_is_what_the_anonymous_one_was() -> None:
    stream = Stream()
    stream.event(0, "Product Added", anonymous="a").event(5, "Product Added", anonymous="a")
    stream.event(10, "identify", anonymous="a", user="u").event(60, "page", user="v")
    outcome = run(stream)
    assert told(outcome, "identity") == [("u", "00:10", "cartwheel.identity.merged", "a", 2)]
    assert told(outcome, "segments") == [
        ("a", "00:05", "entered", "keen", "event"),
        ("a", "00:05", "left", "keen", "merge"),
        ("u", "00:05", "entered", "keen", "merge"),
    ]
    assert told(outcome, "triggers") == [("u", "00:25", "cart", "00:05")]
    assert told(outcome, "decisions") == [
        ("u", "00:05", "cart", "superseded", None),  # the watermark was not past it
        ("a", "00:10", "cart", "suppressed", "merged"),
        ("a", "00:10", "cart", "suppressed", "merged"),
        ("u", "00:25", "cart", "sent", None),
    ]
    assert told(outcome, "sessions") == [("u", "00:40", "00:00", 3)]


def test_what_was_past_at_the_link_stays_with_the_anonymous_id_and_counts_for_the_customer() -> (
    None
):
    rules = Rules(gap_ms=GAP_MS, disorder_ms=0, triggers={"cart": CART | {"again": "never"}})
    stream = Stream().event(0, "Product Added", anonymous="a").event(40, "page", anonymous="a")
    stream.event(50, "identify", anonymous="a", user="u").event(55, "Product Added", user="u")
    outcome = run(stream.event(300, "page", user="v"), rules)
    assert told(outcome, "triggers") == [("a", "00:20", "cart", "00:00")]
    assert told(outcome, "decisions") == [
        ("a", "00:20", "cart", "sent", None),
        ("u", "01:15", "cart", "suppressed", "again"),
    ]
    assert told(outcome, "sessions") == [
        ("a", "00:30", "00:00", 1),
        ("u", "01:25", "00:40", 3),
    ]


def test_a_customer_who_is_known_is_given_the_features_and_the_open_session() -> None:
    stream = Stream().event(0, "Product Added", anonymous="a").event(0, "Product Added", user="u")
    stream.event(41, "page", anonymous="a").event(42, "Product Added", anonymous="a")
    stream.event(45, "page", user="u").event(50, "identify", anonymous="a", user="u")
    outcome = run(stream.event(300, "page", user="v"))
    assert told(outcome, "identity") == [("u", "00:50", "cartwheel.identity.merged", "a", 3)]
    assert told(outcome, "sessions") == [
        ("a", "00:30", "00:00", 1),
        ("u", "00:30", "00:00", 1),
        ("u", "01:20", "00:41", 4),
    ]
    assert told(outcome, "segments") == [
        ("a", "00:42", "entered", "keen", "event"),
        ("a", "00:45", "left", "keen", "merge"),
        ("u", "00:45", "entered", "keen", "merge"),
    ]
    assert told(outcome, "triggers") == [
        ("a", "00:20", "cart", "00:00"),
        ("u", "00:20", "cart", "00:00"),
        ("u", "01:02", "cart", "00:42"),
    ]


def test_a_second_customer_on_the_same_device_is_given_what_follows_alone() -> None:
    stream = Stream().event(0, "Product Added", anonymous="a")
    stream.event(1, "identify", anonymous="a", user="u").event(2, "Product Added", anonymous="a")
    stream.event(3, "identify", anonymous="a", user="w").event(4, "Product Added", anonymous="a")
    outcome = run(stream.event(300, "page", user="v"))
    assert told(outcome, "identity") == [("u", "00:01", "cartwheel.identity.merged", "a", 1)]
    assert told(outcome, "sessions") == [("u", "00:32", "00:00", 3), ("w", "00:34", "00:03", 2)]
    assert told(outcome, "segments") == [("u", "00:02", "entered", "keen", "event")]


@pytest.mark.parametrize("kind", ["identify", "alias"])
def test_two_known_customers_are_never_merged(kind: str) -> None:
    stream = Stream().event(0, "Product Added", user="a").event(1, "Product Added", user="u")
    named = {"anonymous": "a"} if kind == "identify" else {"previous": "a"}
    stream.event(2, kind, user="u", **named).event(3, "page", anonymous="a")
    outcome = run(stream.event(300, "page", user="v"))
    assert told(outcome, "identity") == [("u", "00:02", "cartwheel.identity.refused", "a", "known")]
    assert outcome.counts["refused_links"] == 1
    assert told(outcome, "sessions") == [("u", "00:32", "00:01", 2), ("a", "00:33", "00:00", 2)]


def test_what_repeats_an_event_that_was_too_late_is_no_part_of_the_past() -> None:
    stream = Stream().event(10, "page", anonymous="a").event(5, "page", anonymous="a")
    for minute in (11, 12):  # the second repeats what was too late, the first is another
        stream.event(minute, "page", anonymous="a")
    again = json.loads(stream.lines[-1]) | {"messageId": json.loads(stream.lines[1])["messageId"]}
    stream.lines[-1] = write(again)
    stream.event(13, "identify", anonymous="a", user="u").event(300, "page", user="v")
    outcome = run(stream)
    assert outcome.counts["late"] == outcome.counts["duplicates"] == 1
    assert told(outcome, "identity") == [("u", "00:13", "cartwheel.identity.merged", "a", 2)]


def test_ids_that_are_linked_in_a_circle_are_linked_once() -> None:
    stream = Stream().event(0, "page", anonymous="a").event(1, "page", anonymous="b")
    stream.event(2, "identify", anonymous="a", user="b").event(
        3, "identify", anonymous="b", user="a"
    )
    outcome = run(stream.event(300, "page", user="v"))
    assert [each[2:] for each in told(outcome, "identity")] == [
        ("cartwheel.identity.merged", "a", 1),
        ("cartwheel.identity.refused", "b", "known"),
    ]


@pytest.mark.parametrize("shards", [1, 5])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_ticks_shards_and_restarts_change_nothing(size: int, shards: int) -> None:
    stream = Stream()
    for minute in range(0, 300, 3):
        who = minute // 3 % 4
        stream.event(minute, "Product Added", anonymous=f"a{who}")
        if minute % 27 == 0:
            stream.event(minute + 1, "identify", anonymous=f"a{who}", user=f"u{minute % 2}")
        if minute % 7 == 0:
            stream.event(minute + 2, "Order Completed", user="u1", anonymous="a3")
    one = run(stream, shards=3)
    simulation = Simulation(
        stream.lines,
        *plans(RULES),
        disorder_ms=0,
        now_ms=NOW_MS,
        identity=IDENTITY,
        shards=shards,
        cache=2,
    )
    while simulation.step(size):
        simulation = simulation.restarted()
    assert simulation.outcome.sets() == one.sets()
    assert simulation.outcome.counts == one.counts
    assert one.counts["merged"] == 4


def shop_of(**trigger: Any) -> Rules:
    return Rules(gap_ms=GAP_MS, disorder_ms=0, triggers={"cart": CART | trigger})


def test_an_instance_that_is_over_is_not_decided_again_by_a_past_of_the_same_time() -> None:
    stream = Stream().event(0, "Product Added", user="u").event(0, "Product Added", anonymous="a")
    stream.event(0, "Order Completed", user="u").event(5, "page", user="u")
    stream.event(6, "Order Completed", user="u").event(12, "identify", anonymous="a", user="u")
    outcome = run(stream.event(300, "page", user="v"), shop_of(after_ms=30 * MINUTE_MS))
    assert told(outcome, "decisions") == [
        ("u", "00:00", "cart", "cancelled", None),
        ("a", "00:12", "cart", "suppressed", "merged"),
    ]


def test_an_order_cancels_what_another_past_had_in_the_cart_before() -> None:
    rules = shop_of(after_ms=30 * MINUTE_MS, key="properties.cart_id")
    of_one, of_two = {"cart_id": "c1"}, {"cart_id": "c2"}
    stream = Stream().event(2, "Product Added", anonymous="a", properties=of_one)
    stream.event(5, "Order Completed", user="u", properties=of_one).event(8, "page", user="u")
    stream.event(10, "Order Completed", user="u", properties=of_two).event(11, "page", user="u")
    stream.event(12, "identify", anonymous="a", user="u")
    outcome = run(stream.event(300, "page", user="v"), rules)
    assert told(outcome, "triggers") == []
    assert told(outcome, "decisions") == [
        ("u", "00:05", "cart", "cancelled", None),
        ("a", "00:12", "cart", "suppressed", "merged"),
    ]


def test_an_open_session_is_given_as_a_whole() -> None:
    stream = Stream().event(0, "page", user="u").event(45, "page", anonymous="a")
    stream.event(60, "page", anonymous="a").event(137, "page", user="v")
    stream.event(138, "identify", anonymous="a", user="u")
    rules = Rules(gap_ms=GAP_MS, disorder_ms=60 * MINUTE_MS)
    outcome = run(stream.event(300, "page", user="v"), rules)
    assert told(outcome, "sessions") == [
        ("u", "00:30", "00:00", 1),
        ("u", "01:30", "00:45", 2),
        ("v", "02:47", "02:17", 1),
        ("u", "02:48", "02:18", 1),
    ]


ASKED = Rules(
    gap_ms=GAP_MS,
    disorder_ms=0,
    triggers={"hello": {"on": "Product Viewed", "after_ms": 0, "channel": "email"}},
    consent={"default": "allow"},
    purposes={"channels": {"email": "Ads"}},
)


def refusing(*purposes: str) -> dict[str, Any]:
    return {"consent": {"categoryPreferences": dict.fromkeys(purposes, False)}}


def test_what_a_visitor_has_refused_holds_when_the_event_that_says_so_is_kept_no_more() -> None:
    stream = Stream().event(0, "page", anonymous="a", context=refusing("Ads"))
    for minute in range(1, 6):
        stream.event(minute, "page", anonymous="a")
    stream.event(6, "identify", anonymous="a", user="u").event(7, "Product Viewed", user="u")
    few = msgspec.structs.replace(IDENTITY, events_most=3)
    outcome = run(stream.event(300, "page", user="v"), ASKED, identity=few)
    assert told(outcome, "identity") == [("u", "00:06", "cartwheel.identity.merged", "a", 3)]
    assert told(outcome, "decisions") == [("u", "00:07", "hello", "suppressed", "consent")]


def kept_of(stream: Stream, rules: Rules) -> list[bytes]:
    """Return the records of ids that a run leaves."""
    simulation = simulated(stream, rules, shards=1)
    simulation.run(cycle([1]))
    [entries] = simulation.snapshot().shards
    return [value for key, value in entries.items() if key.startswith(Prefix.NAME.key)]


PROFILED = Rules(
    gap_ms=GAP_MS,
    disorder_ms=0,
    features={"kind": {"last": "properties.category"}},
    consent={"default": "allow"},
    purposes={"profiling": "Ads"},
)
MARKED = {"category": "marked-4711"}


def test_a_refusal_that_comes_late_lets_nothing_be_kept() -> None:
    stream = Stream().event(0, "page", anonymous="a", properties=MARKED)
    stream.event(60, "page", user="v")
    assert any(b"marked-4711" in value for value in kept_of(stream, PROFILED))
    stream.event(10, "page", anonymous="a", context=refusing("Ads"))
    stream.event(61, "page", anonymous="a", properties=MARKED)
    assert not any(b"marked-4711" in value for value in kept_of(stream, PROFILED))


def test_nothing_is_kept_of_an_id_that_turns_out_to_be_a_customers_own() -> None:
    stream = Stream().event(0, "page", anonymous="x", properties=MARKED)
    assert not any(
        b"marked" in each for each in kept_of(stream.event(1, "page", user="x"), PROFILED)
    )


def test_what_is_sent_twice_is_kept_once_and_says_nothing_the_second_time() -> None:
    stream = Stream().event(0, "page", anonymous="a", messageId="one")
    stream.event(1, "page", anonymous="a", messageId="two")
    stream.event(2, "page", anonymous="a", messageId="one", context=refusing("Ads"))
    stream.event(3, "identify", anonymous="a", user="u")
    outcome = run(stream.event(300, "page", user="v"), PROFILED)
    assert told(outcome, "identity") == [("u", "00:03", "cartwheel.identity.merged", "a", 2)]
