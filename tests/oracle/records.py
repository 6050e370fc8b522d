"""The records that the oracle's sessions and decisions stand for, in one fixed form.

Everything is compared as JSON: whole numbers without a fraction, sorted keys. Ids are left out,
which the oracle does not know.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from oracle.identity import Merged, Refused
from oracle.late_sessions import Retracted
from oracle.late_triggers import Retraction
from oracle.segments import Change
from oracle.sessions import Session
from oracle.triggers import Decision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical(value: Any) -> str:
    """Write a value so that what is equal in JSON is equal as text, but true is not 1."""
    return json.dumps(_plain(value), sort_keys=True)


def session_record(session: Session, session_id: str | None = None) -> str:
    """Write the record of a closed session, with its id if it is given."""
    data = {
        **({} if session_id is None else {"session_id": session_id}),
        "start": _text(session.start),
        "end": _text(session.end),
        "duration_s": (session.end - session.start) / 1000,
        "events": session.events,
        "revision": session.revision,
        **session.collected,
    }
    return canonical(["cartwheel.session.closed", session.customer, _text(session.time), data])


def retracted_record(one: Retracted, session_id: str, merged_into: str) -> str:
    """Write the record of a session that was taken back."""
    data = {"session_id": session_id, "revision": one.revision, "merged_into": merged_into}
    return canonical(["cartwheel.session.retracted", one.customer, _text(one.time), data])


def change_record(one: Change, versions: Mapping[str, str]) -> str:
    """Write the record of who has entered or left, with the number of the change behind it."""
    data = {"segment": one.segment, "version": versions[one.segment], "origin": one.origin}
    kind = f"cartwheel.segment.{one.kind}"
    return canonical([kind, one.customer, _text(one.time), data, one.number])


def decision_record(one: Decision, versions: Mapping[str, str]) -> str:
    """Write the record of a decision."""
    data = _about(one, versions)
    data |= {"outcome": one.outcome, "reason": one.reason, "cause": one.ended_by}
    data |= {} if one.limit is None else {"limit": one.limit}
    return canonical(["cartwheel.decision", one.customer, _text(one.time), data])


def message_record(one: Decision, versions: Mapping[str, str]) -> str:
    """Write the message that a decision sends."""
    data = _about(one, versions)
    data |= {"channel": one.channel, "cause": sorted(one.cause), "payload": one.payload}
    return canonical(["cartwheel.trigger.sent", one.customer, _text(one.time), data])


def retraction_record(one: Retraction, versions: Mapping[str, str]) -> str:
    """Write that a message was taken back."""
    sent = one.message
    data = _about(sent, versions) | {"cause": one.message_id}
    return canonical(["cartwheel.trigger.retracted", sent.customer, _text(one.time), data])


def merged_record(one: Merged) -> str:
    """Write that an anonymous id's past has become a customer's."""
    data = {"anonymous": one.anonymous, "customer": one.customer, "events": one.events}
    return canonical(["cartwheel.identity.merged", one.customer, _text(one.time), data])


def refused_record(one: Refused) -> str:
    """Write that a link was not made."""
    data = {"anonymous": one.anonymous, "customer": one.customer, "reason": "known"}
    return canonical(["cartwheel.identity.refused", one.customer, _text(one.time), data])


def _about(one: Decision, versions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "trigger": one.trigger,
        "version": versions.get(one.trigger),
        "key": one.key,
        "started": _text(one.opened),
        "due": _text(one.due),
        **({} if one.step is None else {"step": one.step}),
    }


def _text(time: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=time)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
