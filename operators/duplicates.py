"""Tells which events of a customer came before, by their messageIds (I4)."""

from operators.plans import ProfilePlan
from operators.profile_store import Profile
from operators.times import EventTime


def is_duplicate(
    profile: Profile, message_id: str | None, time: EventTime, plan: ProfilePlan
) -> bool:
    """Tell whether an event was seen before; remember it if not.

    Args:
        profile: of the customer.
        message_id: of the event, None or empty where it has none: then it never was.
        time: likewise.
        plan: how many are remembered, and how far apart two of one messageId may be.
    """
    if not message_id:
        return False
    seen = profile.message_ids
    seen_at = seen.get(message_id)
    if seen_at is not None:
        if abs(time - seen_at) <= plan.duplicates_within_ms:
            return True
        del seen[message_id]
    seen[message_id] = time
    while len(seen) > plan.duplicates_last:
        del seen[next(iter(seen))]
    return False
