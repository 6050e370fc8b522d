"""Readers as Bytewax sees them: what they hand over until a snapshot, and when epochs close."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from config import load
from flows import readers
from flows.job import Job, ReplayOptions, replay_job
from flows.readers import ReaderPartition

LINES = 100
LINE = b'{"type":"page","userId":"u%d","timestamp":"2026-01-01T10:00:00.000Z"}\n'
EVERY_S = 10.0


@pytest.fixture
def job(tmp_path: Path) -> Callable[[int, int], Job]:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(LINE % n for n in range(LINES)))

    def make(epoch_bytes: int, number_of_readers: int) -> Job:
        config = tmp_path / "config.yaml"
        config.write_text(f"name: shop\nepoch: {{every: 10s, max_bytes: {epoch_bytes}}}\n")
        options = ReplayOptions(
            files=[events],
            out=tmp_path / "out",
            order="time",
            shards=3,
            readers=number_of_readers,
            workers=1,
            tick_lines=10,
            now_ms=1 << 42,
            close=False,
        )
        return replay_job(load(config), options)

    return make


def open_reader(job: Job) -> ReaderPartition:
    worker = SimpleNamespace(
        run=SimpleNamespace(readers=[b""] * job.readers),
        job=job,
        stopping=False,
        problem=None,
        minimizer=None,
        verify=lambda *_: None,
        reporter=SimpleNamespace(is_due=lambda *_: False, report=lambda *_: None),
    )
    return ReaderPartition(worker, 0, None)  # type: ignore[arg-type]


def ticks(reader: ReaderPartition) -> Iterator[int]:
    """Give how many lines each batch brings, 0 for an empty one, until the input has ended."""
    while True:
        try:
            batch = list(reader.next_batch())
        except StopIteration:
            return
        yield sum(len(tick.customers) for _, tick in batch)


def test_a_reader_hands_over_no_more_than_the_bound_between_two_snapshots(
    job: Callable[[int, int], Job],
) -> None:
    reader = open_reader(job(1500, 1))  # two ticks of ten lines, and a little
    batches = ticks(reader)
    assert [next(batches) for _ in range(5)] == [10, 10, 10, 0, 0]
    assert reader.next_awake() is not None, "it asks to be woken, or the epoch would not end"
    reader.snapshot()
    assert reader.next_awake() is None
    assert [next(batches) for _ in range(4)] == [10, 10, 10, 0]


def test_a_stopped_reader_has_finished_its_tick_and_remembers_where_to_go_on(
    job: Callable[[int, int], Job],
) -> None:
    reader = open_reader(job(1_000_000, 1))
    batches = ticks(reader)
    assert [next(batches) for _ in range(3)] == [10, 10, 10]
    reader._worker.stopping = True
    assert list(batches) == []
    state = msgspec.msgpack.decode(reader.snapshot(), type=readers.ReaderState)
    assert (state.events, state.route.tick, state.ended) == (30, 3, False)
    assert state.positions.positions[0].line == 31


class FakeTime:
    """A wall clock that moves only when somebody sleeps, or is told to."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    ("number_of_readers", "ended_at", "slept"),
    [
        pytest.param(2, 1056.0, [4.5], id="off the lines at 1050 and 1060.5: on the next"),
        pytest.param(2, 1054.0, [], id="nearer to the line before: as it is"),
        pytest.param(2, 1060.25, [0.25], id="shortly before a line: on that one"),
        pytest.param(2, 1050.25, [], id="shortly after a line: as it is"),
        pytest.param(1, 1054.0, [], id="a single reader has nobody to wait for"),
    ],
)
def test_epochs_of_several_readers_close_on_common_lines_of_the_clock(
    job: Callable[[int, int], Job],
    monkeypatch: pytest.MonkeyPatch,
    number_of_readers: int,
    ended_at: float,
    slept: list[float],
) -> None:
    clock = FakeTime(ended_at - EVERY_S)
    monkeypatch.setattr(readers, "time", clock)
    reader = open_reader(job(1_000_000, number_of_readers))
    batches = ticks(reader)
    assert next(batches) == 10
    assert clock.slept == [], "nothing is slept away while the epoch goes on"
    clock.now = ended_at
    last = next(batches)
    assert clock.slept == pytest.approx(slept)
    assert (last == 0) == (number_of_readers > 1), "nothing is handed over on the line itself"
