"""What the config says of fields that nobody is to see, as the reader of events needs it."""

from dataclasses import dataclass

Path = tuple[str, ...]
"""Where a field stands: ``("properties", "email")``; lists on the way are gone through."""

ALL = "*"
"""The last part of a path that means all names there."""


@dataclass(frozen=True)
class PrivacyPlan:
    """What becomes of fields before anything else sees them; no path lies in another.

    Attributes:
        drop: the paths of fields that are taken out.
        hash: of those in whose place a keyed hash stands.
        mask: of those in which addresses and numbers of people are blotted out.
    """

    drop: tuple[Path, ...] = ()
    hash: tuple[Path, ...] = ()
    mask: tuple[Path, ...] = ()
