"""Paths of fields as a tree, to walk down an event once for all of them."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple

from operators.json_bytes import members_but
from operators.privacy_plan import ALL, Path, PrivacyPlan

Rewrite = Callable[[bytes], bytes]
"""Gives what stands in place of a value that is no list; each item of a list is one."""


class Leaf(NamedTuple):
    """What becomes of a field.

    Attributes:
        rewrite: gives what stands in place of the value; None: the field goes.
    """

    rewrite: Rewrite | None


class Branch:
    """An object on the way to fields.

    Attributes:
        names: what lies below, by name.
        others: what becomes of all names, where that is meant.
    """

    def __init__(self) -> None:
        self.names: dict[str, Branch | Leaf] = {}
        self.others: Leaf | None = None

    @cached_property
    def passes_over(self) -> re.Pattern[bytes]:
        """What passes over members that nothing becomes of; once all paths are in the tree."""
        return members_but(self.names) if self.others is None else re.compile(rb"")

    def get(self, name: str) -> "Branch | Leaf | None":
        """Return what a name leads to, if to anything."""
        return self.names.get(name, self.others)


def field_tree(plan: PrivacyPlan, rewrites: Mapping[str, Rewrite | None]) -> Branch:
    """Make the tree of a plan.

    Args:
        plan: whose paths do not lie in one another.
        rewrites: how each of ``drop``, ``hash``, ``mask`` is done.
    """
    root = Branch()
    for kind, rewrite in rewrites.items():
        paths: tuple[Path, ...] = getattr(plan, kind)
        for path in paths:
            _put(root, path, Leaf(rewrite))
    return root


def _put(branch: Branch, path: Path, leaf: Leaf) -> None:
    for part in path[:-1]:
        below = branch.names.setdefault(part, Branch())
        assert isinstance(below, Branch), "no path lies in another"
        branch = below
    if path[-1] == ALL:
        branch.others = leaf
    else:
        branch.names[path[-1]] = leaf
