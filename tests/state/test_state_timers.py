"""Timers against a sorted list: however little fits into memory, what is due comes in order."""

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.timers import Timers

FAR = 2**62
KIND = Prefix.INSTANCE_TIMER
NEIGHBOURS = (bytes((KIND - 1,)) + b"\xff" * 20, bytes((KIND + 1,)))

TIMES = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([-FAR, -FAR + 1, FAR - 1, FAR]),
    st.integers(-FAR, FAR),
)
NAMES = st.one_of(
    st.sampled_from(["a", "a\0", "a\0\0", "ab", "", "\0", "é", "\uffff", "\U00010000"]),
    st.text(max_size=3),
)


def make(keyvalue: MemoryKeyValue, capacity: int = 4) -> Timers:
    return Timers(keyvalue, KIND, capacity=capacity)


class Machine:
    """Does the same to timers and to a dict of customers."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.keyvalue = MemoryKeyValue(dict.fromkeys(NEIGHBOURS, b""))
        self.timers = make(self.keyvalue, capacity)
        self.model: dict[str, int] = {}

    def set(self, time: int, customer: str, _limit: int) -> None:
        """Give a customer a deadline, in place of the one there is."""
        self.remove(time, customer, _limit)
        self.timers.add(time, customer)
        self.model[customer] = time

    def remove(self, _time: int, customer: str, _limit: int) -> None:
        """Take back a customer's deadline, if there is one."""
        if customer in self.model:
            self.timers.remove(self.model.pop(customer), customer)

    def due(self, time: int, _customer: str, limit: int) -> None:
        """Take some of what is due."""
        expected = sorted((at, name) for name, at in self.model.items() if at < time)[:limit]
        assert self.timers.due(time, limit) == [name for _, name in expected]
        for _, name in expected:
            del self.model[name]

    def flush(self, _time: int, _customer: str, _limit: int) -> None:
        """Write: then the store has every entry and no other."""
        self.timers.flush()
        timers = self.keyvalue.keys(KIND.key, KIND.key, 10_000)
        assert len(timers) == len(self.model)

    def reopen(self, _time: int, _customer: str, _limit: int) -> None:
        """Start again from the store."""
        self.flush(_time, _customer, _limit)
        self.timers = make(self.keyvalue, self.capacity)


AT_THE_HORIZON = [
    ("due", 0, "", 1),
    ("set", 0, "a", 1),
    ("set", 1, "b", 1),
    ("set", 2, "c", 1),
    ("remove", 0, "b", 1),
    ("set", 1, "b", 1),
    ("remove", 0, "b", 1),
]
"""The entry of b is the first that did not fit into memory; it goes, comes back, and goes."""

STEPS = st.tuples(
    st.sampled_from(["set", "set", "set", "remove", "due", "flush", "reopen"]),
    TIMES,
    NAMES,
    st.integers(1, 5),
)


@settings(deadline=None, max_examples=500)
@given(st.integers(2, 8), st.lists(STEPS, max_size=60))
@example(2, AT_THE_HORIZON)
def test_timers_are_a_sorted_list_whatever_fits_into_memory(
    capacity: int, steps: list[tuple[str, int, str, int]]
) -> None:
    machine = Machine(capacity)
    for step, time, customer, limit in steps:
        getattr(machine, step)(time, customer, limit)
        assert len(machine.timers._near) <= capacity
    machine.due(FAR + 1, "", 10_000)
    assert machine.model == {}
    machine.flush(0, "", 0)
    assert set(machine.keyvalue.entries) == set(NEIGHBOURS), "other kinds are left alone"


def test_many_random_deadlines_in_a_small_memory() -> None:
    rng = random.Random(7)
    for capacity in range(2, 9):
        machine = Machine(capacity)
        for _ in range(1500):
            step = rng.choice(["set"] * 6 + ["remove"] * 3 + ["due"] * 2 + ["flush", "reopen"])
            time = rng.randrange(-30, 30)
            getattr(machine, step)(time, f"c{rng.randrange(40)}", rng.randrange(1, 4))
        machine.due(FAR, "", 10_000)
        assert machine.model == {}


def test_equal_times_come_by_customer() -> None:
    timers = make(MemoryKeyValue(), capacity=2)
    for customer in ("b", "a\0", "c", "a", "\U00010000", "\uffff"):
        timers.add(5, customer)
    assert timers.due(6, 10) == ["a", "a\0", "b", "c", "\uffff", "\U00010000"]


def test_due_is_strictly_before_the_time() -> None:
    timers = make(MemoryKeyValue())
    timers.add(5, "a")
    assert timers.due(5, 10) == []
    assert timers.due(6, 10) == ["a"]
    assert timers.due(6, 10) == []


def test_negative_and_extreme_times_are_in_order() -> None:
    keyvalue = MemoryKeyValue()
    timers = make(keyvalue, capacity=2)
    times = [0, FAR, -FAR, -1, 1, FAR - 1, 1 - FAR]
    for time in times:
        timers.add(time, str(time))
    timers.flush()
    assert make(keyvalue, capacity=2).due(FAR + 1, 10) == [str(time) for time in sorted(times)]


def test_a_deadline_that_is_set_and_gone_between_flushes_never_touches_the_store() -> None:
    keyvalue = MemoryKeyValue()
    timers = make(keyvalue)
    assert timers.due(0, 1) == []
    timers.add(5, "a")
    timers.add(6, "b")
    timers.remove(6, "b")
    assert timers.due(10, 10) == ["a"]
    timers.flush()
    assert keyvalue.entries == {}


def test_what_was_due_is_gone_after_a_reopen() -> None:
    keyvalue = MemoryKeyValue()
    timers = make(keyvalue)
    timers.add(1, "a")
    timers.add(2, "b")
    timers.flush()
    assert timers.due(2, 10) == ["a"]
    timers.flush()
    assert make(keyvalue).due(10, 10) == ["b"]
