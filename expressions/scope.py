"""Which names an expression may use, and of what type each is."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from expressions.value_types import Type


class Scope(Protocol):
    """What `check` asks."""

    def resolve(self, name: str) -> Type | None:
        """Give a name's type, None if there is no such name."""

    def names(self) -> Iterable[str]:
        """Give the names to suggest when another one is unknown."""


class DictScope:
    """Names from a mapping, and open namespaces in which every name is known.

    Args:
        known: the type of each name, dots included (``session.views``).
        prefixes: the type of every name that starts so (``{"trait.": Type.ANY}``).
    """

    def __init__(
        self, known: Mapping[str, Type], prefixes: Mapping[str, Type] | None = None
    ) -> None:
        self._known = dict(known)
        self._prefixes = dict(prefixes or {})

    def resolve(self, name: str) -> Type | None:
        """Give a name's type; the longest prefix counts."""
        if name in self._known:
            return self._known[name]
        fitting = [p for p in self._prefixes if name.startswith(p) and len(name) > len(p)]
        return self._prefixes[max(fitting, key=len)] if fitting else None

    def names(self) -> Iterable[str]:
        """Give the names of the mapping; a namespace has too many to list."""
        return self._known
