"""What the config says of identity, as the steps need it, and whom events name."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray


class Naming(IntEnum):
    """Who an event names.

    ``LINKING`` is an ``identify`` or ``alias`` event that says of an anonymous id whose it is.
    """

    CUSTOMER = 0
    ANONYMOUS = 1
    LINKING = 2


class CustomerPath(msgspec.Struct, frozen=True):
    """Where an event may name its customer.

    Attributes:
        path: of a text; of a list of external ids, where ``type`` is given.
        type: of the external id, empty where it is none.
    """

    path: tuple[str, ...]
    type: str = ""


class IdentityPlan(msgspec.Struct, frozen=True):
    """How anonymous ids are linked to customers.

    Attributes:
        customer: where events name their customer; the first present value counts.
        blocked: values that name nobody.
        events_most: how many events are kept of an anonymous id that is not linked.
        keep_ms: for how long.
    """

    customer: tuple[CustomerPath, ...]
    blocked: frozenset[str]
    events_most: int
    keep_ms: int


@dataclass(slots=True)
class Names:
    """Who some events name, beside their customers.

    Attributes:
        naming: of each event, one of Naming, shape (n,).
        anonymous: of each event the anonymous id that it is of, or (``LINKING``) that it links;
            empty where there is none. The customers of those that are ANONYMOUS are the same.
    """

    naming: NDArray[np.int8]
    anonymous: list[str]

    @classmethod
    def of_nobody(cls, count: int) -> "Names":
        """Return so many names for events that are yet to be looked at."""
        return cls(np.zeros(count, np.int8), [""] * count)

    def slice(self, start: int, stop: int) -> "Names":
        """Return those of the events from start to before stop."""
        return Names(self.naming[start:stop], self.anonymous[start:stop])

    def take(self, indices: Sequence[int]) -> "Names":
        """Return those of the events at these indices."""
        chosen = np.array(indices, np.int64)
        return Names(self.naming[chosen], [self.anonymous[i] for i in indices])
