"""Records against a plain dict: whatever the cache does, no change is lost."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from state.keyvalue import MemoryKeyValue
from state.prefixes import Prefix
from state.records import Records

CUSTOMERS = ("a", "b", "c", "d", "é\0", "")


class Note(msgspec.Struct, array_like=True):
    customer: str
    value: int


def make(
    keyvalue: MemoryKeyValue, capacity: int = 4, prefix: Prefix = Prefix.PROFILE
) -> Records[Note]:
    return Records(
        keyvalue,
        prefix,
        encode=msgspec.msgpack.Encoder().encode,
        decode=msgspec.msgpack.Decoder(Note).decode,
        capacity=capacity,
    )


def stored(keyvalue: MemoryKeyValue) -> dict[str, int]:
    """Read all that a later run would find."""
    notes = [msgspec.msgpack.decode(value, type=Note) for value in keyvalue.entries.values()]
    assert len({note.customer for note in notes}) == len(notes)
    return {note.customer: note.value for note in notes}


class Machine:
    """Does the same to records and to a dict."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.keyvalue = MemoryKeyValue()
        self.records = make(self.keyvalue, capacity)
        self.model: dict[str, int] = {}

    def change(self, customers: list[str], value: int) -> None:
        """Edit some; each gets a new value, or is inserted."""
        found = self.records.edit(customers)
        assert {customer: note.value for customer, note in found.items()} == {
            customer: self.model[customer] for customer in customers if customer in self.model
        }
        for customer in customers:
            if customer in found:
                found[customer].value = value
            else:
                self.records.insert(customer, Note(customer, value))
            self.model[customer] = value

    def delete(self, customers: list[str], _value: int) -> None:
        """Edit some, and delete those that are there."""
        for customer in self.records.edit(customers):
            self.records.delete(customer)
            del self.model[customer]

    def replace(self, customers: list[str], value: int) -> None:
        """Delete those that are there, and insert new ones at once, in the same edit."""
        for customer in self.records.edit(customers):
            self.records.delete(customer)
            self.records.insert(customer, Note(customer, value))
            self.model[customer] = value

    def look(self, customers: list[str], _value: int) -> None:
        """Edit some without changing them."""
        found = self.records.edit(customers)
        assert found.keys() == set(customers) & self.model.keys()

    def flush(self, _customers: list[str], _value: int) -> None:
        """Flush: everything is in the store."""
        self.records.flush()
        assert stored(self.keyvalue) == self.model

    def reopen(self, customers: list[str], value: int) -> None:
        """Start again from the store."""
        self.flush(customers, value)
        self.records = make(self.keyvalue, self.capacity)


@settings(deadline=None, max_examples=300)
@given(
    st.integers(0, 8),
    st.lists(
        st.tuples(
            st.sampled_from(["change", "change", "delete", "replace", "look", "flush", "reopen"]),
            st.lists(st.sampled_from(CUSTOMERS), unique=True, max_size=6),
        ),
        max_size=40,
    ),
)
@example(1, [("change", ["a"]), ("change", ["b"]), ("change", ["a"]), ("look", []), ("flush", [])])
def test_records_are_a_dict_whatever_the_cache_drops(
    capacity: int, steps: list[tuple[str, list[str]]]
) -> None:
    machine = Machine(capacity)
    for value, (step, customers) in enumerate(steps):
        getattr(machine, step)(customers, value)
    machine.flush([], 0)


def test_a_changed_record_is_not_lost_when_the_cache_drops_it() -> None:
    keyvalue = MemoryKeyValue()
    records = make(keyvalue, capacity=2)
    for number in range(50):
        customer = f"c{number}"
        assert records.edit([customer]) == {}
        records.insert(customer, Note(customer, 0))
    for number in range(50):
        records.edit([f"c{number}"])[f"c{number}"].value = number
    records.flush()
    assert stored(keyvalue) == {f"c{number}": number for number in range(50)}


def test_an_edit_marks_as_changed_what_comes_from_the_store() -> None:
    keyvalue = MemoryKeyValue()
    records = make(keyvalue)
    records.insert("a", Note("a", 1))
    records.flush()
    reopened = make(keyvalue)
    reopened.edit(["a"])["a"].value = 2
    reopened.flush()
    assert stored(keyvalue) == {"a": 2}


def test_an_edit_marks_as_changed_what_is_cached_and_was_flushed() -> None:
    keyvalue = MemoryKeyValue()
    records = make(keyvalue)
    records.insert("a", Note("a", 1))
    records.flush()
    records.edit(["a"])["a"].value = 2
    assert stored(keyvalue) == {"a": 1}
    records.flush()
    assert stored(keyvalue) == {"a": 2}


def test_an_edited_record_is_the_same_object_until_the_next_edit() -> None:
    records = make(MemoryKeyValue(), capacity=1)
    note = records.insert("a", Note("a", 1))
    assert records.edit(["a"])["a"] is note


def test_the_cache_is_bounded_by_its_capacity_and_one_edit() -> None:
    records = make(MemoryKeyValue(), capacity=10)
    for start in range(0, 1000, 20):
        for customer in (f"c{number}" for number in range(start, start + 20)):
            records.insert(customer, Note(customer, 0))
        records.edit([])
        assert len(records._young) + len(records._old) <= 10 + 20
        assert len(records._changed) <= 10 + 20


def test_a_second_record_of_one_customer_is_refused() -> None:
    records = make(MemoryKeyValue())
    records.insert("a", Note("a", 1))
    with pytest.raises(AssertionError, match="one record"):
        records.insert("a", Note("a", 2))


def test_deleting_a_record_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        make(MemoryKeyValue()).delete("a")


def test_kinds_of_records_keep_apart_in_one_store() -> None:
    keyvalue = MemoryKeyValue()
    profiles, customers = make(keyvalue), make(keyvalue, prefix=Prefix.CUSTOMER)
    profiles.insert("a", Note("a", 1))
    profiles.flush()
    assert customers.edit(["a"]) == {}
    customers.insert("a", Note("a", 2))
    customers.flush()
    assert make(keyvalue).edit(["a"])["a"].value == 1
    assert [key[:1] for key in keyvalue.keys(b"", b"", 9)] == [
        Prefix.PROFILE.key,
        Prefix.CUSTOMER.key,
    ]
