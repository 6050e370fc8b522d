"""Knows who was forgotten for good, whose events are dropped."""

from collections.abc import Callable, Collection
from enum import IntFlag

from state.errors import StateError
from state.keyvalue import KeyValue
from state.prefixes import Prefix

_REMEMBERED_MOST = 10_000
_PREFIX = Prefix.SUPPRESSED.key


class Out(IntFlag):
    """In which step, and where, a customer is kept out whom an event has let be forgotten.

    Steps are not at the same tick; each goes by what it has noted itself.
    """

    OF_PROFILE = 1
    """Profile drops the events of this shard's customer."""
    EVERYWHERE = 2
    """Identity drops what names the id, and links nobody to it; so does every other shard's."""
    AS_LINKED = 4
    """Identity drops what names the id, which was linked to one who is kept out."""
    ANY = 7


class Suppression:
    """Knows whose events are dropped.

    Attributes:
        digest: gives the hash of a customer's name, in hex.
        listens: whether events may keep somebody out, and this step is the one to note it.

    Args:
        hashes: of these customers.
        digest: gives the hash of a customer's name, in hex.
        keyvalue: where a shard keeps those whom events have let be forgotten for good; None where
            events forget nobody, nor have done so.
        listens: whether events may do so now, and this step is the one to note it.
        looks_at: whose notes count.

    Raises:
        StateError: the shard's were noted with another key.
    """

    def __init__(
        self,
        hashes: Collection[str],
        digest: Callable[[str], str],
        keyvalue: KeyValue | None = None,
        *,
        listens: bool = False,
        looks_at: Out = Out.ANY,
    ) -> None:
        self.digest = digest
        self._hashes = frozenset(hashes)
        self._keyvalue = keyvalue
        self.listens = listens
        self._looks_at = looks_at
        self._mark = bytes.fromhex(digest("")) if keyvalue is not None else b""
        self._has_own = keyvalue is not None and self._finds_own(keyvalue)
        self._known: dict[str, Out] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody's events are dropped yet."""
        return not (self._hashes or self._has_own)

    def has(self, customer: str, where: Out = Out.ANY) -> bool:
        """Tell whether a customer's events are dropped."""
        known = self._known.get(customer)
        if known is None:
            if len(self._known) >= _REMEMBERED_MOST:
                self._known.clear()
            digest = self.digest(customer)
            own = self._noted(digest) if self._has_own else Out(0)
            known = Out.ANY if digest in self._hashes else own & self._looks_at
            self._known[customer] = known
        return bool(known & where)

    def add(self, customer: str, where: Out) -> None:
        """Drop a customer's events from now on."""
        assert self._keyvalue is not None, "events are listened to where there is a store"
        self._has_own = True
        digest = self.digest(customer)
        noted = self._noted(digest) | where
        more = b"" if noted == Out.OF_PROFILE else bytes([noted])
        self._keyvalue.put(_PREFIX + bytes.fromhex(digest), self._mark + more)
        self._known[customer] = self._known.get(customer, Out(0)) | noted & self._looks_at

    def _finds_own(self, keyvalue: KeyValue) -> bool:
        """Tell whether a shard keeps anybody; the mark that stands with them tells the key."""
        first = keyvalue.keys(_PREFIX, _PREFIX, 1)
        [mark] = keyvalue.get_many(first) if first else [None]
        if mark is not None and mark[: len(self._mark)] != self._mark:
            raise StateError(
                "the key to the customers who are kept out, privacy.key, is not the one with which"
                " they were noted; restore the state from a backup"
            )
        return bool(first)

    def _noted(self, digest: str) -> Out:
        assert self._keyvalue is not None, "or there would be none"
        (found,) = self._keyvalue.get_many([_PREFIX + bytes.fromhex(digest)])
        if found is None:
            return Out(0)
        return Out(found[-1]) if len(found) > len(self._mark) else Out.OF_PROFILE


NOBODY = Suppression((), str)
"""Drops nothing."""
