"""Tables as spreadsheets export them: other delimiters, decimal commas, headers that do not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.importing.errors import RowError
from connectors.importing.values import read_comma_number, read_number

Run = Callable[..., Any]
"""Runs one import and gives its outcome: exit_code, stderr and events."""

SHOP = """\
format: csv
customer: Kunde
time: {column: Datum, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
event: {column: Aktion, names: {Kauf: Order Completed}}
properties:
  product_id: Artikel
  revenue: {column: Betrag, type: number}
"""
HEADER = "Datum;Kunde;Aktion;Artikel;Betrag\n"
ROWS = HEADER + '01.03.2026 10:00;jörg;Kauf;"Tisch; groß";1.039,90\n'


@pytest.fixture
def import_text(run_import: Run, write_mapping: Callable[[str], Path], tmp_path: Path) -> Run:
    def run(mapping: str, log: str) -> object:
        path = tmp_path / "shop.csv"
        path.write_text(log, encoding="utf-8")
        return run_import("csv", path, "--mapping", write_mapping(mapping))

    return run


def test_a_semicolon_table_with_decimal_commas(import_text: Run) -> None:
    outcome = import_text(SHOP + "delimiter: ;\ndecimal: ','\n", ROWS)
    (event,) = outcome.events
    assert event["properties"] == {"product_id": "Tisch; groß", "revenue": 1039.9}
    assert event["timestamp"] == "2026-03-01T09:00:00.000Z"


@pytest.mark.parametrize(("table", "written"), [("csv", '"\\t"'), ("csv", "'|'"), ("tsv", "','")])
def test_any_one_character_may_stand_between_cells(
    import_text: Run, table: str, written: str
) -> None:
    character = {'"\\t"': "\t"}.get(written, written.strip("'"))
    log = "Datum;Kunde;Aktion;Artikel;Betrag\n01.03.2026 10:00;j;Kauf;T;1.5\n"
    mapping = SHOP.replace("csv", table) + f"delimiter: {written}\n"
    (event,) = import_text(mapping, log.replace(";", character)).events
    assert event["properties"] == {"product_id": "T", "revenue": 1.5}


def test_the_delimiter_does_not_change_the_message_id(import_text: Run) -> None:
    row = "01.03.2026 10:00;j;Kauf;T;1.5\n"
    (with_semicolons,) = import_text(SHOP + "delimiter: ;\n", HEADER + row).events
    (with_commas,) = import_text(SHOP, (HEADER + row).replace(";", ",")).events
    assert with_semicolons == with_commas


@pytest.mark.parametrize(
    ("table", "character", "hint"),
    [
        ("csv", ";", "perhaps delimiter: ';'"),
        ("csv", "\t", 'perhaps delimiter: "\\t"'),
        ("csv", "|", "perhaps delimiter: '|'"),
        ("tsv", ",", "perhaps delimiter: ','"),
    ],
)
def test_a_header_with_another_delimiter_is_told_with_the_delimiter(
    import_text: Run, table: str, character: str, hint: str
) -> None:
    outcome = import_text(SHOP.replace("csv", table), HEADER.replace(";", character))
    assert outcome.exit_code == 2
    assert outcome.stderr.strip().endswith(hint)
    assert "shop.csv:1: found one column" in outcome.stderr
    followed = import_text(
        SHOP.replace("csv", table) + hint.removeprefix("perhaps "), HEADER.replace(";", character)
    )
    assert followed.exit_code == 0


def test_a_row_with_another_delimiter_is_told_with_it_too(import_text: Run) -> None:
    columns = "header: false\ncolumns: [Datum, Kunde, Aktion, Artikel, Betrag]\n"
    outcome = import_text(SHOP + columns, HEADER)
    assert "found 1 columns, expected 5; perhaps delimiter: ';'" in outcome.stderr


def test_all_columns_that_the_header_lacks_are_told_at_once_where_the_mapping_names_them(
    import_text: Run, tmp_path: Path
) -> None:
    mapping = SHOP.replace("Kunde", "Kundin").replace("column: Aktion", "column: Tat")
    mapping = mapping.replace("product_id: Artikel", "product_id: Ding")
    outcome = import_text(mapping, HEADER.replace(";", ","))
    at, log = tmp_path / "mapping.yaml", tmp_path / "shop.csv"
    assert outcome.exit_code == 2
    assert outcome.stderr.splitlines() == [
        f'{at}:2:11: customer: found "Kundin", expected a column of {log}; did you mean "Kunde"?',
        f'{at}:4:17: event.column: found "Tat", expected a column of {log}',
        f'{at}:6:15: properties.product_id: found "Ding", expected a column of {log}',
        (
            f'{log}:1: found the columns "Datum", "Kunde", "Aktion", "Artikel", "Betrag", expected '
            '"Kundin", "Tat", "Ding" once; is it another format, or without a header?'
        ),
    ]
    assert not (tmp_path / "out.jsonl").exists()


def test_of_a_very_wide_header_the_first_columns_are_shown(import_text: Run) -> None:
    outcome = import_text(SHOP, ",".join(f"c{number}" for number in range(1000)) + "\n")
    assert '"c29" and 970 more, expected "Kunde"' in outcome.stderr
    assert "c30" not in outcome.stderr


def test_a_header_with_a_name_twice_is_refused(import_text: Run) -> None:
    outcome = import_text(SHOP, "Datum,Kunde,Aktion,Artikel,Betrag,Kunde\n")
    assert outcome.exit_code == 2
    assert 'customer: found "Kunde", expected a column that ' in outcome.stderr
    assert "has once, not 2 times" in outcome.stderr


def test_a_built_in_format_tells_all_columns_that_are_missing(
    run_import: Run, tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    log.write_text("event_time,event_type,product_id,price,user_id\n")
    outcome = run_import("rees46", log)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{log}:1: found the columns")
    assert 'expected "category_code", "brand" once' in outcome.stderr


@pytest.mark.parametrize(
    ("local", "moment"),
    [
        ("29.03.2026 02:30", "2026-03-29T01:30:00.000Z"),  # does not exist
        ("25.10.2026 02:30", "2026-10-25T00:30:00.000Z"),  # comes twice
        ("25.10.2026 03:00", "2026-10-25T02:00:00.000Z"),
    ],
)
def test_local_times_when_the_clocks_change(import_text: Run, local: str, moment: str) -> None:
    (event,) = import_text(SHOP + "delimiter: ;\n", f"{HEADER}{local};j;Kauf;T;1\n").events
    assert event["timestamp"] == moment


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12", 12),
        ("-12,50", -12.5),
        ("1039,9", 1039.9),
        ("1.039,90", 1039.9),
        ("1.234.567", 1234567),
        ("1 234 567,5", 1234567.5),
        ("1\u00a0234,5", 1234.5),
        ("1\u202f234,5", 1234.5),
        ("-1'234,5", -1234.5),
        ("1\u2019234", 1234),
        ("1,5e3", 1500.0),
        ("0,125", 0.125),
        (12.5, 12.5),
        (7, 7),
    ],
)
def test_numbers_with_a_decimal_comma(written: object, number: float) -> None:
    read = read_comma_number(written)
    assert (read, type(read)) == (number, type(number))


@pytest.mark.parametrize(
    "written",
    ["9.90", "0.125", "1.2345", "12.34.567", "1.234 567", "1,2,3", "1,", ",5", "1234.567", "x", ""],
)
def test_what_is_no_number_with_a_decimal_comma_is_refused(written: str) -> None:
    with pytest.raises(RowError, match="expected a number like 12, 12,5 or"):
        read_comma_number(written)


def test_a_number_too_large_is_told() -> None:
    with pytest.raises(RowError, match="found a text of 7 characters, which is too large"):
        read_comma_number("1,5e999")


def test_a_decimal_comma_that_was_not_said_is_offered(import_text: Run) -> None:
    outcome = import_text(SHOP + "delimiter: ;\n", ROWS)
    assert (
        "found a text of 8 characters, expected a number like 12 or 12.5; perhaps decimal: ','"
        in (outcome.stderr)
    )


@given(st.integers(-(10**14), 10**14), st.integers(0, 99), st.sampled_from([".", " ", "'", ""]))
@example(0, 5, ".")
def test_a_number_means_the_same_with_point_and_with_comma(
    whole: int, cents: int, apart: str
) -> None:
    with_comma = f"{whole:,}".replace(",", apart) + f",{cents:02}"
    assert read_comma_number(with_comma) == read_number(f"{whole}.{cents:02}")
