"""Drops the events of those who were forgotten for good, before anything else sees them.

Their times count for the watermark, as those of duplicates do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from operators.forget_events import may_suppress, suppresses
from operators.identity_plan import Names, Naming
from operators.joins import Join
from operators.named_customers import named_customer, named_customers
from operators.outputs import DeadLetter, LateEvent, Record, Tombstone
from operators.suppression import Out, Suppression
from operators.ticks import ShardTick

SUPPRESSED = "suppressed_customers"
"""What their events are counted as."""

_DEAD_LETTERS = "dead-letters"

_NEVER = 1 << 62


class Begin(NamedTuple):
    """After which event of a share, or which line of a tick, one is dropped who was not before.

    Attributes:
        place: where the shard of the one is asked.
        everywhere: in whichever shard.
    """

    place: int
    everywhere: int = _NEVER


class ProfileDrops:
    """Drops the events of a shard's customers, and the pasts of some.

    Args:
        suppression: whose.
    """

    def __init__(self, suppression: Suppression) -> None:
        self._suppression = suppression

    def without(self, tick: ShardTick) -> ShardTick:
        """Return a tick without their events, and without what was rejected of theirs.

        Who is to be dropped from an event of this tick on has that event left, and those before.
        """
        begins: dict[str, int] = {}
        if self._suppression.listens and may_suppress(tick.lines):
            begins = self._beginning(tick)
        if tick.gone:
            begins |= self._going(tick)
        if self._suppression.is_empty and not begins:
            return tick
        kept = [
            i
            for i, customer in enumerate(tick.customers)
            if i <= begins.get(customer, i) and not self._suppression.has(customer)
        ]
        if tick.joins:
            joins = [each for each in tick.joins if self._joins(tick, each, begins)]
            tick = replace(tick, joins=joins)
        if tick.names is None:  # else identity has done so
            after = tick.letters_after or [0] * len(tick.outputs.kinds.get(_DEAD_LETTERS, []))
            places = {name: Begin(place) for name, place in begins.items()}
            _drop_letters(tick, self._suppression.has, places, after)
        for customer in begins:
            self._suppression.add(customer, Out.OF_PROFILE)
        return _with(tick, kept)

    def _going(self, tick: ShardTick) -> dict[str, int]:
        """Say after which event ids are dropped that were linked to one who is dropped."""
        assert tick.order is not None, "events have places where ids are linked"
        gone = [
            each
            for each in tick.gone
            if each.event.suppress and not self._suppression.has(each.anonymous)
        ]
        return {each.anonymous: int(np.searchsorted(tick.order, each.place)) - 1 for each in gone}

    def _joins(self, tick: ShardTick, join: Join, begins: dict[str, int]) -> bool:
        """Tell whether a past is to be joined: not that of one who is dropped."""
        assert tick.order is not None, "events have places where ids are linked"
        index = int(np.searchsorted(tick.order, join.place))
        return index <= begins.get(join.customer, index) and not self._suppression.has(
            join.customer
        )

    def _beginning(self, tick: ShardTick) -> dict[str, int]:
        """Say from after which event on customers are dropped who were not before."""
        begins: dict[str, int] = {}
        for i, customer in enumerate(tick.customers):
            if suppresses(tick.line(i)) and not self._suppression.has(customer):
                begins.setdefault(customer, i)
        return begins


class IdentityDrops:
    """Drops what names or links ids of a shard; from some place in a tick on, where it says so.

    Attributes:
        begun: who is dropped since some event of the tick, and from where on.

    Args:
        suppression: whose events.
    """

    def __init__(self, suppression: Suppression) -> None:
        self._suppression = suppression
        self.begun: dict[str, Begin] = {}

    def without(self, tick: ShardTick) -> ShardTick:
        """Return identity's share of a tick without events that name or link them."""
        self.begun = {}
        if tick.names is None or self._suppression.is_empty:
            return tick
        linking = tick.names.naming == Naming.LINKING
        kept = [
            i
            for i, customer in enumerate(tick.customers)
            if not self._suppression.has(customer, Out.EVERYWHERE if linking[i] else Out.ANY)
        ]
        linked = [each for each in tick.linked if not self._suppression.has(each.customer)]
        tick = replace(tick, names=self._unlinked(tick.names, linking), linked=linked)
        left = _drop_letters(tick, self._suppression.has, {}, tick.letter_places)
        tick.letter_places = [tick.letter_places[number] for number in left]
        return _with(tick, kept)

    def begin(self, name: str, place: int, where: Out) -> None:
        """Drop what names an id from this place of the tick on, and in later ones."""
        begin = self.begun.get(name, Begin(place))
        if where == Out.EVERYWHERE:
            begin = begin._replace(everywhere=min(begin.everywhere, place))
        self.begun[name] = begin
        self._suppression.add(name, where)

    def concerns(self, customer: str, place: int, *, is_linking: bool) -> bool:
        """Tell whether an event is to be dropped, since another one of the tick.

        Args:
            customer: who it names.
            place: of the event.
            is_linking: whether it links an id to the customer, who may be of another shard.
        """
        begin = self.begun.get(customer)
        return begin is not None and (not is_linking or begin.everywhere < place)

    def drop_letters(self, tick: ShardTick) -> None:
        """Drop what was rejected of those who are dropped since some event of the tick."""
        if self.begun:
            _drop_letters(tick, lambda _name, _where: False, self.begun, tick.letter_places)

    def _unlinked(self, names: Names, is_linking: NDArray[np.bool_]) -> Names:
        """Make of events that link one of their ids to somebody else that other's events alone."""
        linking = np.flatnonzero(is_linking).tolist()
        theirs = [i for i in linking if self._suppression.has(names.anonymous[i])]
        if not theirs:
            return names
        changed = Names(names.naming.copy(), list(names.anonymous))
        for index in theirs:
            changed.naming[index], changed.anonymous[index] = Naming.CUSTOMER, ""
        return changed


def _with(tick: ShardTick, kept: list[int]) -> ShardTick:
    """Return a tick with these events alone; count the others."""
    if len(kept) == len(tick.customers):
        return tick
    tick.counts[SUPPRESSED] += len(tick.customers) - len(kept)
    return tick.take(kept)


def _drop_letters(
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
        begin = begins.get(name, Begin(_NEVER))
        if name == owner:
            is_out = has(name, Out.ANY) or begin.place < after
        else:
            is_out = has(name, Out.EVERYWHERE) or begin.everywhere < after
        if is_out:
            return True
    return False
