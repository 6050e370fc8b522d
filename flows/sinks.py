"""Where results go as a Bytewax sink with one partition, whose state takes part in recovery."""

from collections.abc import Sequence
from time import monotonic, perf_counter

import msgspec
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.sinks import open_sink
from connectors.tick_parts import RenderedPart, SinkState
from flows.reports import CountReport, SinkReport
from flows.worker_state import WorkerState, noting_failure
from operators.signs import Removal
from state import audit

FILES = "files"
"""The permanent name of the partition, and the key of everything that goes there."""

_REPORT_EVERY_S = 0.5


class OnlyPartition(StatefulSinkPartition[RenderedPart, bytes]):
    """All results, written by one worker."""

    def __init__(self, worker: WorkerState, row: bytes | None) -> None:
        self._worker = worker
        worker.verify("the sink", row, worker.run.sink)
        job = worker.job
        state = (
            msgspec.msgpack.decode(worker.run.sink, type=SinkState)
            if worker.run.sink
            else SinkState([0] * job.readers)
        )
        self._sink = open_sink(
            job.sink,
            kinds=job.kinds,
            shards=job.route.shards,
            state=state,
            owner=worker.owner,
            stopping=self._is_stopping,
        )
        self._unproven: SinkState | None = None
        self._forgotten: list[audit.Entry] = []
        self._merged = 0
        self._ticks = sum(state.ticks)
        self._epochs, self._epochs_s, self._epoch_started = 0, 0.0, monotonic()
        self._report(state)

    @noting_failure
    def write_batch(self, values: list[RenderedPart]) -> None:
        """Write parts of ticks; the first after a snapshot proves that it is committed."""
        started = perf_counter()
        if self._unproven is not None:
            self._report_committed(self._unproven)
            self._unproven = None
        for part in values:
            self._sink.write(part)
            if part.removals:
                self._note(part.removals)
            self._merged += part.counts["merged"]
        self._worker.measures.spent("sinks", started)
        if self._worker.reporter.is_due("sink", _REPORT_EVERY_S):
            self._report()

    @noting_failure
    def snapshot(self) -> bytes:
        """Remember what was written."""
        state = self._sink.snapshot()
        if self._merged:
            entry = audit.Entry(audit.now_ms(), "merge", merged=self._merged)
            self._forgotten.append(entry)
        state.forgotten, self._forgotten, self._merged = self._forgotten, [], 0
        row = msgspec.msgpack.encode(state)
        self._unproven = msgspec.msgpack.decode(row, type=SinkState)
        return row

    def close(self) -> None:
        """Let go of files and connections."""
        self._sink.close()

    def _note(self, removals: Sequence[Removal]) -> None:
        """Make entries for the audit file, which get there once they are committed."""
        now = audit.now_ms()
        self._forgotten += [
            audit.Entry(now, "forget", each.customer, each.removed, each.suppressed)
            for each in removals
        ]

    def _is_stopping(self) -> bool:
        """Tell a sink that waits for its broker whether to give up, and tell that it waits."""
        self._report()
        return self._worker.stopping

    def _report_committed(self, state: SinkState) -> None:
        """Report an epoch: from snapshot to snapshot, as far as this sink can see it."""
        if state.forgotten:
            self._worker.note_forgotten(state.forgotten)
        now = monotonic()
        self._epochs += 1
        self._epochs_s += now - self._epoch_started
        self._epoch_started = now
        self._ticks = sum(state.ticks)
        self._report(state)

    def _report(self, state: SinkState | None = None) -> None:
        """Report how far the sink is and whether it can write; with a state, what it counts."""
        reporter = self._worker.reporter
        if state is not None:
            for counts in CountReport.of(state.counts, state.written):
                reporter.report(counts)
        reporter.report(
            SinkReport(
                ticks=self._ticks,
                epochs=self._epochs,
                epoch_s=self._epochs_s,
                reachable=self._sink.reachable(),
            )
        )


class Sinks(FixedPartitionedSink[RenderedPart, bytes]):
    """Where all results go."""

    def __init__(self, worker: WorkerState) -> None:
        self._worker = worker

    def list_parts(self) -> list[str]:
        """Name the one partition."""
        return [FILES]

    def part_fn(self, item_key: str) -> int:
        """Choose the partition of a key."""
        return 0

    @noting_failure
    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> OnlyPartition:
        """Open it where the snapshot left them."""
        return OnlyPartition(self._worker, resume_state)
