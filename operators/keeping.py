"""Keeps what was done under an anonymous id until it is known whose it is (J1, J5).

What is kept of an event is cut down in kept_events.py; what a link makes of it is in past.py.
"""

import msgspec

from operators.consent import Consent, ConsentRules
from operators.event_plans import EventPlans
from operators.fields import Body
from operators.identity_plan import IdentityPlan
from operators.joins import KeptEvent
from operators.kept import Kept
from operators.kept_events import Cutter, said_before
from operators.names import Named
from operators.plans import ProfilePlan
from operators.preferences import PreferenceReader
from operators.times import AFTER_ALL, EventTime

KEPT_BYTES_MOST = 1 << 20
"""How much is kept of one anonymous id; the oldest events go."""


class Keeping:
    """Keeps what the rules read of anonymous events, as far as consent lets it.

    Args:
        plan: what the rules read, and what must be permitted.
        identity: how many events are kept of an id, and for how long.
    """

    def __init__(self, plan: ProfilePlan, identity: IdentityPlan) -> None:
        self._events_most = identity.events_most
        self._keep_ms = identity.keep_ms
        self._grace_ms = plan.grace_ms
        self._duplicates_last = plan.duplicates_last
        self._duplicates_within_ms = plan.duplicates_within_ms
        self._cutter = Cutter(EventPlans(Kept(plan)), plan.consent)
        self._consent = consent = plan.consent
        self._rules = ConsentRules(consent) if consent else None
        self._preferences = PreferenceReader(consent) if consent else None

    def keep(
        self,
        named: Named,
        line: bytes,
        time: EventTime,
        watermark: EventTime,
        late_below: EventTime,
    ) -> None:
        """Keep what the rules read of an event; the oldest go where there are too many.

        Args:
            named: the id, of which nobody knows yet whose it is.
            line: of the event.
            time: likewise.
            watermark: the shard's before it.
            late_below: below which time it is late.
        """
        is_late = time < late_below - self._grace_ms
        left = self._cutter.cut(line)
        if left is None:
            return
        body = self._cutter.body(left)
        message_id = body.messageId or ""
        if message_id and self._has(named, message_id, time):
            return  # nothing more comes of it, and nothing that it says
        if is_late and self._rules is None:
            self._note_late(named, message_id, time)
            return
        is_bare = not self._permits(named, body, time) or is_late
        if is_bare:
            left = self._cutter.said(left)
        named.events.append(KeptEvent(time, watermark, late_below, left, message_id, is_bare))
        named.size += len(left)
        self._let_go(named)

    def of(self, named: Named, since: EventTime) -> list[KeptEvent]:
        """Return what is kept of an id from a time on, and what was said of consent before."""
        events = [each for each in named.events if each.time >= since]
        if named.consent is None or self._consent is None:
            return events
        oldest = min((each.time for each in events), default=AFTER_ALL)
        return [*said_before(named.consent, self._consent, oldest), *events]

    def _let_go(self, named: Named) -> None:
        """Let the oldest events go where there are too many."""
        events, since = named.events, named.used - self._keep_ms
        gone = 0
        while len(events) - gone > self._events_most or (
            gone < len(events) and (events[gone].time < since or named.size > KEPT_BYTES_MOST)
        ):
            named.size -= len(events[gone].line)
            gone += 1
        del events[:gone]

    def _has(self, named: Named, message_id: str, time: EventTime) -> bool:
        """Tell whether an event is kept already, as far as duplicates are looked for (I4).

        Profile asks once more when the events become a customer's (duplicates.py): that customer
        may have sent them too.
        """
        last, within_ms = self._duplicates_last, self._duplicates_within_ms
        seen = named.late.get(message_id)
        if seen is not None and abs(seen - time) <= within_ms:
            return True
        return last > 0 and any(
            each.message_id == message_id and abs(each.time - time) <= within_ms
            for each in named.events[-last:]
        )

    def _note_late(self, named: Named, message_id: str, time: EventTime) -> None:
        """Remember an event of which nothing is kept: one that repeats it is a duplicate (I4)."""
        if message_id:
            named.late.pop(message_id, None)
            named.late[message_id] = time
        while len(named.late) > self._duplicates_last:
            del named.late[next(iter(named.late))]

    def _permits(self, named: Named, body: Body, time: EventTime) -> bool:
        """Tell whether an event may be kept; let go of those that may no more be (N3, N4)."""
        if self._consent is None or self._rules is None or self._preferences is None:
            return True
        profiling = self._consent.profiling
        before = self._rules.since(named.consent, profiling)
        said = self._preferences.read(body)
        if said.purposes or said.region is not None:
            if named.consent is None:
                named.consent = Consent({}, [])
            self._rules.note(named.consent, said, time, body.messageId or "")
        since = self._rules.since(named.consent, profiling)
        if since != before:
            named.events = [
                each
                if each.is_bare or (since is not None and each.time >= since)
                else msgspec.structs.replace(each, line=self._cutter.said(each.line), is_bare=True)
                for each in named.events
            ]
            named.size = sum(len(each.line) for each in named.events)
        return since is not None and time >= since
