"""Every kind over every window against the definition, asked anew from the whole history."""

import math
import sys
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.features.feature import Feature
from operators.features.kinds import KINDS
from operators.features.moment import Moment
from operators.features.plan import FeaturePlan, WindowPlan
from operators.features.zones import zone_of
from operators.fields import FieldType
from operators.times import AFTER_ALL, EventTime
from oracle.features import Arrival, Spec, feature_value

HOUR = 3_600_000
AT_MOST = 3
STARTS = [1_743_289_200_000, 1_761_408_000_000]
"""2025-03-29T23:00Z and 2025-10-25T16:00Z: clocks change soon after."""
ZONES = ["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]

WINDOWS = {
    "all": [WindowPlan("all")],
    "sliding": [
        WindowPlan("sliding", 20, 5),
        WindowPlan("sliding", 7, 3),
        WindowPlan("sliding", 4, 4),
    ],
    "tumbling": [
        WindowPlan("tumbling", period="hour"),
        WindowPlan("tumbling", period="day"),
        WindowPlan("tumbling", period="week"),
        WindowPlan("tumbling", period="day", zone="utc"),
    ],
    "since": [WindowPlan("since", event="Order Completed")],
    "decay": [WindowPlan("decay", 10)],
    "session": [WindowPlan("session")],
}
PAIRS = [
    pytest.param(kind, plan, id=f"{kind}-{plan.kind}-{plan.period or plan.size_ms}{plan.zone[0]}")
    for kind in sorted(KINDS)
    for name in sorted(KINDS[kind].windows)
    for plan in WINDOWS[name]
]

NUMBERS = st.one_of(
    st.integers(-3, 3).map(float),
    st.sampled_from([0.1, 0.2, -0.0, 5e-7, 1e15 + 0.3, 1e300, -1e300, 1.7e308, 2.0**63]),
    st.floats(-1e9, 1e9, allow_nan=False),
)
VALUES: dict[FieldType | None, st.SearchStrategy[Any]] = {
    None: st.none(),
    FieldType.NUMBER: NUMBERS,
    FieldType.SCALAR: st.one_of(
        st.sampled_from(["a", "b", "", "1", 1, 1.0, True, False, 0, -0.0, 2**63 - 1, "x" * 1000]),
        NUMBERS,
    ),
}


@dataclass
class Step:
    """Something happens ``gap`` ms later; an event may be ``late`` by some ms."""

    gap: int
    what: str
    late: int
    value: Any
    zone: str


def values_of(kind: str, plan: WindowPlan) -> st.SearchStrategy[Any]:
    """Draw what a feature takes; a decayed sum of huge numbers depends on how it is rounded."""
    values = VALUES[KINDS[kind].field_type]
    is_decayed_sum = plan.kind == "decay" and kind == "sum"
    return values.filter(lambda value: abs(value) <= 1e9) if is_decayed_sum else values


def steps_of(
    values: st.SearchStrategy[Any], longest: int, *, in_order: bool
) -> st.SearchStrategy[Any]:
    late = st.just(0) if in_order else st.one_of(st.just(0), st.integers(0, longest))
    step = st.builds(
        Step,
        st.one_of(st.just(0), st.integers(0, longest // 8), st.integers(0, longest)),
        st.sampled_from(["event"] * 5 + ["reset", "wait"]),
        late,
        values,
        st.sampled_from(ZONES),
    )
    return st.lists(step, max_size=14)


@dataclass
class Customer:
    """Plays a history to a feature as the profile step does, and asks the oracle at each moment."""

    feature: Feature
    spec: Spec
    clock: int
    history: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first_seen = self.clock
        self.state = self.feature.start()

    def play(self, step: Step) -> None:
        now = self.clock + step.gap
        time = max(self.first_seen, now - step.late)
        self.fire(before=now)
        self.clock = now
        if step.what == "wait":
            if self.feature.deadline(self.state) <= now:
                self.state = self.feature.passed(self.state, EventTime(now))
        elif step.what == "event":
            moment = self.moment(now, step.zone)
            self.state = self.feature.add(self.state, step.value, EventTime(time), moment)
            self.history.append(Arrival(time, now, step.value, step.zone))
        else:
            if self.feature.deadline(self.state) <= now:
                self.state = self.feature.passed(self.state, EventTime(now))
            self.state = self.feature.reset(self.state, EventTime(time))
            if self.spec.window == "since":
                self.history.append(Arrival(time, now, resets=True))
        self.store()
        self.check(now)

    def fire(self, before: int) -> None:
        """Let the deadlines pass, and see that the value changes neither before nor without."""
        while (deadline := self.feature.deadline(self.state)) < before:
            self.check(deadline - 1)
            self.state = self.feature.passed(self.state, deadline)
            self.store()
            self.check(deadline)
            assert self.feature.deadline(self.state) > deadline
        if deadline != AFTER_ALL and deadline > before > self.clock:
            self.check(before)

    def store(self) -> None:
        """Write the state and read it back."""
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state))
        assert stored == self.state
        self.state = stored

    def check(self, now: int) -> None:
        value = self.feature.value(self.state, self.moment(now, "UTC"))
        expected = feature_value(self.spec, self.history, now, self.first_seen)
        assert alike(value, expected, self.spec), (value, expected, now, self.state)

    def moment(self, now: int, zone: str) -> Moment:
        return Moment(EventTime(now), zone_of(zone), EventTime(self.first_seen))


GREATEST = sys.float_info.max


def alike(value: Any, expected: Any, spec: Spec) -> bool:
    """Compare so that 1, 1.0 and True are three things; decayed numbers nearly."""
    if spec.window == "decay":
        expected = max(-GREATEST, min(GREATEST, expected))  # no JSON number is greater
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-6)
    if spec.kind == "distinct" and expected > AT_MOST:
        return bool(value > AT_MOST and abs(value - expected) <= 1)
    return msgspec.json.encode(value) == msgspec.json.encode(expected) and type(value) is type(
        expected
    )


def customer_of(kind: str, plan: WindowPlan, start: int) -> Customer:
    at_most = AT_MOST if KINDS[kind].at_most_limit else 0
    feature = Feature(FeaturePlan("x", kind, plan, None, at_most, ""))
    window = "all" if plan.kind == "session" else plan.kind
    spec = Spec(kind, window, plan.size_ms, plan.pane_ms, plan.period, plan.zone, AT_MOST)
    return Customer(feature, spec, start)


def longest_of(plan: WindowPlan) -> int:
    """Return the longest wait worth drawing, in ms."""
    return {"hour": 3 * HOUR, "day": 50 * HOUR, "week": 200 * HOUR, "": 60}[plan.period]


each_pair = pytest.mark.parametrize(("kind", "plan"), PAIRS)


def play(kind: str, plan: WindowPlan, data: st.DataObject, steps: st.SearchStrategy[Any]) -> None:
    start = data.draw(st.sampled_from(STARTS)) + data.draw(st.integers(0, 9))
    customer = customer_of(kind, plan, start)
    for step in data.draw(steps):
        customer.play(step)
    customer.fire(before=customer.clock + 4 * longest_of(plan))


@each_pair
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_in_order_a_feature_is_its_definition_at_every_moment(
    kind: str, plan: WindowPlan, data: st.DataObject
) -> None:
    play(kind, plan, data, steps_of(values_of(kind, plan), longest_of(plan), in_order=True))


@each_pair
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_out_of_order_a_feature_is_its_definition_at_every_moment(
    kind: str, plan: WindowPlan, data: st.DataObject
) -> None:
    play(kind, plan, data, steps_of(values_of(kind, plan), longest_of(plan), in_order=False))
