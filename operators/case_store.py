"""A customer's open cases as they are kept, and the part of a shard's store that keeps them."""

import msgspec

from operators.instances import Case
from operators.times import AFTER_ALL, EventTime
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records
from state.timers import Timers


class CustomerCases(msgspec.Struct, array_like=True, gc=False):
    """What one customer has open with all triggers.

    Attributes:
        customer: the name.
        timer: where the customer's deadline stands, AFTER_ALL for none; no end lies before it.
        cases: by trigger.
        forgotten: whether the profile is gone, and this goes with what is still pending.
    """

    customer: str
    timer: EventTime = AFTER_ALL
    cases: dict[str, Case] = {}
    forgotten: bool = False


class CaseStore:
    """The open cases and their deadlines in one shard's store.

    Args:
        keyvalue: the shard's store.
        cache: how many decoded records stay in memory.
    """

    def __init__(self, keyvalue: KeyValue, cache: int) -> None:
        self.customers: Records[CustomerCases] = Records(
            keyvalue,
            Prefix.CASES,
            encode=msgspec.msgpack.Encoder().encode,
            decode=msgspec.msgpack.Decoder(CustomerCases).decode,
            capacity=cache,
        )
        self.timers = Timers(keyvalue, Prefix.CASES_TIMER)

    def flush(self) -> None:
        """Write what has changed."""
        self.customers.flush()
        self.timers.flush()
