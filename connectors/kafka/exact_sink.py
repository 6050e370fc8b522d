"""Topics as the place where results go, each result once.

An epoch's outputs are kept in an outbox until the epoch is known to be committed; only then are
they sent, in one transaction that also notes the outbox's number. Whoever starts again compares
that note with the number in its snapshot, and sends the outbox if it was not yet sent.
"""

from collections.abc import Callable
from pathlib import Path

from connectors.kafka.outbox import Outbox, OutboxRecord
from connectors.kafka.outbox_delivery import OutboxDelivery
from connectors.kafka.plans import TopicsOut
from connectors.tick_parts import RenderedPart, SinkState, TickParts
from operators.erasing import CUSTOMERS


class ExactSink:
    """Sends each output once; nothing of a customer who is forgotten before it is sent.

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
        self._state = state
        self._parts = TickParts(shards=shards, state=state)
        self._outbox = Outbox(Path(plan.outbox))
        self._outbox.remove_after(state.outbox)
        self._delivery = OutboxDelivery(plan, self._outbox, inherited=state.outbox, owner=owner)
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
        whole = self._parts.add(part)
        for line in whole.get(CUSTOMERS, ()):
            self._outbox.leave_out(line.subject)
        for kind, lines in whole.items():
            self._is_filled = True
            for line in lines:
                record = OutboxRecord(kind, line.key, line.value, line.headers, line.subject)
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
