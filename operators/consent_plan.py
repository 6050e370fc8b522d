"""What the config says of consent, as the steps need it."""

from collections.abc import Mapping
from dataclasses import dataclass

NO_PURPOSE = ""
"""Stands where nothing must be permitted."""


@dataclass(frozen=True)
class ConsentPlan:
    """What must be permitted for what, and what holds for who has said nothing.

    Attributes:
        allows: whether what nobody spoke of is permitted.
        regions: the same by region, where it is another.
        region: the path of the region in events, empty for none.
        gpc: the path of the Global Privacy Control signal in events, empty for none.
        gpc_refuses: the purposes that it refuses.
        purposes: all that are named, each once.
        profiling: the purpose without which nothing is kept of events, NO_PURPOSE for none.
        channels: the purpose of each channel that needs one.
        triggers: of each trigger that needs one.
        models: of each model that needs one.
    """

    allows: bool
    regions: Mapping[str, bool]
    region: tuple[str, ...]
    gpc: tuple[str, ...]
    gpc_refuses: tuple[str, ...]
    purposes: tuple[str, ...]
    profiling: str
    channels: Mapping[str, str]
    triggers: Mapping[str, str]
    models: Mapping[str, str]

    def of_message(self, trigger: str, channel: str) -> frozenset[str]:
        """Return the purposes that a message needs."""
        needed = {
            self.profiling,
            self.triggers.get(trigger, NO_PURPOSE),
            self.channels.get(channel, NO_PURPOSE),
        }
        return frozenset(needed - {NO_PURPOSE})
