"""Removes a customer from what decide keeps, and says so, when an event asks for it."""

from operators.customers import Customer, CustomerStore
from operators.outputs import Record, Tombstone, make_id
from operators.plans import DecidePlan
from operators.signs import Erased
from operators.ticks import ShardResult
from operators.times import AFTER_ALL

CUSTOMERS = "customers"
"""The kind of the outputs that tell of customers who were forgotten."""

KEYED = ("sessions", "segments", "triggers", "decisions", "scores")
"""The kinds of outputs whose records stand under their customer; the first are profile's."""


class Eraser:
    """Removes customers.

    Args:
        plan: the segments, and the name of the config.
        store: the customers and their deadlines.
    """

    def __init__(self, plan: DecidePlan, store: CustomerStore) -> None:
        self._name = plan.name
        self._segments = [each.name for each in plan.segments]
        self._store = store

    def erase(self, customer: Customer | None, sign: Erased, result: ShardResult) -> None:
        """Remove a customer, all of whose deadlines before the watermark have passed.

        Nothing is decided of what is pending, and no segment is left: that would say more of the
        customer. Only the number of its members is one less.

        Args:
            customer: as the last ``edit`` returned it, None where nothing is known.
            sign: why.
            result: where to tell it.
        """
        if customer is not None:
            self._remove(customer, sign, result)
        sign.removal.add(attributes=self._store.erase_attributes(sign.customer))
        for kind in KEYED[1:]:
            result.outputs.add(kind, Tombstone(sign.customer, sign.time))
        about = make_id("forget", self._name, sign.customer, sign.time, sign.message_id or "")
        data: dict[str, object] = {"suppressed": sign.removal.suppressed}
        told = Record("customer.deleted", f"{about}-deleted", sign.customer, sign.time, data)
        result.outputs.add(CUSTOMERS, told)
        result.removals.append(sign.removal)

    def _remove(self, customer: Customer, sign: Erased, result: ShardResult) -> None:
        pairs = zip(self._segments, customer.memberships, strict=False)
        inside = [name for name, each in pairs if each.inside]
        for name in inside:
            result.counts[f"segment.left {name}"] += 1
        sign.removal.add(
            rules_record=1,
            timers=(customer.timer != AFTER_ALL) + (customer.change_timer != AFTER_ALL),
            pending_instances=sum(each.is_pending for each in customer.instances()),
            decisions=len(customer.decisions),
            memberships=len(inside),
        )
        self._store.erase(customer)
