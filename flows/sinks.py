"""Where results go as a Bytewax sink with one partition, whose state takes part in recovery."""

import msgspec
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.sinks import open_sink
from connectors.tick_parts import RenderedPart, SinkState
from flows.worker_state import WorkerState, noting_failure

FILES = "files"
"""The permanent name of the partition, and the key of everything that goes there."""


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
            stopping=lambda: worker.stopping,
        )

    @noting_failure
    def write_batch(self, values: list[RenderedPart]) -> None:
        """Write parts of ticks."""
        for part in values:
            self._sink.write(part)

    @noting_failure
    def snapshot(self) -> bytes:
        """Remember what was written."""
        return msgspec.msgpack.encode(self._sink.snapshot())

    def close(self) -> None:
        """Let go of files and connections."""
        self._sink.close()


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
