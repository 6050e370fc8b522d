"""What the profile step needs to know of a feature: compiled from the config, small, frozen.

Plans travel between processes as JSON, by msgspec.
"""

from dataclasses import dataclass
from typing import Literal

from expressions import Tree

WindowName = Literal["all", "sliding", "tumbling", "since", "decay", "session"]
Zoning = Literal["utc", "customer"]
PeriodName = Literal["hour", "day", "week", ""]


@dataclass(frozen=True)
class WindowPlan:
    """Which of a customer's values count.

    Attributes:
        kind: all time, sliding in panes, tumbling by the calendar, since an event, decayed, or of
            the current session.
        size_ms: the length of a sliding window, the half-life of a decayed one.
        pane_ms: the length of a sliding window's pane.
        zone: whose calendar a tumbling window goes by.
        period: the length of a tumbling window, in local time.
        event: the name of the event that empties a ``since`` window.
    """

    kind: WindowName
    size_ms: int = 0
    pane_ms: int = 0
    zone: Zoning = "customer"
    period: PeriodName = ""
    event: str = ""


@dataclass(frozen=True)
class FeaturePlan:
    """One feature.

    Attributes:
        name: as it stands in rows.
        kind: the name of a kind in ``operators.features.kinds``.
        window: which values count.
        of: the event it looks at, None for every event.
        at_most: the bound of a kind that has one, 0 for the kind's usual one.
        definition: text that changes when what is kept changes.
        value: the expression whose value is taken, None for a kind that takes none.
        where: the condition on the event or item, None for every one.
        each: the path of the array whose items are looked at, empty for the event itself.
    """

    name: str
    kind: str
    window: WindowPlan
    of: str | None
    at_most: int
    definition: str
    value: Tree | None = None
    where: Tree | None = None
    each: tuple[str, ...] = ()
