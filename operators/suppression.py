"""Drops the events of customers who were forgotten for good, before anything else sees them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import IntFlag
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.forget_events import may_suppress, suppresses
from operators.identity_plan import Names, Naming
from operators.joins import Join
from operators.outputs import DeadLetter, LateEvent, Record, Tombstone
from operators.ticks import ShardTick
from state.errors import StateError
from state.keyvalue import KeyValue
from state.prefixes import Prefix

_REMEMBERED_MOST = 10_000
_DEAD_LETTERS = "dead-letters"
_PREFIX = Prefix.SUPPRESSED.key

SUPPRESSED = "suppressed_customers"
"""What their events are counted as."""


_NAMED = re.compile(rb'"(userId|anonymousId)"\s*:\s*("(?:[^"\\]|\\.)*")')


def named_customers(event: bytes) -> set[str]:
    """Return who an event that was rejected says that it is of; it need not be JSON."""
    return {name for _, name in _named(event)}


def named_customer(event: bytes) -> str:
    """Return the customer of an event that was rejected, as far as it can be told; else empty."""
    named = sorted(_named(event), key=lambda each: each[0] != b"userId")
    return next((name for _, name in named if name), "")


def _named(event: bytes) -> list[tuple[bytes, str]]:
    named: list[tuple[bytes, str]] = []
    for field, text in _NAMED.findall(event):
        try:
            named.append((field, msgspec.json.decode(text, type=str)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return named


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


NEVER = 1 << 62


class Begin(NamedTuple):
    """After which event of a share, or which line of a tick, one is dropped who was not before.

    Attributes:
        place: where the shard of the one is asked.
        everywhere: in whichever shard.
    """

    place: int
    everywhere: int = NEVER


class Suppression:
    """Knows whose events are dropped. Their times count for the watermark, as those of duplicates.

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
        self._listens = listens
        self._looks_at = looks_at
        self._mark = bytes.fromhex(digest("")) if keyvalue is not None else b""
        self._has_own = keyvalue is not None and self._finds_own(keyvalue)
        self._known: dict[str, Out] = {}

    def without(self, tick: ShardTick) -> ShardTick:
        """Return a tick without their events, and without what was rejected of theirs.

        Who is to be dropped from an event of this tick on has that event left, and those before.
        """
        begins: dict[str, int] = {}
        if self._listens and may_suppress(tick.lines):
            begins = self._beginning(tick)
        if tick.gone:
            begins |= self._going(tick)
        if not (self._hashes or self._has_own or begins):
            return tick
        kept = [
            i
            for i, customer in enumerate(tick.customers)
            if i <= begins.get(customer, i) and not self.has(customer)
        ]
        if tick.joins:
            joins = [each for each in tick.joins if self._joins(tick, each, begins)]
            tick = replace(tick, joins=joins)
        if tick.names is None:  # else identity has done so
            after = tick.letters_after or [0] * len(tick.outputs.kinds.get(_DEAD_LETTERS, []))
            places = {name: Begin(place) for name, place in begins.items()}
            self._drop_dead_letters(tick, self.has, places, after)
        for customer in begins:
            self.add(customer, Out.OF_PROFILE)
        return self._with(tick, kept)

    def without_ids(self, tick: ShardTick) -> ShardTick:
        """Return identity's share of a tick without events that name or link them."""
        if tick.names is None or not (self._hashes or self._has_own):
            return tick
        linking = tick.names.naming == Naming.LINKING
        kept = [
            i
            for i, customer in enumerate(tick.customers)
            if not self.has(customer, Out.EVERYWHERE if linking[i] else Out.ANY)
        ]
        linked = [each for each in tick.linked if not self.has(each.customer)]
        tick = replace(tick, names=self._unlinked(tick.names, linking), linked=linked)
        left = self._drop_dead_letters(tick, self.has, {}, tick.letter_places)
        tick.letter_places = [tick.letter_places[number] for number in left]
        return self._with(tick, kept)

    def drop_letters(self, tick: ShardTick, begins: Mapping[str, Begin]) -> None:
        """Drop what was rejected of those who are dropped from some place in a tick on."""
        self._drop_dead_letters(tick, lambda _name, _where: False, begins, tick.letter_places)

    def _with(self, tick: ShardTick, kept: list[int]) -> ShardTick:
        if len(kept) == len(tick.customers):
            return tick
        tick.counts[SUPPRESSED] += len(tick.customers) - len(kept)
        return tick.take(kept)

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

    def _going(self, tick: ShardTick) -> dict[str, int]:
        """Say after which event ids are dropped that were linked to one who is dropped."""
        assert tick.order is not None, "events have places where ids are linked"
        gone = [each for each in tick.gone if each.event.suppress and not self.has(each.anonymous)]
        return {each.anonymous: int(np.searchsorted(tick.order, each.place)) - 1 for each in gone}

    def _joins(self, tick: ShardTick, join: Join, begins: dict[str, int]) -> bool:
        """Tell whether a past is to be joined: not that of one who is dropped."""
        assert tick.order is not None, "events have places where ids are linked"
        index = int(np.searchsorted(tick.order, join.place))
        return index <= begins.get(join.customer, index) and not self.has(join.customer)

    def _unlinked(self, names: Names, is_linking: NDArray[np.bool_]) -> Names:
        """Make of events that link one of their ids to somebody else that other's events alone."""
        linking = np.flatnonzero(is_linking).tolist()
        theirs = [i for i in linking if self.has(names.anonymous[i])]
        if not theirs:
            return names
        changed = Names(names.naming.copy(), list(names.anonymous))
        for index in theirs:
            changed.naming[index], changed.anonymous[index] = Naming.CUSTOMER, ""
        return changed

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

    def _beginning(self, tick: ShardTick) -> dict[str, int]:
        """Say from after which event on customers are dropped who were not before."""
        begins: dict[str, int] = {}
        for i, customer in enumerate(tick.customers):
            if suppresses(tick.line(i)) and not self.has(customer):
                begins.setdefault(customer, i)
        return begins

    def _noted(self, digest: str) -> Out:
        assert self._keyvalue is not None, "or there would be none"
        (found,) = self._keyvalue.get_many([_PREFIX + bytes.fromhex(digest)])
        if found is None:
            return Out(0)
        return Out(found[-1]) if len(found) > len(self._mark) else Out.OF_PROFILE

    def _drop_dead_letters(
        self,
        tick: ShardTick,
        has: Callable[[str, Out], bool],
        begins: Mapping[str, Begin],
        after: Sequence[int],
    ) -> list[int]:
        """Drop what is theirs of what was rejected; return the indices of what is left."""
        letters = tick.outputs.kinds.get(_DEAD_LETTERS, [])
        kept = [
            number
            for number, (letter, place) in enumerate(zip(letters, after, strict=True))
            if not _is_theirs(letter, has, begins, place)
        ]
        if len(kept) < len(letters):
            tick.counts["dead_letters"] -= len(letters) - len(kept)
            tick.counts[SUPPRESSED] += len(letters) - len(kept)
            tick.outputs.kinds[_DEAD_LETTERS] = [letters[number] for number in kept]
        return kept


def _is_theirs(
    letter: Record | LateEvent | DeadLetter | Tombstone,
    has: Callable[[str, Out], bool],
    begins: Mapping[str, Begin],
    after: int,
) -> bool:
    """Tell whether a line that came after a place names one who is dropped by then.

    It is in the shard of whom it is of; what that shard alone knows counts for no other.
    """
    assert isinstance(letter, DeadLetter), "there are no others yet"
    original = letter.original.value or b""
    owner = named_customer(original)
    for name in named_customers(original):
        begin = begins.get(name, Begin(NEVER))
        if name == owner:
            is_out = has(name, Out.ANY) or begin.place < after
        else:
            is_out = has(name, Out.EVERYWHERE) or begin.everywhere < after
        if is_out:
            return True
    return False


NOBODY = Suppression((), str)
"""Drops nothing."""
