"""Sends outboxes to topics: each once, whoever is killed, and by one run alone.

A note in the topic ``commits`` says which outbox was sent last, and by which run of the state. It
is written in the transaction that sends the outbox, and read whenever a producer is made anew.
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
    SendRefusedError,
    TakenOverError,
)
from connectors.kafka.client_interface import Producer
from connectors.kafka.clients import make_producer
from connectors.kafka.outbox import Outbox, is_tombstone
from connectors.kafka.plans import COMMITS, TopicsOut
from connectors.kafka.whole_topics import read_last

TIMEOUT_S = 5.0
_TIMEOUT_MOST_S = 20.0  # a busy broker may need longer than one that is away is waited for
RETRY_S = 0.5
ATTEMPTS_MOST = 5
"""How often in a row the brokers may give up or refuse an outbox; then it is not by chance."""


class _Note(msgspec.Struct, frozen=True):
    """Which outbox was sent last, and by which run; older ones do not name the run."""

    outbox: int
    run: str = ""


class OutboxDelivery:
    """Sends outboxes, each in one transaction that notes its number and the run.

    A broker says that a producer is fenced when another has taken over its transactional id, and
    also when it was itself killed in the middle of a transaction. The second is no reason to
    stop: while the state belongs to the same run, and nobody else has noted anything, it goes on.
    Likewise with what a client says of a request that a broker was too slow for.

    Attributes:
        is_reachable: whether the brokers could be reached when it was last tried.

    Args:
        plan: where to.
        outbox: where they are.
        inherited: the number of the last one that earlier runs have made, 0 for none.
        owner: gives the id of the run that the state belongs to now.
    """

    def __init__(
        self, plan: TopicsOut, outbox: Outbox, *, inherited: int, owner: Callable[[], str]
    ) -> None:
        self._plan = plan
        self._outbox = outbox
        self._inherited = inherited
        self._owner = owner
        self._run = owner()
        self._producer: Producer | None = None
        self._known: _Note | None = None  # the last one that was read or written
        self._sent = 0
        self._timeout_s = TIMEOUT_S
        self._taken_over: TakenOverError | None = None
        self.is_reachable = True

    def send(self, number: int, *, until: Callable[[], bool]) -> None:
        """Send an outbox that is committed, unless that was done; wait for brokers that are away.

        Those before it are sent as well, if there are any left.

        Raises:
            BrokerUnreachableError: they were away until it was time to give up.
            TakenOverError: another run sends this state's results.
            FencedError: they gave up the transaction again and again; it may take too long.
            KafkaProblem: they refuse it, again and again.
        """
        if self._taken_over is not None:
            raise self._taken_over  # another connection would fence off the one who has taken over
        failed = 0
        while True:
            try:
                self._send(number)
            except (BrokerUnreachableError, AmbiguousCommitError):
                self.close()
                failed = 0
                self.is_reachable = False
                self._timeout_s = min(2 * self._timeout_s, _TIMEOUT_MOST_S)
                if until():
                    raise
            except TakenOverError as error:
                self._taken_over = error
                raise
            except (FencedError, SendRefusedError):
                self.close()
                failed += 1
                if failed == ATTEMPTS_MOST or until():
                    raise
            except KafkaProblem:
                self.close()
                raise
            else:
                self.is_reachable = True
                self._timeout_s = TIMEOUT_S
                self._outbox.remove_up_to(number)
                return
            time.sleep(RETRY_S)

    def close(self) -> None:
        """Let go of the producer: the next one fences it off, and looks what was sent."""
        if self._producer is not None:
            self._producer.close()
            self._producer = None

    def _send(self, number: int) -> None:
        producer = self._producer or self._connect()
        waiting = {each for each in self._outbox.numbers() if self._sent < each < number}
        for each in sorted(waiting | {number} if self._sent < number else ()):
            self._send_one(producer, each)

    def _send_one(self, producer: Producer, number: int) -> None:
        prefix = self._plan.prefix
        producer.begin()
        for record in self._outbox.records(number):
            if is_tombstone(record) and record.kind not in self._plan.compacted:
                continue  # it was not known which topics are
            producer.send(prefix + record.kind, record.key, record.value, record.headers)
        note = _Note(number, self._run)
        key, value = self._plan.state.encode(), msgspec.json.encode(note)
        producer.send(prefix + COMMITS, key, value, (), partition=0)
        producer.commit()
        self._known, self._sent = note, number

    def _connect(self) -> Producer:
        """Fence off whoever sent before, then look up to where it came."""
        if self._owner() != self._run:
            raise self._foreign()  # asked first, for the other run is fenced off by the next line
        producer = make_producer(
            self._plan.settings,
            transactional_id=f"cartwheel-{self._plan.state}",
            compression=self._plan.compression,
            timeout_s=self._timeout_s,
        )
        try:
            self._take_note(self._read_note())
        except BaseException:
            producer.close()
            raise
        self._producer = producer
        return producer

    def _read_note(self) -> _Note | None:
        plan = self._plan
        notes = read_last(plan.settings, plan.prefix + COMMITS, timeout_s=self._timeout_s)
        note = notes.get(plan.state.encode())
        return msgspec.json.decode(note, type=_Note) if note else None

    def _take_note(self, note: _Note | None) -> None:
        """Learn what was sent by an earlier run, or by an attempt of ours that broke off.

        A state that was restored from a backup counts its outboxes again from an earlier number:
        a note of another run says nothing of those that are made by this one.
        """
        if self._known is None:
            self._known = note or _Note(0)
            self._sent = min(self._known.outbox, self._inherited)
        elif note is not None and note.run == self._run:
            self._known = note
            self._sent = max(note.outbox, self._sent)
        elif note is not None and note != self._known:
            raise self._foreign()

    def _foreign(self) -> TakenOverError:
        return TakenOverError(
            f"the results of state {self._plan.state} are sent by another run now, so this one"
            " sends nothing any more: is the state used twice, or is a copy of it? Stop one of them"
        )


def send_rest(
    plan: TopicsOut, number: int, *, owner: Callable[[], str], until: Callable[[], bool]
) -> None:
    """Send what a run that has stopped had committed and not yet sent.

    Args:
        plan: where to.
        number: of the last outbox that is committed, 0 for none.
        owner: gives the id of the run that the state belongs to now.
        until: tells whether to give up on brokers that are away.

    Raises:
        ConnectorProblem: it could not be sent; the next start does.
    """
    if number == 0:
        return
    delivery = OutboxDelivery(plan, Outbox(Path(plan.outbox)), inherited=number, owner=owner)
    try:
        delivery.send(number, until=until)
    finally:
        delivery.close()
