"""What identity steps give profile: few shares, put together in order however they arrive."""

from collections import defaultdict, deque
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from test_engine_identity_cases import RULES, Stream, simulated

from operators.identity_gather import IdentityGather
from operators.ticks import ShardTick

SHARDS = 4
IDS = st.sampled_from(["a", "b", "c", "d", "e"])
EVENT = st.fixed_dictionaries({}, optional={"user": IDS, "anonymous": IDS}).filter(bool)
TICKS = st.lists(st.lists(EVENT, max_size=4), min_size=1, max_size=8)
Shares = dict[int, list[list[ShardTick]]]


def shares_of(ticks: list[list[dict[str, str]]]) -> Shares:
    """Return what each shard is given, by identity step, tick after tick."""
    stream = Stream()
    for number, event in enumerate(event for tick in ticks for event in tick):
        stream.event(number, "identify" if len(event) > 1 else "page", **event)
    run = simulated(stream, RULES, shards=SHARDS)
    given: Shares = defaultdict(lambda: [[] for _ in range(SHARDS)])
    stops = list(accumulate(len(tick) for tick in ticks))
    for start, stop in zip([0, *stops], stops, strict=False):
        split = run.routes[0].split(run.inputs[0].slice(start, stop), ("events",))
        for giver, (step, tick) in enumerate(zip(run.names, split, strict=True)):
            for share in step.on_tick(tick):
                given[share.shard][giver].append(share)
    return given


def told(tick: ShardTick) -> tuple[object, ...]:
    return (tick.name.number, tick.lines, tick.customers, tick.joins, tick.ends, tick.counts)


def gathered(shard: int, arriving: list[ShardTick]) -> list[tuple[object, ...]]:
    gather = IdentityGather(shard)
    whole = [told(tick) for share in arriving for tick in gather.take(share)]
    assert gather.is_empty
    return whole


@settings(deadline=None)
@given(TICKS, st.data())
def test_ticks_leave_in_order_whichever_step_is_slow(
    ticks: list[list[dict[str, str]]], data: st.DataObject
) -> None:
    for shard, givers in shares_of(ticks).items():
        at_once = sorted((share for each in givers for share in each), key=lambda t: t.name.number)
        queues = [deque(each) for each in givers if each]
        arriving = []
        while queues:
            queue = data.draw(st.sampled_from(queues))
            arriving.append(queue.popleft())
            queues = [each for each in queues if each]
        found = gathered(shard, arriving)
        assert [number for number, *_ in found] == list(range(1, len(ticks) + 1))
        assert found == gathered(shard, at_once)


def test_who_has_nothing_of_a_tick_gives_nothing_to_others() -> None:
    given = shares_of([[], [{"anonymous": "a"}], []])
    numbers = [share.name.number for each in given.values() for part in each for share in part]
    assert numbers.count(1) == numbers.count(3) == SHARDS
    assert numbers.count(2) == SHARDS + SHARDS - 1
