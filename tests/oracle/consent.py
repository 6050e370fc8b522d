"""What a customer permits, worked out plainly: all statements, sorted, looked through each time.

``consent`` and ``purposes`` are as in the config file. Sentences are cited by their number in
docs/consent.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from oracle.input import Event

Spec = Mapping[str, Any]


class Statement(NamedTuple):
    """What one event says."""

    time: int
    purposes: Mapping[str, bool]
    region: str | None
    message_id: str | None


def purposes_of(purposes: Spec) -> set[str]:
    """Name every purpose."""
    named = {purposes["profiling"]} if "profiling" in purposes else set()
    kinds = ("channels", "triggers", "models")
    return named.union(*(purposes.get(kind, {}).values() for kind in kinds))


def needed(purposes: Spec, trigger: str, channel: str) -> set[str]:
    """Name the purposes that a message needs (N5)."""
    found = [
        purposes.get("profiling"),
        purposes.get("triggers", {}).get(trigger),
        purposes.get("channels", {}).get(channel),
    ]
    return {purpose for purpose in found if purpose}


def statement_of(event: Event, consent: Spec, purposes: Spec) -> Statement | None:
    """Read what an event says (N1); None where it says nothing."""
    context = event.data.get("context") or {}
    said = _preferences(context, purposes_of(purposes))
    gpc = consent.get("gpc")
    if gpc and context.get(gpc["path"].removeprefix("context.")) is True:
        said |= dict.fromkeys(gpc["refuses"], False)
    region = context.get("region") if consent.get("region") else None
    if not said and region is None:
        return None
    return Statement(event.time, said, region, event.message_id)


def _preferences(context: Mapping[str, Any], named: set[str]) -> dict[str, bool]:
    """Read both spellings; refusals alone where anything in them is not as it should be."""
    said: dict[str, list[bool]] = {purpose: [] for purpose in named}
    is_right = True
    one, other = context.get("consent"), context.get("consentManagement")
    categories = one.get("categoryPreferences") if isinstance(one, dict) else None
    for purpose in named & (categories if isinstance(categories, dict) else {}).keys():
        value = categories[purpose]
        said[purpose] += [value] if isinstance(value, bool) else []
        is_right &= isinstance(value, bool | None)
    is_right &= isinstance(one, dict | None) and isinstance(categories, dict | None)
    lists = other if isinstance(other, dict) else {}
    allowed, denied = lists.get("allowedConsentIds"), lists.get("deniedConsentIds")
    for purpose in named:
        said[purpose] += [purpose in allowed] if isinstance(allowed, list) else []
        said[purpose] += [False] if isinstance(denied, list) and purpose in denied else []
    is_right &= isinstance(other, dict | None)
    is_right &= isinstance(allowed, list | None) and isinstance(denied, list | None)
    return {
        purpose: all(values)
        for purpose, values in said.items()
        if values and (is_right or not all(values))
    }


def permitted(statements: Sequence[Statement], consent: Spec, purpose: str, time: float) -> bool:
    """Say whether a purpose is permitted at a time (N2)."""
    spoken = [one for one in statements if purpose in one.purposes and one.time <= time]
    if spoken:
        latest = max(one.time for one in spoken)
        return all(one.purposes[purpose] for one in spoken if one.time == latest)
    placed = [one for one in statements if one.region is not None and one.time <= time]
    if not placed:
        return bool(consent["default"] == "allow")
    latest = max(one.time for one in placed)
    regions = consent.get("regions", {})
    told = [regions.get(one.region, consent["default"]) for one in placed if one.time == latest]
    return all(each == "allow" for each in told)


def revocations(
    statements: Sequence[Statement], consent: Spec, purpose: str
) -> dict[int, str | None]:
    """Say when a purpose is permitted no more, and by which messageId: the smallest at a tie."""
    found: dict[int, str | None] = {}
    for time in sorted({one.time for one in statements}):
        before = permitted(statements, consent, purpose, time - 1)
        if before and not permitted(statements, consent, purpose, time):
            at = [one for one in statements if one.time == time]
            refusing = [one for one in at if one.purposes.get(purpose) is False]
            by = refusing or [one for one in at if one.region is not None]
            found[time] = min((one.message_id for one in by if one.message_id), default=None)
    return found


class Stretch(NamedTuple):
    """What is applied of a customer, whose events are in order, while profiling is permitted.

    It ends with the event that revokes it, which is not applied (N3, N4).
    """

    events: list[Event]
    said: list[Statement]
    """What was said before the first of them."""
    revoked_by: Event | None


def stretches_of(events: Sequence[Event], consent: Spec, purposes: Spec) -> list[Stretch]:
    """Cut a customer's events, in order of arrival and of time, where profiling is revoked."""
    said: list[Statement] = []
    found: list[Stretch] = []
    is_open = False
    for event in events:
        before = list(said)
        said += filter(None, [statement_of(event, consent, purposes)])
        purpose = purposes.get("profiling")
        if purpose is None or permitted(said, consent, purpose, event.time):
            if not is_open:
                found.append(Stretch([], before, None))
            found[-1].events.append(event)
            is_open = True
        elif is_open:
            found[-1] = found[-1]._replace(revoked_by=event)
            is_open = False
    return found
