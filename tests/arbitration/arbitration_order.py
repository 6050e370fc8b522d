"""Whether one customer's messages left each other the room that the config asks for (T5, T6).

Decisions are taken one by one in the order in which they must have been made, each after all that
were made before it.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from arbitration_clocks import local_period
from arbitration_judge import HISTORY, Fault, Known
from arbitration_records import Ended, by_event
from arbitration_rules import DAY_MS, Limit, Rule, Rules

_MILLION = 1_000_000
_LAST = 1 << 62
_KEPT_MS = 10 * DAY_MS
"""Longer than any limit of these tests looks back."""


def order_faults(rules: Rules, ended: Iterable[Ended], known: Known) -> Iterator[Fault]:
    """Judge what `again`, limits, holdout and priority have to do with."""
    asked = [each for each in ended if _is_asked(each) and each.trigger in rules.triggers]
    if asked:
        history = _History(rules, asked[0].customer, known)
        turns = in_turn(rules, asked, known)
        for place, each in enumerate(turns):
            yield from history.judge(each, turns[place + 1 :])


def in_turn(rules: Rules, asked: Iterable[Ended], known: Known) -> list[Ended]:
    """Return decisions in the order in which they are made.

    What waits is decided once the watermark is past it, by time and priority. What does not wait
    is decided when its cause is told, by priority where one event starts several: that is before
    all that the watermark is not past by then.
    """
    waiting, at_once = [], []
    for each in asked:
        rule = rules.triggers[each.trigger]
        turn = (-rule.priority, each.key, each.trigger, each.step)
        if each.step == 1 and each.time == each.started and rule.steps[0].after_ms == 0:
            number, place, watermark = _told(rule, each, known)
            at_once.append(((number, place, each.time, *turn), watermark, each))
        else:
            waiting.append(((each.time, *turn), each))
    waiting.sort(key=lambda each: each[0])
    at_once.sort(key=lambda each: each[0])
    queue, made = deque(waiting), []
    for _, watermark, each in at_once:
        while queue and queue[0][1].time < watermark:
            made.append(queue.popleft()[1])
        made.append(each)
    return [*made, *(each for _, each in queue)]


def _told(rule: Rule, ended: Ended, known: Known) -> tuple[int, int, int]:
    """Say when what starts a trigger is told, and by what watermark things are decided by then.

    What happens by itself is told before the customer's next event, a closing before the first that
    comes when the watermark is past it; what an event changes is told together with the event.

    Returns:
        The event's number, 0 before it and 1 with it, and the watermark.
    """
    time = ended.time
    if rule.kind == "session":
        later = known.after_watermark(time)
        return (later.number, 0, time) if later else (_LAST, 0, time)
    if known.is_by_timer(rule.name, rule.kind == "enter", time):
        later = known.after(time)
        return (later.number, 0, min(later.watermark, time)) if later else (_LAST, 0, time)
    if rule.kind == "event":
        place = by_event(known.rules)[rule.name].index(rule)
        first = next(
            each
            for each in known.at(time)
            if each.name == rule.name and each.keys[place] == ended.key
        )
        return first.number, 1, first.watermark
    first = known.at(time)[0]
    return first.number, 1, first.watermark


def _is_asked(ended: Ended) -> bool:
    return ended.outcome == "sent" or ended.reason in HISTORY


class _History:
    """What a customer was sent so far, or would have been but for the holdout."""

    def __init__(self, rules: Rules, customer: str, known: Known) -> None:
        self._rules = rules
        self._known = known
        self._latest: dict[str, int] = {}
        self._counted: dict[Limit, list[int]] = defaultdict(list)
        digest = blake2b(f"{rules.salt}\0{customer}".encode(), digest_size=8).digest()
        self._is_held_out = int.from_bytes(digest) % _MILLION < rules.held_out_millionths

    def judge(self, ended: Ended, later: Sequence[Ended]) -> Iterator[Fault]:
        """Judge a decision by those made before, and take note of it."""
        rule = self._rules.triggers[ended.trigger]
        channel = rule.steps[ended.step - 1].channel
        limits = [
            each for each in self._rules.limits if each.is_about(rule.trigger, channel, rule.tags)
        ]
        full = next((each for each in limits if self._is_full(each, ended.time)), None)
        expected = None
        if ended.step == 1 and self._is_too_soon(rule, ended.time):
            expected = "again"
        elif full:
            expected = "limit"
        elif self._is_held_out:
            expected = "holdout"
        if ended.reason != expected:
            kind = ended.reason or expected or ""
            if ended.reason in {"again", "limit"} and self._is_passed_over(rule, ended, later):
                kind = "priority"
            detail = f" by {full}" if expected == "limit" else ""
            yield Fault(kind, f"{ended}: expected the refusal {expected}{detail}")
        if ended.reason in {None, "holdout"}:
            self._note(rule, ended, limits)

    def _is_passed_over(self, rule: Rule, ended: Ended, later: Iterable[Ended]) -> bool:
        """Tell whether a message of lower priority went out at the same time."""
        return any(
            each.time == ended.time
            and each.outcome == "sent"
            and self._rules.triggers[each.trigger].priority < rule.priority
            for each in later
        )

    def _is_too_soon(self, rule: Rule, time: int) -> bool:
        latest = self._latest.get(rule.trigger)
        if latest is None or rule.again_ms == 0:
            return False
        return rule.again_ms is None or time < latest + rule.again_ms

    def _is_full(self, limit: Limit, time: int) -> bool:
        counted = self._counted[limit]
        if limit.period == "rolling":
            return sum(each > time - limit.per_ms for each in counted) >= limit.at_most
        zone = limit.zone or self._known.zone(time)
        now = local_period(limit.period, zone, time)
        found = sum(local_period(limit.period, zone, each) >= now for each in counted)
        return found >= limit.at_most

    def _note(self, rule: Rule, ended: Ended, limits: Iterable[Limit]) -> None:
        time = ended.time
        if ended.step == 1:
            self._latest[rule.trigger] = max(time, self._latest.get(rule.trigger, time))
        for limit in limits:
            kept = [each for each in self._counted[limit] if each > time - _KEPT_MS]
            self._counted[limit] = [*kept, time]
