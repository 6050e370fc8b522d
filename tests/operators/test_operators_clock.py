"""A shard's view of several readers, where some have nothing to read for a while."""

from operators.clock import Clock
from operators.ticks import TickName


def test_a_reader_without_partitions_holds_nobody_back_until_it_gets_one() -> None:
    clock = Clock.new(2)
    clock.advance(TickName(0, 1), 100, ended=False)
    assert clock.watermark < 0, "nobody knows what the other one has"
    clock.advance(TickName(1, 1), -(1 << 62), ended=True)
    assert clock.watermark == 100
    clock.advance(TickName(1, 2), -(1 << 62), ended=False)
    clock.advance(TickName(0, 2), 200, ended=False)
    assert clock.watermark == 100, "it has got one, and has not been heard from"
    clock.advance(TickName(1, 3), 150, ended=False)
    assert clock.watermark == 150
