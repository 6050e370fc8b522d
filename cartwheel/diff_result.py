"""What ``cartwheel diff`` has found, as ``--json`` prints it; the table and the page show it."""

from typing import Generic, Literal, TypeVar

import msgspec

from operators.decisions import OUTCOMES, RETRACTED

Told = TypeVar("Told")

Side = Literal["old", "new"]

CHANGES = ("entered", "left")


class Retraction(msgspec.Struct, frozen=True):
    """A message was taken back: the late event's time, and its messageId."""

    time: str
    cause: str | None


class Ending(msgspec.Struct, frozen=True):
    """How an instance of a trigger ended under one config; a decision's own fields.

    Attributes:
        retracted: that its message was taken back; UNSET, and not in the JSON, where it was not.
        limit: which one was reached; likewise where that is not the reason.
    """

    outcome: str
    reason: str | None
    time: str
    cause: str | None
    retracted: Retraction | msgspec.UnsetType = msgspec.UNSET
    limit: str | msgspec.UnsetType = msgspec.UNSET


class InstanceDiff(msgspec.Struct, frozen=True):
    """An instance that did not end in the same way.

    Attributes:
        started: its opening time.
        key: empty where it has none.
        step: from 1.
        old: None where it has no decision: it still waits at the end of the events, or was never
            opened.
        new: likewise.
        message: where both sent one, what is another in it: ``channel``, or ``payload.`` and a
            name.
    """

    started: str
    key: str
    step: int
    old: Ending | None
    new: Ending | None
    message: list[str]


class Moved(msgspec.Struct, frozen=True):
    """A change of a membership under one config: ``entered`` or ``left``, and when."""

    change: str
    time: str


class MembershipDiff(msgspec.Struct, frozen=True):
    """A change of a membership that came at another time, or under one config only.

    Attributes:
        number: the customer's first change in this segment is 1.
        old: None where there is no such change.
        new: likewise.
    """

    number: int
    old: Moved | None
    new: Moved | None


class CustomerDiff(msgspec.Struct, Generic[Told], frozen=True):
    """A customer who differs in a rule.

    Attributes:
        customer: the name.
        differences: the first few; those with another outcome come first, then by time.
        more: how many are not shown.
    """

    customer: str
    differences: list[Told]
    more: int


class Turn(msgspec.Struct, frozen=True):
    """One way in which instances or changes differ, and how many do.

    Attributes:
        old: the outcome; after a comma the reason of a suppressed one, or that a sent one was
            ``retracted``. None for none.
        new: likewise.
        by: what is another where the outcome is the same: ``time``, ``cause``, ``retraction``,
            ``message``.
        count: how many.
    """

    old: str | None
    new: str | None
    by: list[str]
    count: int


class Sides(msgspec.Struct, frozen=True):
    """Something counted under both configs."""

    old: dict[str, int]
    new: dict[str, int]


class RuleDiff(msgspec.Struct, Generic[Told], frozen=True, kw_only=True):
    """A rule under both configs.

    Attributes:
        old: how often each outcome, or change of a membership, was under the old config.
        new: likewise.
        customers: how many have any difference here.
        only: the one config that has the rule, None where both have it.
        changes: in which ways what happened differs, the most frequent first.
        examples: the first customers that differ; those with another outcome come first, then by
            name.
    """

    old: dict[str, int]
    new: dict[str, int]
    customers: int
    only: Side | None
    changes: list[Turn]
    examples: list[CustomerDiff[Told]]


class TriggerDiff(RuleDiff[InstanceDiff], frozen=True, kw_only=True):
    """A trigger under both configs; ``old`` and ``new`` have each of OUTCOMES.

    Where any message of any trigger was taken back under either, they have RETRACTED too: so many
    of those sent.

    Attributes:
        reasons: how many were suppressed for which reason.
        sent: the messages of each of the periods of the whole result, old and new.
    """

    reasons: Sides
    sent: list[tuple[int, int]]


class SegmentDiff(RuleDiff[MembershipDiff], frozen=True, kw_only=True):
    """A segment under both configs; ``old`` and ``new`` have each of CHANGES."""


class SessionsDiff(msgspec.Struct, frozen=True):
    """How many sessions were closed; ``customers`` have others under the one than the other."""

    old: int
    new: int
    customers: int


class Periods(msgspec.Struct, frozen=True):
    """How time is cut for charts.

    Attributes:
        length: such as ``hour`` or ``day``.
        starts: of each period, in order; none where nothing was sent.
    """

    length: str
    starts: list[str]


class RuleChange(msgspec.Struct, frozen=True):
    """A key of the rules that is not the same in both configs.

    Attributes:
        path: of the key; see config.changes.
        old: what stood there, None where there was no such key.
        new: likewise.
    """

    path: str
    old: str | None
    new: str | None


class RulesDiff(msgspec.Struct, frozen=True):
    """What the two configs say differently: the first changes, and how many are not shown."""

    changes: list[RuleChange]
    more: int


class Diff(msgspec.Struct, frozen=True):
    """The whole result.

    Attributes:
        configs: the files of the two configs.
        rules: what they say differently.
        events: what became of the lines that were read; see the summary of a replay.
        triggers: by name, in the order of the old config and then of the new one.
        segments: likewise.
        sessions: those that were closed.
        periods: what ``sent`` of triggers counts by.
    """

    configs: dict[Side, str]
    rules: RulesDiff
    events: Sides
    triggers: dict[str, TriggerDiff]
    segments: dict[str, SegmentDiff]
    sessions: SessionsDiff
    periods: Periods

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What is counted of each trigger, in the order in which it is shown."""
        sent, *others = OUTCOMES
        has_retracted = any(RETRACTED in rule.old for rule in self.triggers.values())
        return (sent, RETRACTED, *others) if has_retracted else OUTCOMES

    @property
    def is_empty(self) -> bool:
        """Whether both configs do the same."""
        rules: list[RuleDiff[InstanceDiff] | RuleDiff[MembershipDiff]] = []
        rules += [*self.triggers.values(), *self.segments.values()]
        return not (
            any(rule.customers or rule.old != rule.new or rule.only for rule in rules)
            or self.sessions.customers
            or self.events.old != self.events.new
        )
