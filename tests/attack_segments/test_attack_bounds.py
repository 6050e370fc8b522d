"""What is kept of a customer, and the work of one event, stay small whatever comes."""

from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest

from expressions import DictScope, Type, check, names, parse
from operators.features.feature import Feature
from operators.features.moment import Moment
from operators.features.plan import FeaturePlan, WindowPlan
from operators.memberships import Conditions, Membership
from operators.plans import DecidePlan, SegmentPlan, SlotPlan
from operators.times import EventTime

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS


@pytest.mark.parametrize(("kind", "at_most"), [("recent", 100), ("last", 0), ("time", 0)])
def test_only_as_many_values_are_kept_as_matter(kind: str, at_most: int) -> None:
    """A window of 1,440 panes with 100 long texts in each would come to 144 MB."""
    window = WindowPlan("sliding", size_ms=DAY_MS, pane_ms=MINUTE_MS)
    feature = Feature(FeaturePlan("f", kind, window, "page", at_most, "f"))
    draw, state, clock = Random(1), feature.start(), 0
    for number in range(3000):
        clock += draw.choice([0, 1000, 30_000, MINUTE_MS])
        time = EventTime(max(0, clock - draw.choice([0, 0, 0, 5 * MINUTE_MS])))
        state = feature.add(state, f"{number}".ljust(1000), time, Moment(EventTime(clock)))
    assert len(msgspec.msgpack.encode(state)) < 4 * max(1, at_most) * 1100


def test_segments_that_depend_on_hundreds_are_each_asked_once() -> None:
    """When hundreds change at once, each that looks at them is found among those to be asked."""
    plan = looking_at_one_another(500)
    segments = Conditions(plan)
    memberships = [Membership() for _ in plan.segments]
    row: list[Any] = [1, *(False for _ in plan.segments)]
    for value, time in zip([1, 0, 1], count(), strict=False):
        row[0] = value
        changes, _ = segments.ask(memberships, row, EventTime(time), segments.affected((0,)))
        assert [each.segment for each in changes] == [f"s{n}" for n in range(500)]
        assert {each.inside for each in changes} == {value == 1}


def looking_at_one_another(size: int) -> DecidePlan:
    """Make segments each of which looks at the feature, or at all before it that do."""
    scope = DictScope({"f": Type.NUMBER, **{f"segment.s{n}": Type.BOOLEAN for n in range(size)}})
    half = size // 2
    texts = ["f == 1"] * half + [
        " and ".join(f"segment.s{other}" for other in range(max(0, half - 100), half))
    ] * (size - half)
    plans = []
    for number, text in enumerate(texts):
        tree = check(parse(text), scope, Type.BOOLEAN).tree
        uses = tuple(names(tree))
        plans.append(SegmentPlan(f"s{number}", "1", text, tree, None, 0, 0, uses))
    return DecidePlan("shop", (), slots=(SlotPlan("f", 0, "f"),), segments=tuple(plans))
