"""What identity steps give profile: few shares, put together in order however they arrive."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from test_engine_identity_cases import RULES, Stream, simulated

from operators.identity_gather import IdentityGather
from operators.joins import Ended
from operators.route import shard_of
from operators.ticks import ShardTick

SHARDS = 4
IDS = st.sampled_from(["a", "b", "c", "d", "e"])
EVENT = st.fixed_dictionaries({}, optional={"user": IDS, "anonymous": IDS}).filter(bool)
BROKEN: dict[str, str] = {}
TICKS = st.lists(st.lists(st.one_of(EVENT, st.just(BROKEN)), max_size=4), min_size=1, max_size=6)
Event = dict[str, str]


def written(events: Iterable[Event]) -> Stream:
    """Write events down, a minute apart; one without an id is a dead letter."""
    stream = Stream()
    for number, event in enumerate(events):
        stream.event(number, "identify" if len(event) > 1 else "page", **event)
    return stream


def shares_of(
    readers: Sequence[Sequence[Sequence[Event]]], order: Sequence[int]
) -> list[list[ShardTick]]:
    """Return what each shard's identity step gives to all shards, one share after the other.

    Args:
        readers: the ticks of each.
        order: whose tick comes next, for all steps alike.
    """
    first, *more = [written(event for tick in ticks for event in tick) for ticks in readers]
    run = simulated(Stream(), RULES, shards=SHARDS)
    run = simulated(first, RULES, shards=SHARDS, more=[each.lines for each in more])
    stops = [deque(accumulate(map(len, ticks), initial=0)) for ticks in readers]
    split = []
    for reader in order:
        start = stops[reader].popleft()
        lines = run.inputs[reader].slice(start, stops[reader][0])
        split.append(run.routes[reader].split(lines, (f"events-{reader}",)))
    return [
        [share for tick in split for share in step.on_tick(tick[shard])]
        for shard, step in enumerate(run.names)
    ]


def gathered(shard: int, arriving: Iterable[ShardTick]) -> list[ShardTick]:
    gather = IdentityGather(shard)
    whole = [tick for share in arriving for tick in gather.take(share)]
    assert gather.is_empty
    return whole


def told(tick: ShardTick) -> tuple[object, ...]:
    outputs = {kind: list(some) for kind, some in tick.outputs.kinds.items()}
    return (tick.lines, tick.customers, tick.joins, tick.ends, tick.gone, tick.counts, outputs)


@settings(deadline=None)
@given(st.lists(TICKS, min_size=1, max_size=2), st.data())
def test_ticks_leave_in_the_order_of_the_own_step_whichever_step_is_slow(
    readers: list[list[list[Event]]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations([n for n, ticks in enumerate(readers) for _ in ticks]))
    numbers = [order[:place].count(reader) + 1 for place, reader in enumerate(order)]
    steps = shares_of(readers, order)
    found: list[Counter[bytes]] = [Counter() for _ in order]
    for shard in range(SHARDS):
        own = [[share for share in given if share.shard == shard] for given in steps]
        at_once = gathered(shard, (share for given in own for share in given))
        queues = [deque(given) for given in own if given]
        arriving = []
        while queues:
            queue = data.draw(st.sampled_from(queues))
            arriving.append(queue.popleft())
            queues = [each for each in queues if each]
        whole = gathered(shard, arriving)
        assert [tick.name.number for tick in whole] == numbers
        assert [tick.name.reader for tick in whole] == list(order)
        assert [told(tick) for tick in whole] == [told(tick) for tick in at_once]
        for place, tick in enumerate(whole):
            assert all(shard_of(customer, SHARDS) == shard for customer in tick.customers)
            found[place].update(tick.lines.split(b"\n") if tick.customers else [])
    for place, reader in enumerate(order):
        events = readers[reader][numbers[place] - 1]
        assert found[place].total() == sum(bool(event) for event in events)


def test_who_is_no_more_comes_after_what_was_done_before_in_another_readers_tick() -> None:
    """Where a later tick was complete before an earlier one, an event had two owners."""
    names = [f"a{n}" for n in range(30)]
    one = next(name for name in names if shard_of(name, SHARDS) == 0)
    other = next(name for name in names if shard_of(name, SHARDS) == 2)
    before = [{"anonymous": one}, {"anonymous": other}]
    steps = shares_of([[[{"user": "u", "anonymous": one}]], [before]], order=[1, 0])
    first, second = gathered(0, (share for given in steps for share in given if share.shard == 0))
    assert first.customers == [one]
    assert [type(each) for each in second.ends] == [Ended]


def test_who_has_nothing_of_a_tick_gives_nothing_to_others() -> None:
    steps = shares_of([[[], [{"anonymous": "a"}], []]], order=[0, 0, 0])
    numbers = [share.name.number for given in steps for share in given]
    assert numbers.count(1) == numbers.count(3) == SHARDS
    assert numbers.count(2) == SHARDS + SHARDS - 1
