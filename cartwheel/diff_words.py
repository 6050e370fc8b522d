"""Says in words what differs; the table and the page use the same ones."""

import msgspec
from msgspec import UNSET

from cartwheel.diff_result import (
    Ending,
    InstanceDiff,
    MembershipDiff,
    Moved,
    RuleChange,
    RulesDiff,
    Side,
    Turn,
)
from cartwheel.visible import counted, visible
from operators.decisions import RETRACTED

SHOWN_MOST = 200
"""Of names out of events, in characters."""


_OTHERWISE = {
    "time": "at another time",
    "cause": "by another event",
    "retraction": "retracted otherwise",
    "message": "with another message",
}
UNDECIDED = "undecided: it still waits where the events end, or was never started"


def plain(text: str, *, most: int = SHOWN_MOST) -> str:
    """Show what is no visible character by its number: events are not to steer the terminal.

    A text of more than so many characters is cut, and ends with ``…``.
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return visible(cut)


def told(difference: InstanceDiff | MembershipDiff) -> str:
    """Say how one instance, or one change of a membership, differs."""
    if isinstance(difference, InstanceDiff):
        return f"{_instance(difference)}: {_endings(difference)}"
    return f"change {difference.number}: {_moves(difference.old, difference.new)}"


def turn_told(turn: Turn) -> str:
    """Say in which way outcomes differ, without how often."""
    if turn.by:
        return f"{turn.old}, {' and '.join(_OTHERWISE[name] for name in turn.by)}"
    return f"{turn.old or 'undecided'} → {turn.new or 'undecided'}"


def customers_told(count: int) -> str:
    """Say how many customers differ."""
    return (
        "no customer differs"
        if not count
        else f"{counted(count, 'customer')} differ" + ("s" if count == 1 else "")
    )


def only_told(only: Side | None) -> str:
    """Say that one config alone has a rule, after its name."""
    return f" (only in the {only} config)" if only else ""


def rules_told(rules: RulesDiff) -> list[str]:
    """Say what the two configs say differently, a line each; nothing where nothing is."""
    lines = [_rule(each) for each in rules.changes]
    return [*lines, f"and {counted(rules.more, 'more change')}"] if rules.more else lines


def _rule(change: RuleChange) -> str:
    path, old, new = plain(change.path), plain(change.old or ""), plain(change.new or "")
    if change.old is None:
        return f"{path}: added, {new}"
    if change.new is None:
        return f"{path}: removed, {old}"
    return f"{path}: {old} → {new}"


def _instance(difference: InstanceDiff) -> str:
    key = f", key {plain(difference.key)}" if difference.key else ""
    step = f", step {difference.step}" if difference.step > 1 else ""
    return f"started {difference.started}{key}{step}"


def _endings(difference: InstanceDiff) -> str:
    old, new = difference.old, difference.new
    if old is None or new is None:
        side, one = ("new", new) if old is None else ("old", old)
        assert one, "a difference has a side"
        return f"only under {side}: {_ending(one)}"
    parts = ", ".join(map(plain, difference.message))
    message = f", another message ({parts})" if parts else ""
    if old == new:
        return f"{_ending(old)}{message}"
    if msgspec.structs.replace(old, time=new.time) == new and old.retracted is UNSET:
        return f"{_ending(old)} → {new.time}{message}"
    return f"old {_ending(old)}, new {_ending(new)}{message}"


def _ending(ending: Ending) -> str:
    which = "" if ending.limit is UNSET else f": {plain(ending.limit)}"
    reason = f" ({ending.reason}{which})" if ending.reason else ""
    by = f" by {plain(ending.cause)}" if ending.cause else ""
    told = f"{ending.outcome}{reason} at {ending.time}{by}"
    if ending.retracted is UNSET:
        return told
    late = f" by {plain(ending.retracted.cause)}" if ending.retracted.cause else ""
    return f"{told}, {RETRACTED} at {ending.retracted.time}{late}"


def _moves(old: Moved | None, new: Moved | None) -> str:
    if old is None or new is None:
        side, one = ("new", new) if old is None else ("old", old)
        assert one, "a difference has a side"
        return f"only under {side}: {one.change} {one.time}"
    if old.change == new.change:
        return f"{old.change} {old.time} → {new.time}"
    return f"old {old.change} {old.time}, new {new.change} {new.time}"
