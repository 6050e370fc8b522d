"""Topics as the place where results go, each result once.

An epoch's outputs are kept in an outbox until the epoch is known to be committed; only then are
they sent, in one transaction that also notes the outbox's number. Whoever starts again compares
that note with the number in its snapshot, and sends the outbox if it was not yet sent.
"""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from connectors.errors import (
    AmbiguousCommitError,
    BrokerUnreachableError,
    FencedError,
    KafkaProblem,
)
from connectors.kafka.client_interface import Producer
from connectors.kafka.clients import make_producer
from connectors.kafka.outbox import Outbox, OutboxRecord
from connectors.kafka.plans import COMMITS, TopicsOut
from connectors.kafka.whole_topics import read_last
from connectors.tick_parts import RenderedPart, SinkState, TickParts

TIMEOUT_S = 5.0
_TIMEOUT_MOST_S = 20.0  # a busy broker may need longer than one that is away is waited for
RETRY_S = 0.5


class ExactSink:
    """Sends each output once.

    Args:
        plan: where to.
        shards: how many parts a tick has.
        state: as of the last snapshot.
        stopping: tells whether to give up on a broker that is away.
    """

    def __init__(
        self, plan: TopicsOut, *, shards: int, state: SinkState, stopping: Callable[[], bool]
    ) -> None:
        self._state = state
        self._parts = TickParts(shards=shards, state=state)
        self._outbox = Outbox(Path(plan.outbox))
        self._delivery = OutboxDelivery(plan, self._outbox)
        self._stopping = stopping
        self._is_filled = False
        self._is_sent = state.outbox == 0

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick; the first after a snapshot proves that it is committed.

        Raises:
            ConnectorProblem: the outbox cannot be written, or what is due cannot be sent.
        """
        if not self._is_sent:
            self._delivery.send(self._state.outbox, until=self._stopping)
            self._is_sent = True
        number = self._state.outbox + 1
        for kind, lines in self._parts.add(part).items():
            self._is_filled = True
            for line in lines:
                record = OutboxRecord(kind, line.key, line.value, line.headers)
                self._outbox.add(number, record)

    def snapshot(self) -> SinkState:
        """Make the epoch's outbox durable; return what to remember.

        Raises:
            FileProblem: it cannot be written.
        """
        state = self._parts.snapshot()
        if self._is_filled:
            state.outbox += 1
            self._outbox.finish(state.outbox)
            self._is_filled, self._is_sent = False, False
        return state

    def reachable(self) -> bool:
        """Tell whether the brokers could be reached when it was last tried."""
        return self._delivery.is_reachable

    def close(self) -> None:
        """Let go of the brokers; what is not sent yet is sent at the next start."""
        self._outbox.close()
        self._delivery.close()


class OutboxDelivery:
    """Sends outboxes, each in one transaction that notes its number.

    Attributes:
        is_reachable: whether the brokers could be reached when it was last tried.

    Args:
        plan: where to.
        outbox: where they are.
    """

    def __init__(self, plan: TopicsOut, outbox: Outbox) -> None:
        self._plan = plan
        self._outbox = outbox
        self._producer: Producer | None = None
        self._sent = 0
        self._timeout_s = TIMEOUT_S
        self._fenced: FencedError | None = None
        self.is_reachable = True

    def send(self, number: int, *, until: Callable[[], bool]) -> None:
        """Send an outbox that is committed, unless that was done; wait for brokers that are away.

        Raises:
            BrokerUnreachableError: they were away until it was time to give up.
            FencedError: another process has taken over the state.
            KafkaProblem: they refuse it.
        """
        if self._fenced is not None:
            raise self._fenced  # another connection would fence off the one who has taken over
        while True:
            try:
                self._send(number)
            except (BrokerUnreachableError, AmbiguousCommitError):
                self.close()
                self.is_reachable = False
                self._timeout_s = min(2 * self._timeout_s, _TIMEOUT_MOST_S)
                if until():
                    raise
                time.sleep(RETRY_S)
            except KafkaProblem as problem:
                self.close()
                self._fenced = problem if isinstance(problem, FencedError) else None
                raise
            else:
                self.is_reachable = True
                self._timeout_s = TIMEOUT_S
                self._outbox.remove_up_to(number)
                return

    def close(self) -> None:
        """Let go of the producer: the next one fences it off, and looks what was sent."""
        if self._producer is not None:
            self._producer.close()
            self._producer = None

    def _send(self, number: int) -> None:
        producer = self._producer or self._connect()
        if number <= self._sent:
            return
        prefix = self._plan.prefix
        producer.begin()
        for record in self._outbox.records(number):
            producer.send(prefix + record.kind, record.key, record.value, record.headers)
        note = msgspec.json.encode({"outbox": number})
        producer.send(prefix + COMMITS, self._plan.state.encode(), note, (), partition=0)
        producer.commit()
        self._sent = number

    def _connect(self) -> Producer:
        """Fence off whoever sent before, then look up to where it came."""
        plan = self._plan
        producer = make_producer(
            plan.settings,
            transactional_id=f"cartwheel-{plan.state}",
            compression=plan.compression,
            timeout_s=self._timeout_s,
        )
        try:
            notes = read_last(plan.settings, plan.prefix + COMMITS, timeout_s=self._timeout_s)
        except BaseException:
            producer.close()
            raise
        note = notes.get(plan.state.encode())
        self._sent = msgspec.json.decode(note)["outbox"] if note else 0
        self._producer = producer
        return producer


def send_rest(plan: TopicsOut, number: int, *, until: Callable[[], bool]) -> None:
    """Send what a run that has stopped had committed and not yet sent.

    Args:
        plan: where to.
        number: of the last outbox that is committed, 0 for none.
        until: tells whether to give up on brokers that are away.

    Raises:
        ConnectorProblem: it could not be sent; the next start does.
    """
    if number == 0:
        return
    delivery = OutboxDelivery(plan, Outbox(Path(plan.outbox)))
    try:
        delivery.send(number, until=until)
    finally:
        delivery.close()
