"""What is known of each id, and the part of a shard's store that keeps it."""

from collections.abc import Callable, Iterator

import msgspec

from operators.consent import Consent
from operators.joins import KeptEvent
from operators.times import EventTime
from state.keyvalue import KeyValue
from state.prefixes import Prefix
from state.records import Records
from state.timers import Timers


class Named(msgspec.Struct, array_like=True, gc=False):
    """What is known of one id.

    Attributes:
        name: the id.
        used: the latest time of an event that has named it.
        expiry: where the timer for forgetting it stands.
        is_customer: whether events have named it as their customer.
        customer: to whom it is linked, empty for nobody.
        events: that were done under it, until it is linked, in the order they came.
        consent: what they have said of purposes, None for nothing.
        size: how many bytes of events are kept.
        late: the messageIds of events that came too late to be kept, with their times.
    """

    name: str
    used: EventTime
    expiry: EventTime
    is_customer: bool = False
    customer: str = ""
    events: list[KeptEvent] = []
    consent: Consent | None = None
    size: int = 0
    late: dict[str, int] = {}

    def let_go(self) -> None:
        """Keep nothing any more of what was done under the id."""
        self.events, self.size, self.consent, self.late = [], 0, None, {}


_READ_AT_ONCE = 1000
_decode = msgspec.msgpack.Decoder(Named).decode


class NameStore:
    """The ids and their deadlines in one shard's store.

    Args:
        keyvalue: the shard's store.
        cache: how many decoded records stay in memory.
    """

    def __init__(self, keyvalue: KeyValue, cache: int) -> None:
        self.names: Records[Named] = Records(
            keyvalue,
            Prefix.NAME,
            encode=msgspec.msgpack.Encoder().encode,
            decode=_decode,
            capacity=cache,
        )
        self.expiries = Timers(keyvalue, Prefix.NAME_TIMER)
        self._keyvalue = keyvalue

    def expire(self, watermark: EventTime, lasts_until: Callable[[Named], EventTime]) -> None:
        """Let go of the ids that were not used for so long that nobody asks for them any more.

        Args:
            watermark: what lasts until before it is over.
            lasts_until: says how long an id is kept.
        """
        while due := self.expiries.due(watermark):
            for name, named in self.names.edit(due).items():
                until = lasts_until(named)
                if until < watermark:
                    self.names.delete(name)
                else:
                    named.expiry = until
                    self.expiries.add(until, name)

    def forget(self, name: str) -> list[Named]:
        """Let go of an id and of all that are linked to it, so that nothing is left on disk.

        Of one that turned out to be another customer's own the link alone goes.

        Returns:
            Those that were linked to it and go, by name; it counts as another ``edit``.
        """
        self.flush()
        gone = []
        for each in self.names.edit([name, *self._linked_to(name)]).values():
            if each.is_customer and each.name != name:
                each.customer = ""
                continue
            self.expiries.remove(each.expiry, each.name)
            self.names.delete(each.name)
            if each.customer == name:
                gone.append(each)
        self._keyvalue.leave_no_trace()
        return sorted(gone, key=lambda each: each.name)

    def _linked_to(self, customer: str) -> Iterator[str]:
        """Look through all that is stored: nobody else asks who is linked to a customer."""
        start, text = Prefix.NAME.key, customer.encode()
        while keys := self._keyvalue.keys(start, Prefix.NAME.key, _READ_AT_ONCE):
            for value in filter(None, self._keyvalue.get_many(keys)):
                if text in value and (named := _decode(value)).customer == customer:
                    yield named.name
            start = keys[-1] + b"\0"

    def flush(self) -> None:
        """Write what has changed."""
        self.names.flush()
        self.expiries.flush()
