"""What a customer has said of purposes, as a history by event time, and what holds when (N2).

What is the same one after the other is one stretch, of which the first and the last time are known.
Out of order it errs on the safe side: a refusal between two statements that permit holds until the
later one, and what permits between two refusals changes nothing.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

import msgspec

from operators.consent_plan import NO_PURPOSE, ConsentPlan
from operators.preferences import Said
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime

CHANGES_MOST = 50
"""How many stretches of one purpose are kept; what was before is refused."""

_first = attrgetter("first")


class Stretch(msgspec.Struct, array_like=True, gc=False):
    """Statements of one content, with no other between them.

    Attributes:
        first: time of the earliest.
        last: time of the latest.
        says: whether a purpose is permitted; or in which region the customer is.
        cause: messageId of the event that said it first, the smallest at a tie.
    """

    first: EventTime
    last: EventTime
    says: bool | str
    cause: str


class Consent(msgspec.Struct, array_like=True, gc=False):
    """What one customer has said.

    Attributes:
        purposes: the stretches of each purpose that was spoken of, by time.
        regions: where the customer was, by time.
    """

    purposes: dict[str, list[Stretch]] = {}
    regions: list[Stretch] = []

    def copy(self) -> "Consent":
        """Return the same for whoever keeps it apart."""
        purposes = {name: _copies(each) for name, each in self.purposes.items()}
        return Consent(purposes, _copies(self.regions))


class Turn(NamedTuple):
    """What holds from a time on, and by which event."""

    time: EventTime
    permitted: bool
    cause: str


class ConsentRules:
    """Says what holds by a plan.

    Args:
        plan: what holds for who has said nothing.
    """

    def __init__(self, plan: ConsentPlan) -> None:
        self._plan = plan

    def turns(self, consent: Consent | None, purpose: str) -> Iterator[Turn]:
        """Give from when on a purpose is permitted and when it is not, by time.

        A preference holds from its time on; before the first one the region says, else the default.
        """
        yield Turn(BEFORE_ALL, self._plan.allows, "")
        if consent is None:
            return
        said = consent.purposes.get(purpose, ())
        spoken = said[0].first if said else AFTER_ALL
        for each in consent.regions:
            if each.first < spoken:
                yield Turn(each.first, not self._refuses(each.says), each.cause)
        for each in said:
            yield Turn(each.first, bool(each.says), each.cause)

    def permits(self, consent: Consent | None, purpose: str, time: EventTime) -> bool:
        """Tell whether a purpose is permitted at a time; no purpose always is."""
        if purpose == NO_PURPOSE:
            return True
        permitted = False
        for turn in self.turns(consent, purpose):
            if turn.time > time:
                break
            permitted = turn.permitted
        return permitted

    def since(self, consent: Consent | None, purpose: str) -> EventTime | None:
        """Return from when on a purpose has been permitted without a break; None if it is not."""
        if purpose == NO_PURPOSE:
            return BEFORE_ALL
        since: EventTime | None = None
        for turn in self.turns(consent, purpose):
            if not turn.permitted:
                since = None
            elif since is None:
                since = turn.time
        return since

    def holds(self, consent: Consent | None, purpose: str, time: EventTime) -> bool:
        """Tell whether a purpose is permitted at a time and has been since."""
        said = consent.purposes.get(purpose) if consent is not None else None
        if said:  # what was said last is nearly always all that is asked for
            last = said[-1]
            if not last.says:
                return False
            if time >= last.first:
                return True
        elif consent is None or not consent.regions:
            return purpose == NO_PURPOSE or self._plan.allows
        since = self.since(consent, purpose)
        return since is not None and time >= since

    def latest(self, consent: Consent | None, purpose: str) -> Turn:
        """Return what holds of a purpose after all that was said, and since when."""
        turns = self.turns(consent, purpose)
        held = next(turns)
        for turn in turns:
            if turn.permitted is not held.permitted:
                held = turn
        return held

    def revocations(self, consent: Consent | None, purpose: str) -> Iterator[Turn]:
        """Give the turns at which a purpose is permitted no more."""
        permitted = False
        for turn in self.turns(consent, purpose):
            if permitted and not turn.permitted:
                yield turn
            permitted = turn.permitted

    def note(self, consent: Consent, said: Said, time: EventTime, cause: str) -> None:
        """Take in what an event has said.

        Args:
            consent: what was said so far; changed in place.
            said: what the event says.
            time: of the event.
            cause: its messageId.
        """
        for purpose, permitted in said.purposes.items():
            stretches = consent.purposes.setdefault(purpose, [])
            self._put(stretches, Stretch(time, time, permitted, cause))
        if said.region is not None:
            self._put(consent.regions, Stretch(time, time, said.region, cause))

    def _put(self, stretches: list[Stretch], new: Stretch) -> None:
        time = new.first
        place = bisect_right(stretches, time, key=_first)
        before = stretches[place - 1] if place else None
        after = stretches[place] if place < len(stretches) else None
        if before is not None and time <= before.last:
            if new.says == before.says:
                if time == before.first:
                    before.cause = _smaller(before.cause, new.cause)
            elif self._refuses(new.says) and not self._refuses(before.says):
                ends = {before.first, before.last} - {time}
                around = [Stretch(each, each, before.says, before.cause) for each in ends]
                stretches[place - 1 : place] = sorted([*around, new], key=_first)
        elif before is not None and before.says == new.says:
            before.last = time
        elif after is not None and after.says == new.says:
            after.first, after.cause = time, new.cause
        else:
            stretches.insert(place, new)
        while len(stretches) > CHANGES_MOST:
            stretches[:2] = [Stretch(BEFORE_ALL, stretches[1].last, False, "")]

    def _refuses(self, says: bool | str) -> bool:  # noqa: FBT001
        if isinstance(says, str):
            return not self._plan.regions.get(says, self._plan.allows)
        return not says


def refuse_others(consent: Consent, named: Collection[str]) -> bool:
    """Let go of what was said of purposes that are not named any more; tell whether there was any.

    What customers say of them is not read meanwhile, so they are refused from now on, until the
    config names them again and the customer permits them again.
    """
    has_changed = False
    for purpose in consent.purposes.keys() - named:
        refused = [Stretch(BEFORE_ALL, BEFORE_ALL, says=False, cause="")]
        if consent.purposes[purpose] != refused:
            consent.purposes[purpose], has_changed = refused, True
    return has_changed


def repeats(consent: Consent, said: Said, time: EventTime) -> bool:
    """Tell whether an event says nothing but what was said last; if so, note its time.

    So it is with nearly all events: each carries what holds.
    """
    kept = consent.purposes
    for purpose, permitted in said.purposes.items():
        if not _goes_on(kept.get(purpose), permitted, time):
            return False
    if said.region is not None and not _goes_on(consent.regions, said.region, time):
        return False
    for purpose in said.purposes:
        last = kept[purpose][-1]
        last.last = time if time > last.last else last.last  # noqa: FURB136 (faster than max)
    if said.region is not None:
        last = consent.regions[-1]
        last.last = max(last.last, time)
    return True


def _goes_on(stretches: list[Stretch] | None, says: bool | str, time: EventTime) -> bool:  # noqa: FBT001
    if not stretches:
        return False
    last = stretches[-1]
    return last.says == says and time > last.first


def _copies(stretches: Iterable[Stretch]) -> list[Stretch]:
    return [msgspec.structs.replace(each) for each in stretches]


def _smaller(one: str, other: str) -> str:
    return min(filter(None, (one, other)), default="")
