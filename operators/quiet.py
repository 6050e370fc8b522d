"""Quiet hours: whether a moment lies in them, and when they end.

They go by the clock on the wall: from one time of day to another, the last not included, every
day. Where clocks are put back over their end, they end twice.
"""

from operators.features.zones import Zone
from operators.plans import QuietPlan
from operators.times import EventTime

_DAY_MS = 86_400_000


class QuietHours:
    """The quiet hours of a plan."""

    def __init__(self, plan: QuietPlan) -> None:
        self._from_ms = plan.from_ms
        self._to_ms = plan.to_ms
        self.hold = plan.hold
        self.zone = plan.zone

    def holds(self, zone: Zone, time: EventTime) -> bool:
        """Tell whether it is quiet at a moment."""
        return self._is_quiet(zone.time_of_day(time))

    def end(self, zone: Zone, time: EventTime) -> EventTime:
        """Return the first moment from a quiet one on at which it is not quiet any more."""
        while self._is_quiet(time_of_day := zone.time_of_day(time)):
            left = (self._to_ms - time_of_day) % _DAY_MS
            time = zone.next_shift(time, EventTime(time + left))
        return time

    def _is_quiet(self, time_of_day: int) -> bool:
        if self._from_ms < self._to_ms:
            return self._from_ms <= time_of_day < self._to_ms
        return time_of_day >= self._from_ms or time_of_day < self._to_ms
