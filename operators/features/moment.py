"""The time that a value is asked for, and what else it depends on beside the state."""

from typing import NamedTuple

from operators.features.zones import UTC, Zone
from operators.times import EventTime


class Moment(NamedTuple):
    """When, where and for whom.

    Attributes:
        time: the customer's clock.
        zone: where the customer is.
        first_seen: the time of the customer's first event.
    """

    time: EventTime
    zone: Zone = UTC
    first_seen: EventTime = EventTime(0)


ANY_MOMENT = Moment(EventTime(0))
"""For what does not depend on it."""
