"""A topic as input: each reader has its share of the partitions, from positions that it keeps.

The group's offsets at the broker are for lag tools alone: nothing is ever read from them.
"""

from collections.abc import Sequence
from time import monotonic

import numpy as np

from connectors.errors import BrokerUnreachableError, KafkaProblem, OffsetGoneError
from connectors.kafka.client_interface import Consumer, Records
from connectors.kafka.clients import make_consumer
from connectors.kafka.plans import KafkaPositions, KafkaTopic
from connectors.kafka.record_lines import RecordLines
from operators.heads import LineReader
from operators.lines import Lines, join
from operators.rejections import Origin, Partition

_CONNECT_TIMEOUT_S = 3.0
_CONNECT_EVERY_S = 1.0
_LOOK_FOR_PARTITIONS_EVERY_S = 5.0
_COMMIT_AGAIN_S = 5.0  # a commit that is not taken is not heard of


class KafkaInput:
    """One reader's share of a topic; a LiveInput.

    While the broker cannot be reached there is nothing to take, and nothing is idle.

    Attributes:
        ended: never.

    Args:
        source: the topic.
        number: the reader's.
        reader: says what the records' values are.
        positions: where to go on, None at the first start.
        idle_ms: after how long without records a partition is idle, None for never.
    """

    ended = False
    by_origin = True

    def __init__(
        self,
        source: KafkaTopic,
        number: int,
        reader: LineReader,
        positions: KafkaPositions | None,
        *,
        idle_ms: int | None,
    ) -> None:
        self._source = source
        self._number = number
        self._reader = reader
        self._records = RecordLines(source.mapping)
        self._idle_ms = idle_ms
        self._offsets = positions.offsets if positions else None
        self._consumer: Consumer | None = None
        self._next_connect = 0.0
        self._next_look = 0.0
        self._busy_at: dict[int, float] = {}
        self._origins: tuple[Origin, ...] = ()
        self._bytes = 0
        self._noted: dict[int, int] = {}
        self._noted_at = 0.0

    @property
    def partitions(self) -> Sequence[int]:
        """The partitions that the reader has now."""
        return list(self._busy_at)

    @property
    def has_share(self) -> bool:
        """Whether the reader has partitions, or does not know yet."""
        return self._consumer is None or bool(self._busy_at)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The partitions of the topic, by number."""
        return self._origins

    def take(self, count: int) -> Lines:
        """Return what has been fetched, at most so many records.

        Raises:
            KafkaProblem: the topic or an offset is gone, or may not be read.
        """
        consumer = self._connected()
        if consumer is None:
            return join([])
        try:
            fetched = consumer.poll(count)
        except OffsetGoneError as gone:
            if not self._source.accepts_gaps:
                raise KafkaProblem(
                    f"{gone}; with source.kafka.on_gap: accept it is read on at {gone.first}"
                ) from None
            self._read_on_at(gone.partition, gone.first)
            return join([])
        parts = [(records.partition, join(self._lines(records))) for records in fetched]
        # records that a mapping skips do not keep a partition busy: they move no watermark
        self._note_busy([partition for partition, lines in parts if len(lines)])
        lines = join([lines for _, lines in parts])
        self._bytes += lines.size
        return lines

    def idle(self) -> Sequence[int]:
        """Return the partitions whose end was reached and which brought nothing for a while."""
        if self._idle_ms is None:
            return ()
        quiet_since = monotonic() - self._idle_ms / 1000
        return [number for number, busy_at in self._busy_at.items() if busy_at <= quiet_since]

    def positions(self) -> KafkaPositions:
        """Return where to go on after what was taken."""
        if self._consumer is not None:
            self._offsets = self._consumer.positions()
        return KafkaPositions(self._source.topic, self._offsets)

    def committed(self) -> None:
        """Note the last snapshot's positions at the broker, now that it is committed."""
        if self._consumer is None or self._offsets is None:
            return
        is_old = monotonic() > self._noted_at + _COMMIT_AGAIN_S
        if self._offsets and (self._offsets != self._noted or is_old):
            self._consumer.commit(self._offsets)
            self._noted, self._noted_at = dict(self._offsets), monotonic()

    def lag(self) -> int | None:
        """Return how many records wait, None where that is not known."""
        return None if self._consumer is None else sum(self._consumer.lag().values())

    def reachable(self) -> bool:
        """Tell whether the broker can be reached."""
        return self._consumer is not None and self._consumer.reachable()

    def bytes_read(self) -> int:
        """Return how many bytes of records were taken."""
        return self._bytes

    def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            self._consumer.close()

    def _connected(self) -> Consumer | None:
        """Return a consumer of the reader's partitions; None while the broker is away."""
        now = monotonic()
        consumer = self._consumer
        if consumer is None:
            if now < self._next_connect:
                return None
            source = self._source
            try:
                consumer = make_consumer(
                    source.settings, source.topic, source.group, timeout_s=_CONNECT_TIMEOUT_S
                )
                self._assign(consumer, self._offsets)
            except BrokerUnreachableError:
                if consumer is not None:
                    consumer.close()
                self._next_connect = monotonic() + _CONNECT_EVERY_S
                return None
            self._consumer = consumer
        elif now >= self._next_look and consumer.reachable():
            try:
                self._assign(consumer, consumer.positions())
            except BrokerUnreachableError:
                self._next_look = monotonic() + _LOOK_FOR_PARTITIONS_EVERY_S
        return consumer

    def _assign(self, consumer: Consumer, offsets: dict[int, int] | None) -> None:
        """Read the reader's partitions; ones that were added are read from their beginning."""
        self._next_look = monotonic() + _LOOK_FOR_PARTITIONS_EVERY_S
        everyone = consumer.partitions()
        mine = [number for number in everyone if number % self._source.readers == self._number]
        if offsets is not None and not set(mine) - offsets.keys() and self._consumer is not None:
            return
        if offsets is None:
            offsets = self._first_offsets(consumer, mine)
        else:
            added = [number for number in mine if number not in offsets]
            bounds = consumer.bounds(added) if added else {}
            offsets = {**offsets, **{number: bounds[number][0] for number in added}}
        self._origins = tuple(
            Partition(self._source.topic, number) for number in range(max(everyone) + 1)
        )
        consumer.assign(offsets)
        self._offsets = offsets
        for number in offsets:
            self._busy_at.setdefault(number, monotonic())

    def _first_offsets(self, consumer: Consumer, mine: Sequence[int]) -> dict[int, int]:
        if not mine:
            return {}
        start = self._source.start
        if isinstance(start, int):
            return consumer.offsets_at(mine, start)
        side = 0 if start == "earliest" else 1
        return {number: bounds[side] for number, bounds in consumer.bounds(mine).items()}

    def _read_on_at(self, partition: int, offset: int) -> None:
        """Go on behind a gap."""
        assert self._consumer is not None, "it has just said that there is a gap"
        self._consumer.assign({**self._consumer.positions(), partition: offset})

    def _note_busy(self, partitions: Sequence[int]) -> None:
        """Note when each partition last had events, or was not known to have none."""
        assert self._consumer is not None, "it has just been asked"
        now = monotonic()
        at_end = self._consumer.at_end() if self._consumer.reachable() else {}
        for number in self._busy_at:
            if not at_end.get(number):
                self._busy_at[number] = now
        for number in partitions:
            self._busy_at[number] = now

    def _lines(self, records: Records) -> list[Lines]:
        """Turn records into lines."""
        now = np.array(records.timestamps, np.int64)
        now[now < 0] = self._reader.now_ms
        return self._records.read(records, now, self._reader)
