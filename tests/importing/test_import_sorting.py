"""Any rows come out sorted, stable and complete, whatever fits into memory."""

import csv
import io
import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from connectors.importing.mapping import parse_mapping
from connectors.importing.run import read_events
from connectors.importing.sorting import EventSorter

events_in_any_order = st.lists(
    st.tuples(st.integers(-(2**50), 2**50) | st.integers(0, 3), st.binary(max_size=20)),
    max_size=200,
)


@given(events_in_any_order, st.integers(1, 2000), st.integers(2, 4))
def test_the_sorter_equals_a_stable_sort_for_any_size_of_runs(
    events: list[tuple[int, bytes]], run_bytes: int, merged_at_once: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with EventSorter(folder, run_bytes=run_bytes, merged_at_once=merged_at_once) as sorter:
            for time, line in events:
                sorter.add(time, line)
            drained = list(sorter.drain())
        assert drained == [line for _, line in sorted(events, key=lambda event: event[0])]
        assert list(folder.iterdir()) == []


def test_what_fits_into_one_run_never_touches_the_disk(tmp_path: Path) -> None:
    with EventSorter(tmp_path) as sorter:
        sorter.add(2, b"b")
        sorter.add(1, b"a")
        assert list(sorter.drain()) == [b"a", b"b"]
        assert list(tmp_path.iterdir()) == []


def test_memory_is_bounded_by_the_run(tmp_path: Path) -> None:
    with EventSorter(tmp_path, run_bytes=10_000) as sorter:
        for time in range(1000):
            sorter.add(-time, b"x" * 50)
            assert sum(len(line) for _, line in sorter._events) < 10_000
        assert len(list(sorter.drain())) == 1000


MAPPING = parse_mapping(
    "{format: csv, customer: who, time: {column: when, format: epoch_ms},"
    " event: {always: Product Viewed}, properties: {product_id: item}}",
    "test",
)
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
rows_of_a_table = st.lists(st.tuples(cells, st.integers(0, 5), cells), max_size=60)


@given(rows_of_a_table)
def test_any_table_comes_out_sorted_stable_and_complete(rows: list[tuple[str, int, str]]) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table, quoting=csv.QUOTE_ALL)
    writer.writerow(["who", "when", "item"])
    writer.writerows(rows)
    rejects = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "log.csv")
        path.write_bytes(table.getvalue().encode())
        with EventSorter(Path(name), run_bytes=2000) as sorter:
            counts = read_events(
                [str(path)],
                MAPPING,
                sorter,
                on_reject=rejects.append,
                on_progress=lambda _done: None,
            )
            events = [json.loads(line) for line in sorter.drain()]
    assert counts.rows == len(rows)
    assert len(rejects) == sum(1 for who, _, _ in rows if not who)
    expected = sorted((row for row in rows if row[0]), key=lambda row: row[1])
    got = [
        (event["userId"], int(event["timestamp"][-2]), event["properties"].get("product_id", ""))
        for event in events
    ]
    assert got == expected
    for event, row in zip(events, expected, strict=True):
        same = [other["messageId"] for other, of in zip(events, expected, strict=True) if of == row]
        assert set(same) == {event["messageId"]}
    assert len({event["messageId"] for event in events}) == len(set(expected))
