"""Decide: holds each customer's row, memberships and instances; it alone says what is sent."""

from collections import Counter

from operators.customers import Customer, CustomerStore
from operators.erasing import Eraser
from operators.outputs import Outputs
from operators.pasts import Pasts
from operators.plans import DecidePlan
from operators.scores import ScoreWriter
from operators.segments import SegmentKeeper
from operators.signs import (
    ConsentSaid,
    Erased,
    Forgotten,
    JoinBegan,
    JoinEnded,
    NoMore,
    Row,
    SessionClosed,
    SessionPassed,
    Sign,
    Signal,
)
from operators.ticks import ProfileResult, ShardResult, TickName
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime
from operators.triggers import TriggerKeeper

RECONCILED_A_TICK = 20
"""How many customers are looked at anew with each tick after a change of segments, beside as many
as the tick has events."""


class DecideStep:
    """Keeps rows and memberships; opens instances, ends each in one decision, sends what is due.

    Knows nothing of Bytewax or of files: give it what profile says of a tick, it gives outputs.

    Attributes:
        watermark: the shard's after the last tick.

    Args:
        plan: the segments and the triggers.
        store: the customers and their deadlines.
        ticks: each reader's last tick.
    """

    def __init__(self, plan: DecidePlan, store: CustomerStore, ticks: list[int]) -> None:
        self._store = store
        self._customers = store.customers
        self._triggers = TriggerKeeper(plan, store)
        self._segments = SegmentKeeper(plan, store, self._triggers)
        self._pasts = Pasts(store, self._segments, self._triggers)
        self._scores = ScoreWriter(plan)
        self._eraser = Eraser(plan, store)
        self._ticks = list(ticks)
        self.watermark = BEFORE_ALL
        self._result = ShardResult(TickName(0, 0), 0, Outputs(), Counter())

    def on_tick(self, profile: ProfileResult) -> ShardResult:
        """Take in a tick's signs, then let happen all that the watermark has passed."""
        name = profile.name
        expected = self._ticks[name.reader] + 1
        assert name.number == expected, f"expected tick {expected}, got {name}"
        self._ticks[name.reader] = name.number
        self.watermark = profile.watermark
        self._result = ShardResult(name, profile.shard, profile.outputs, profile.counts)
        decider = self._triggers.decider
        decider.outputs, decider.counts = profile.outputs, profile.counts
        self._scores.outputs, self._scores.counts = profile.outputs, profile.counts
        if profile.signs:
            customers = self._customers.edit(dict.fromkeys(sign.customer for sign in profile.signs))
            before: Sign | None = None
            for place, sign in enumerate(profile.signs):
                if not _are_together(before, sign):
                    self._triggers.settle()
                self._take(sign, customers)
                for scored in profile.scores.get(place, ()):
                    assert isinstance(sign, Row), "moments have rows"
                    self._scores.take(customers[sign.customer], sign, scored)
                before = sign
            self._triggers.settle()
        most = None if profile.ended else RECONCILED_A_TICK + len(profile.signs)
        self._triggers.watermark = profile.watermark
        self._segments.reconcile_some(most)
        self._segments.fire_everyone(profile.watermark)
        self._triggers.settle()
        self._fire_everyone(profile.watermark)
        self._write_changes()
        return self._result

    def snapshot(self) -> list[int]:
        """Write what has changed; return each reader's last tick."""
        self._store.flush()
        return list(self._ticks)

    def _take(self, sign: Sign, customers: dict[str, Customer]) -> None:
        self._triggers.watermark = sign.watermark
        customer = customers.get(sign.customer)
        if isinstance(sign, Erased):
            self._erase(customers.pop(sign.customer, None), sign)
            return
        if customer is not None and customer.forgotten:
            self._triggers.pass_by(customer, sign.watermark)
            if self._drop_if_done(customer):
                del customers[customer.name]
                customer = None
        if isinstance(sign, Forgotten):
            if customer is not None and self._forget(customer, sign):
                del customers[customer.name]
            return
        if isinstance(sign, JoinBegan | JoinEnded | NoMore):
            self._take_past(sign, customer, customers)
            return
        if customer is None:
            new = Customer(sign.customer, self._store.view)
            customer = customers[sign.customer] = self._customers.insert(sign.customer, new)
        if customer.forgotten:
            customer.forgotten, customer.consent = False, None
        self._tell(customer, sign)

    def _take_past(
        self,
        sign: JoinBegan | JoinEnded | NoMore,
        customer: Customer | None,
        customers: dict[str, Customer],
    ) -> None:
        """Take in what an anonymous customer was, or let go of it."""
        if isinstance(sign, JoinBegan):
            if customer is not None:
                self._go_by(customer, sign.watermark)
                self._segments.pass_by(customer, sign.time)
            joined = self._pasts.begin(sign, customer)
            if joined is not None:
                customers[joined.name] = joined
        elif customer is None:
            return
        elif isinstance(sign, JoinEnded):
            self._pasts.end(sign, customer)
        else:
            self._go_by(customer, sign.watermark)
            self._pasts.no_more(sign, customer)
            del customers[customer.name]

    def _tell(
        self, customer: Customer, sign: Row | Signal | ConsentSaid | SessionPassed | SessionClosed
    ) -> None:
        """Tell a customer's segments and triggers what profile says."""
        if isinstance(sign, Row):
            self._segments.take(customer, sign)
        elif isinstance(sign, Signal):
            self._go_by(customer, sign.watermark)
            self._triggers.take(customer, sign)
        elif isinstance(sign, ConsentSaid):
            self._take_consent(customer, sign)
        elif isinstance(sign, SessionPassed):
            self._segments.pass_by(customer, EventTime(sign.time + 1))
            self._triggers.note_closing(customer, sign.time)
        else:
            self._segments.pass_by(customer, EventTime(sign.time + 1))
            self._triggers.pass_by(customer, sign.time)
            self._triggers.take_closing(customer, sign)

    def _take_consent(self, customer: Customer, said: ConsentSaid) -> None:
        """Take what a customer permits now; let go of what that was collected for (N4 to N6)."""
        self._go_by(customer, said.watermark)
        if said.forgotten is not None:
            self._segments.pass_by(customer, said.forgotten)
            self._triggers.before(customer, said.forgotten)
            self._segments.forget(customer, said.forgotten)
            customer.moment = max(customer.moment, said.forgotten)
        self._triggers.take_consent(customer, said)
        row = self._scores.revoke(customer, said)
        if row and customer.row:
            self._segments.take(customer, row)

    def _go_by(self, customer: Customer, before: EventTime) -> None:
        """Let happen what happens by itself to a customer before a time."""
        self._segments.pass_by(customer, before)
        self._triggers.pass_by(customer, before)

    def _forget(self, customer: Customer, sign: Forgotten) -> bool:
        """Forget a customer whose profile is gone, but for what is pending; tell if all is gone."""
        self._segments.pass_by(customer, sign.time)
        self._triggers.keep_rows(customer, AFTER_ALL)
        self._triggers.pass_by(customer, sign.watermark)
        self._segments.forget(customer, sign.time)
        customer.forgotten = True
        customer.sent, customer.scores = [], {}
        for case in customer.cases.values():
            case.sent = None
        return self._drop_if_done(customer)

    def _erase(self, customer: Customer | None, sign: Erased) -> None:
        """Forget a customer by an event, once all has happened that the watermark has passed."""
        if customer is not None:
            self._go_by(customer, sign.watermark)
            self._triggers.settle()
        self._write_changes()
        self._eraser.erase(customer, sign, self._result)

    def _fire_everyone(self, watermark: EventTime) -> None:
        while due := self._triggers.due():
            customers = self._customers.edit(due)
            for name in due:
                customer = customers[name]
                if customer.view != self._store.view:
                    self._triggers.put_back(customer)  # it was taken just now
                    self._go_by(customer, watermark)
                else:
                    self._triggers.end(customer, watermark)
                self._drop_if_done(customer)

    def _drop_if_done(self, customer: Customer) -> bool:
        """Drop a forgotten customer who has nothing pending; tell whether so."""
        pending = any(each.is_pending for each in customer.instances())
        if pending or not customer.forgotten:
            return False
        self._store.erase(customer)
        return True

    def _write_changes(self) -> None:
        """Write who has entered or left a segment."""
        for record in self._segments.records:
            self._result.outputs.add("segments", record)
            self._result.counts[f"{record.type} {record.data['segment']}"] += 1
        self._segments.records = []


def _are_together(before: Sign | None, sign: Sign) -> bool:
    """Tell whether two signs in turn are of one moment: what they start is decided together."""
    if not isinstance(before, Row) or before.customer != sign.customer:
        return False
    if before.is_event:
        return isinstance(sign, Signal)
    return isinstance(sign, SessionClosed) and before.time == sign.time
