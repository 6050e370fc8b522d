"""Gives a customer the past that turns out to be theirs, in the decide step (J6, J7)."""

import msgspec

from operators.arbitration import REMEMBERED_MOST
from operators.customers import Customer, CustomerStore
from operators.instances import Case, cancel_order, opened_order
from operators.memberships import Membership
from operators.segments import Origin, SegmentKeeper
from operators.signs import JoinBegan, JoinEnded, NoMore
from operators.times import BEFORE_ALL
from operators.triggers import TriggerKeeper

_customers = msgspec.msgpack.Decoder(Customer)


class Pasts:
    """Takes in what anonymous customers were sent, and what they were in.

    Args:
        store: the customers and their deadlines.
        segments: their memberships.
        triggers: their instances.
    """

    def __init__(
        self, store: CustomerStore, segments: SegmentKeeper, triggers: TriggerKeeper
    ) -> None:
        self._store = store
        self._segments = segments
        self._triggers = triggers
        self._before: list[Membership] = []

    def begin(self, told: JoinBegan, customer: Customer | None) -> Customer:
        """Take in what an anonymous customer was sent; for one who is new all that it was.

        Args:
            told: what decide would keep of the anonymous one.
            customer: who is given it, after all that lies before the watermark; None for nobody.

        Returns:
            The customer.
        """
        past = _customers.decode(told.decided) if told.decided else None
        for instance in past.instances() if past else ():
            instance.is_sent = False  # it went to another, from whom it cannot be taken back
        if customer is None and (past is None or not told.is_new):
            customer = self._store.customers.insert(
                told.customer, Customer(told.customer, self._store.view)
            )
        self._segments.hold_changes()
        if customer is None:
            assert past is not None
            self._before = []
            past.name, past.view = told.customer, self._store.view
            self._store.put_timers(past)
            return self._store.customers.insert(past.name, past)
        self._before = [msgspec.structs.replace(each) for each in customer.memberships]
        if past is not None:
            self._take_sent(customer, past)
            if told.is_new:
                self._take_over(customer, past)
        return customer

    def end(self, told: JoinEnded, customer: Customer) -> None:
        """Say what the customer has entered and left by it, once each."""
        self._segments.tell_changes(customer, self._before, told.time)

    def no_more(self, told: NoMore, customer: Customer) -> None:
        """Let an anonymous customer be no more, after all that lies before the watermark."""
        time = max(told.linked, told.watermark)
        self._triggers.decider.end_merged(customer, time, told.message_id)
        self._segments.forget(customer, told.time, Origin.MERGE)
        self._store.erase(customer)

    def _take_sent(self, customer: Customer, past: Customer) -> None:
        """Let what the anonymous customer was sent count."""
        sent = sorted([*customer.sent, *past.sent], key=lambda each: each.time)
        customer.sent = sent[-REMEMBERED_MOST:]
        for name, theirs in past.cases.items():
            if theirs.sent is not None:
                case = customer.cases.setdefault(name, Case())
                case.sent = theirs.sent if case.sent is None else max(case.sent, theirs.sent)

    def _take_over(self, customer: Customer, past: Customer) -> None:
        """Let one whose profile had gone be what the anonymous one was, beside what is pending."""
        self._store.take_back_timers(customer)
        customer.forgotten, customer.emptied = False, BEFORE_ALL
        customer.row, customer.moment, customer.consent = past.row, past.moment, past.consent
        customer.memberships, customer.closings = past.memberships, past.closings
        customer.timer = min(customer.timer, past.timer)
        customer.change_timer = past.change_timer
        for name, theirs in past.cases.items():
            case = customer.cases.setdefault(name, Case())
            case.instances = sorted([*case.instances, *theirs.instances], key=opened_order)
            case.cancels = sorted([*case.cancels, *theirs.cancels], key=cancel_order)
        self._store.put_timers(customer)
