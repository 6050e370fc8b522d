"""Topics as the place where results go at once: after a crash some come again, with the same id."""

import time
from collections.abc import Callable
from functools import partial

from connectors.errors import BrokerUnreachableError
from connectors.kafka.client_interface import Producer
from connectors.kafka.clients import make_producer
from connectors.kafka.outbox_delivery import RETRY_S, TIMEOUT_S, send_rest
from connectors.kafka.plans import TopicsOut
from connectors.rendering import Line
from connectors.tick_parts import RenderedPart, SinkState, TickParts


class FastSink:
    """Sends each output at once; after a crash some come again, with the same ids.

    Args:
        plan: where to.
        shards: how many parts a tick has.
        state: as of the last snapshot.
        owner: gives the id of the run that the state belongs to now.
        stopping: tells whether to give up on a broker that is away.
    """

    def __init__(
        self,
        plan: TopicsOut,
        *,
        shards: int,
        state: SinkState,
        owner: Callable[[], str],
        stopping: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._parts = TickParts(shards=shards, state=state)
        self._owner = owner
        self._stopping = stopping
        self._producer: Producer | None = None
        self._rest = state.outbox  # of a run whose delivery was exact
        self._is_reachable = True

    def write(self, part: RenderedPart) -> None:
        """Take one shard's part of a tick; send the tick when it was the last part.

        Raises:
            KafkaProblem: it cannot be sent.
        """
        if self._rest:
            send_rest(self._plan, self._rest, owner=self._owner, until=self._stopping)
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
        state = self._parts.snapshot()
        if self._producer is not None:
            self._insist(self._producer.flush)
        return state

    def reachable(self) -> bool:
        """Tell whether the brokers could be reached when it was last tried."""
        return self._is_reachable

    def close(self) -> None:
        """Let go of the brokers."""
        if self._producer is not None:
            self._producer.close()

    def _send(self, topic: str, line: Line) -> None:
        self._connected().send(topic, line.key, line.value, line.headers)

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = make_producer(
                self._plan.settings,
                transactional_id=None,
                compression=self._plan.compression,
                timeout_s=TIMEOUT_S,
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
                time.sleep(RETRY_S)
            else:
                self._is_reachable = True
                return
