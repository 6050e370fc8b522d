"""Attributes in the engine, against a plain model: who is in which segment, since when, and why."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config import load
from connectors.attributes import ColumnType, CustomersFile
from flows.attributes import prepare_attributes, take_attributes
from flows.job import plans_of
from operators.plans import DecidePlan, ProfilePlan
from operators.times import EventTime, format_time, parse_time
from simulation import Simulation
from state.about import Attributes, View
from state.folder import StateFolder
from state.keyvalue import MemoryKeyValue

START = parse_time("2026-01-01T10:00:00Z")
MINUTE_MS = 60_000
SHARDS = 2
CUSTOMERS = ("u1", "u2", "u3", "u4")
COLUMNS: dict[str, ColumnType] = {"tier": "text", "score": "number"}
ATTRIBUTES = "attributes: {file: crm.csv, customer: id, columns: {tier: text, score: number}}"
BOTH = f"""
name: shop
time: {{disorder: 0s}}
{ATTRIBUTES}
features: {{views: {{count: Product Viewed}}}}
segments:
  scored: attribute.score >= 2
  unknown: attribute.tier is missing
  gold: attribute.tier == "gold" and views >= 2
  top: segment.gold and segment.scored
"""

Told = tuple[str, int | None]
Table = Mapping[str, Told]
Change = tuple[str, str, bool, int, str]


def plans(text: str) -> tuple[ProfilePlan, DecidePlan]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "shop.yaml"
        file.write_text(text)
        profile, decide = plans_of(load(file))
        decode, encode = msgspec.json.decode, msgspec.json.encode
        return (
            decode(encode(profile), type=ProfilePlan),
            decode(encode(decide), type=DecidePlan),
        )


PLANS = plans(BOTH)


def view(time: int, customer: str, number: int) -> bytes:
    event = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"m{number}",
        "userId": customer,
        "timestamp": format_time(EventTime(time)),
    }
    return json.dumps(event).encode()


def prepare(folder: Path, table: Table) -> Attributes:
    file = folder / "crm.csv"
    rows = [f"{who},{tier},{'' if n is None else n}\n" for who, (tier, n) in table.items()]
    file.write_text("id,tier,score\n" + "".join(rows))
    plan = CustomersFile(str(file), "id", COLUMNS)
    return prepare_attributes(StateFolder(folder), plan, SHARDS, "none")


class Engine:
    """The engine on some events, which may be started again with another table."""

    def __init__(
        self, folder: Path, lines: Sequence[bytes], start: tuple[ProfilePlan, DecidePlan] = PLANS
    ) -> None:
        self._folder = folder
        self._lines = lines
        self._plans = start
        self.run = Simulation(lines, *start, shards=SHARDS, disorder_ms=0)
        self.changes: list[Change] = []

    def start_with(
        self, table: Table | None, start: tuple[ProfilePlan, DecidePlan] | None = None
    ) -> None:
        """Stop, and start again with a table, and with other plans if given."""
        self._plans = start or self._plans
        snapshot = self.run.snapshot()
        attributes = None if table is None else prepare(self._folder, table)
        for shard, entries in enumerate(snapshot.shards):
            keyvalue = MemoryKeyValue(entries)
            about = snapshot.abouts[shard]
            take_attributes(StateFolder(self._folder), shard, keyvalue, about, attributes)
            snapshot.shards[shard] = keyvalue.entries
        self.run = Simulation(self._lines, *self._plans, disorder_ms=0, cache=2, resume=snapshot)

    def let_through(self, count: int, size: int) -> None:
        """Let some events through, in ticks of a size."""
        for start in range(0, count, size):
            self.run.step(min(size, count - start))
        lines = self.run.outcome.lines.pop("segments", [])
        self.changes += [changed(json.loads(line)) for line in lines]

    def kill_after(self, count: int) -> None:
        """Let some events through, and lose all that came of it."""
        before = self.run.snapshot()
        for _ in range(count):
            self.run.step(1)
        self.run = Simulation(self._lines, *self._plans, disorder_ms=0, cache=2, resume=before)


def changed(record: dict[str, object]) -> Change:
    data = record["data"]
    assert isinstance(data, dict)
    entered = record["type"] == "cartwheel.segment.entered"
    time = parse_time(str(record["time"]))
    return str(record["subject"]), data["segment"], entered, time, data["origin"]


@dataclass
class Model:
    """The same, from the rules' words: a dict a customer, looked at again and again."""

    table: Table = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    inside: dict[str, set[str]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    clock: int = START

    def look(self, customer: str, time: int, origin: str) -> None:
        tier, score = self.table.get(customer, ("", None))
        now = {
            "scored": score is not None and score >= 2,
            "unknown": not tier,
            "gold": tier == "gold" and self.views[customer] >= 2,
        }
        now["top"] = now["gold"] and now["scored"]
        inside = self.inside.setdefault(customer, set())
        for segment, is_in in now.items():
            if is_in is not (segment in inside):
                self.changes.append((customer, segment, is_in, time, origin))
                (inside.add if is_in else inside.discard)(segment)

    def take(self, table: Table) -> None:
        self.table = table
        for customer in self.views:
            self.look(customer, self.clock, "reconcile")

    def view(self, customer: str, time: int) -> None:
        self.clock = time
        self.views[customer] = self.views.get(customer, 0) + 1
        self.look(customer, time, "event")


TABLES = st.dictionaries(
    st.sampled_from(CUSTOMERS),
    st.tuples(st.sampled_from(["gold", "silver", ""]), st.sampled_from([None, 1, 2])),
)
STAGES = st.lists(
    st.tuples(
        TABLES,
        st.integers(0, 3),  # events before a kill
        st.lists(st.sampled_from(CUSTOMERS), min_size=1, max_size=5),
        st.integers(1, 3),  # events a tick
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(stages=STAGES)
@example(stages=[({}, 0, ["u1"], 1), ({"u1": ("gold", 2)}, 2, ["u1", "u2"], 1)])
def test_whatever_the_tables_and_the_kills_memberships_are_those_of_the_rules(
    stages: Sequence[tuple[Table, int, Sequence[str], int]],
) -> None:
    viewers = [customer for _, _, customers, _ in stages for customer in customers]
    times = [START + number * MINUTE_MS for number in range(len(viewers))]
    lines = [view(*each, n) for n, each in enumerate(zip(times, viewers, strict=True))]
    model, done = Model(), 0
    with TemporaryDirectory() as folder:
        engine = Engine(Path(folder), lines)
        for table, lost, customers, size in stages:
            engine.start_with(table)
            if lost < len(customers):
                engine.kill_after(lost)
            engine.let_through(len(customers), size)
            model.take(table)
            for customer in customers:
                model.view(customer, times[done])
                done += 1
    assert sorted(engine.changes) == sorted(model.changes)


@settings(max_examples=8, deadline=None)
@given(table=TABLES, lost=TABLES, customers=st.lists(st.sampled_from(CUSTOMERS), min_size=2))
def test_a_table_that_was_lost_with_a_kill_leaves_nothing(
    table: Table, lost: Table, customers: Sequence[str]
) -> None:
    lines = [view(START + n * MINUTE_MS, each, n) for n, each in enumerate(customers)]

    def left(*, killed: bool) -> tuple[list[Change], object]:
        with TemporaryDirectory() as folder:
            engine = Engine(Path(folder), lines)
            engine.start_with({})
            engine.let_through(1, 1)
            if killed:
                other = copy(engine)
                other.changes = []
                other.start_with(lost)
                other.let_through(len(lines) - 1, 1)
            engine.start_with(table)
            engine.let_through(len(lines) - 1, 1)
            after = engine.run.snapshot()
            return sorted(engine.changes), (after.shards, after.abouts)

    assert left(killed=True) == left(killed=False)


def waiting(rest: str) -> tuple[ProfilePlan, DecidePlan]:
    return plans(
        f"name: shop\ntime: {{disorder: 0s}}\n{ATTRIBUTES}\nsegments: {{slow: {{{rest}}}}}\n"
    )


def told(tables: Iterable[Table], rest: str) -> list[tuple[bool, int, str]]:
    """Let u1 come once, then u2 every ten minutes, before each time with the next table."""
    every = list(tables)
    lines = [view(START + n * 10 * MINUTE_MS, "u2" if n else "u1", n) for n in range(len(every))]
    with TemporaryDirectory() as folder:
        engine = Engine(Path(folder), lines, waiting(rest))
        for table in every:
            engine.start_with(table)
            engine.let_through(1, 1)
    return [
        (entered, (time - START) // MINUTE_MS, origin)
        for who, _, entered, time, origin in engine.changes
        if who == "u1"
    ]


def test_what_has_waited_goes_on_waiting_when_a_file_changes_nothing_for_it() -> None:
    tables: list[Table] = [{"u1": ("gold", 2), "u2": ("", n)} for n in range(6)]
    rest = 'when: attribute.tier == "gold", for: 25m'
    assert told(tables, rest) == [(True, 25, "timer")]
    tables = [{"u1": ("gold", n)} for n in range(6)]
    rest = 'when: attribute.tier == "gold" and attribute.score >= 0, for: 25m'
    assert told(tables, rest) == [(True, 25, "timer")]


def test_a_wait_ends_with_the_file_that_takes_its_reason_away() -> None:
    gold, silver = {"u1": ("gold", 1)}, {"u1": ("silver", 1)}
    rest = 'when: attribute.tier == "gold", for: 25m'
    assert told([gold, gold, silver, gold, gold, gold, gold], rest) == [(True, 45, "timer")]
    rest = 'when: attribute.tier == "gold", hold: 15m'
    assert told([gold, silver, gold, silver, silver, silver], rest) == [
        (True, 0, "event"),
        (False, 35, "timer"),
    ]


def test_a_column_that_rules_begin_to_look_at_is_there_for_customers_known_before(
    tmp_path: Path,
) -> None:
    lines = [view(START, "u1", 0), view(START + MINUTE_MS, "u2", 1)]
    engine = Engine(tmp_path, lines, waiting('when: attribute.tier == "gold"'))
    table = {"u1": ("gold", 2)}
    engine.start_with(table)
    engine.let_through(1, 1)
    engine.start_with(table, waiting("when: attribute.score == 2 and attribute.tier is missing"))
    engine.let_through(1, 1)
    assert engine.changes == [
        ("u1", "slow", True, START, "event"),
        ("u1", "slow", False, START, "reconcile"),
    ]


def test_without_a_table_attributes_are_missing(tmp_path: Path) -> None:
    engine = Engine(tmp_path, [view(START, "u1", 0)])
    engine.let_through(1, 1)
    assert engine.changes == [("u1", "unknown", True, START, "event")]


def test_views_that_no_record_names_any_more_take_no_room(tmp_path: Path) -> None:
    lines = [view(START + n * MINUTE_MS, "u1", n) for n in range(20)]
    engine = Engine(tmp_path, lines)
    sizes = []
    for number in range(10):
        engine.start_with({"u1": ("gold", number)})
        engine.let_through(2, 1)
        sizes.append(max(len(msgspec.msgpack.encode(each)) for each in engine.run.abouts))
    empty = len(msgspec.msgpack.encode(View([], [], [])))
    assert sizes[9] - sizes[2] <= 7 * empty
    assert sorted(each[1:3] for each in engine.changes) == [
        ("gold", True),
        ("scored", True),
        ("top", True),
    ]
