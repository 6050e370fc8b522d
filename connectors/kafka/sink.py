"""Topics as the place where results go: each kind of output has its topic.

``exact``: an epoch's outputs are kept in an outbox until the epoch is known to be committed; only
then are they sent, in one transaction that also notes the outbox's number. Whoever starts again
compares that note with the number in its snapshot, and sends the outbox if it was not yet sent.

``fast``: outputs are sent at once. After a crash some come again, with the same ids.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Literal

import msgspec

from connectors.errors import (
    AmbiguousCommitError,
    BrokerUnreachableError,
    FencedError,
    KafkaProblem,
    TopicMissingError,
)
from connectors.kafka.client_admin import create_topics, topics_of
from connectors.kafka.client_interface import Producer
from connectors.kafka.client_settings import KafkaSettings
from connectors.kafka.clients import make_producer, read_last
from connectors.kafka.outbox import Outbox, OutboxRecord
from connectors.rendering import Line
from connectors.tick_parts import RenderedPart, SinkState, TickParts

Delivery = Literal["exact", "fast"]
KafkaCompression = Literal["none", "gzip", "lz4", "zstd"]

COMMITS = "commits"
"""The topic, behind the prefix, that notes which outboxes were sent."""

_TIMEOUT_S = 5.0
_TIMEOUT_MOST_S = 20.0  # a busy broker may need longer than one that is away is waited for
_RETRY_S = 0.5


class TopicsOut(msgspec.Struct, frozen=True, tag="kafka"):
    """Topics that results go to.

    Attributes:
        settings: how to reach the brokers.
        prefix: of the topics' names.
        delivery: what is promised.
        compression: of what is sent.
        create: whether missing topics are created, with so many partitions.
        partitions: of each topic that is created.
        state: the id of the state, which owns the transactions.
        outbox: the folder of the outboxes.
    """

    settings: KafkaSettings
    prefix: str
    delivery: Delivery
    compression: KafkaCompression
    create: bool
    partitions: int
    state: str
    outbox: str


def prepare_topics(plan: TopicsOut, kinds: Sequence[str]) -> None:
    """Check that the topics are there, and create them if that is wanted.

    Raises:
        TopicMissingError: some are not there and are not to be created.
        KafkaProblem: the brokers cannot be asked, or refuse.
    """
    known = topics_of(plan.settings)
    kinds = [*kinds, COMMITS] if plan.delivery == "exact" else kinds
    missing = [name for name in (plan.prefix + kind for kind in kinds) if name not in known]
    if not missing:
        return
    if not plan.create:
        raise TopicMissingError(
            f"{plan.settings.brokers} has no topic {', '.join(missing)}; create what is missing,"
            " or let the config say sinks.kafka.create: true"
        )
    commits = plan.prefix + COMMITS
    create_topics(
        plan.settings,
        {
            name: (1, {"cleanup.policy": "compact"}) if name == commits else (plan.partitions, {})
            for name in missing
        },
    )


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
        self._seconds_before, self._started = state.seconds, monotonic()

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
                value = None if line.is_null else line.text
                self._outbox.add(number, OutboxRecord(kind, line.key, value, line.headers))

    def snapshot(self) -> SinkState:
        """Make the epoch's outbox durable; return what to remember.

        Raises:
            FileProblem: it cannot be written.
        """
        self._parts.assert_whole()
        if self._is_filled:
            self._state.outbox += 1
            self._outbox.finish(self._state.outbox)
            self._is_filled, self._is_sent = False, False
        self._state.seconds = self._seconds_before + monotonic() - self._started
        return self._state

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
        self._timeout_s = _TIMEOUT_S
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
                time.sleep(_RETRY_S)
            except KafkaProblem as problem:
                self.close()
                self._fenced = problem if isinstance(problem, FencedError) else None
                raise
            else:
                self.is_reachable = True
                self._timeout_s = _TIMEOUT_S
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


class FastSink:
    """Sends each output at once; after a crash some come again, with the same ids.

    Args:
        plan: where to.
        shards: how many parts a tick has.
        state: as of the last snapshot.
        stopping: tells whether to give up on a broker that is away.
    """

    def __init__(
        self, plan: TopicsOut, *, shards: int, state: SinkState, stopping: Callable[[], bool]
    ) -> None:
        self._plan = plan
        self._state = state
        self._parts = TickParts(shards=shards, state=state)
        self._stopping = stopping
        self._producer: Producer | None = None
        self._rest = state.outbox  # of a run whose delivery was exact
        self._is_reachable = True
        self._seconds_before, self._started = state.seconds, monotonic()

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick; send the tick when it was the last part.

        Raises:
            KafkaProblem: it cannot be sent.
        """
        if self._rest:
            send_rest(self._plan, self._rest, until=self._stopping)
            self._rest = 0
        for kind, lines in self._parts.add(part).items():
            topic = self._plan.prefix + kind
            for line in lines:
                self._insist(partial(self._send, topic, line))

    def snapshot(self) -> SinkState:
        """Wait until all was taken by the brokers; return what to remember.

        Raises:
            KafkaProblem: it was not.
        """
        self._parts.assert_whole()
        if self._producer is not None:
            self._insist(self._producer.flush)
        self._state.seconds = self._seconds_before + monotonic() - self._started
        return self._state

    def reachable(self) -> bool:
        """Tell whether the brokers could be reached when it was last tried."""
        return self._is_reachable

    def close(self) -> None:
        """Let go of the brokers."""
        if self._producer is not None:
            self._producer.close()

    def _send(self, topic: str, line: Line) -> None:
        value = None if line.is_null else line.text
        self._connected().send(topic, line.key, value, line.headers)

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = make_producer(
                self._plan.settings,
                transactional_id=None,
                compression=self._plan.compression,
                timeout_s=_TIMEOUT_S,
            )
        return self._producer

    def _insist(self, act: Callable[[], None]) -> None:
        """Try again while the brokers are away."""
        while True:
            try:
                act()
            except BrokerUnreachableError:
                self._is_reachable = False
                if self._stopping():
                    raise
                time.sleep(_RETRY_S)
            else:
                self._is_reachable = True
                return


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
