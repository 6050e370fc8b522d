"""Stopped after any tick and started again: the same outputs and records as never stopped."""

from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_checks import SIZES, STOPS, few_timers, simulation, turns, with_stops
from oracle import Rules, streams
from oracle.writing import renamed


@settings(max_examples=100, deadline=None)
@given(
    inputs=st.lists(st.one_of(streams.busy(20), streams.crowds(2, 12)), min_size=1, max_size=3),
    rules=streams.rules(),
    sizes=SIZES,
    order=st.lists(st.integers(0, 2), max_size=6),
    stops=STOPS,
    shards=st.sampled_from([1, 3]),
    records=st.integers(1, 4),
    timers=st.integers(2, 5),
    close=st.booleans(),
)
def test_restarts_between_ticks_change_no_output_and_no_record(
    *,
    inputs: list[list[bytes]],
    rules: Rules,
    sizes: list[int],
    order: list[int],
    stops: list[bool],
    shards: int,
    records: int,
    timers: int,
    close: bool,
) -> None:
    first, *others = [renamed(lines, f"{n}-") for n, lines in enumerate(inputs)]
    options = {"more": others, "shards": shards, "cache": records, "close": close}
    order = [reader % len(inputs) for reader in order]
    with few_timers(timers):
        never = simulation(first, rules, **options)
        never.run(cycle(sizes), turns(never, order))
        again = with_stops(simulation(first, rules, **options), sizes, stops, order)
    assert again.outcome.lines == never.outcome.lines
    assert again.outcome.counts == never.outcome.counts
    assert again.snapshot() == never.snapshot()
