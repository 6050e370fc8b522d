"""Mapping files: what they can say, and how their mistakes are told."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.importing.errors import MappingError
from connectors.importing.mapping import BUILT_IN, ImportMapping, built_in_mapping, parse_mapping

Run = Callable[..., Any]
"""Runs one import and gives its outcome: exit_code, stderr and events."""

WHOLE = """\
format: csv
customer: who
time: {column: when, format: epoch_s}
event:
  column: what
  names: {1: Product Viewed}
"""


@pytest.fixture
def import_text(run_import: Run, write_mapping: Callable[[str], Path], tmp_path: Path) -> Run:
    def run(mapping: str, log: str) -> object:
        path = tmp_path / "log"
        path.write_text(log, encoding="utf-8")
        return run_import("csv", path, "--mapping", write_mapping(mapping))

    return run


def test_numbers_as_event_values_need_no_quotes(import_text: Run) -> None:
    outcome = import_text(WHOLE, "who,when,what\nu1,0,1\n")
    assert outcome.events[0]["event"] == "Product Viewed"


def test_one_name_for_all_rows_and_fractions_of_a_second(import_text: Run) -> None:
    # The YOOCHOOSE click log looks like this.
    outcome = import_text(
        "{format: tsv, customer: SessionId, time: {column: Time, format: epoch_s},"
        " event: {always: Product Viewed}, properties: {product_id: ItemId}}",
        "SessionId\tItemId\tTime\n3\t214716935\t1396437466.9499\n",
    )
    (event,) = outcome.events
    assert event["timestamp"] == "2014-04-02T11:17:46.949Z"
    assert event["userId"] == "3"


@pytest.mark.parametrize(
    ("time_format", "written", "timestamp"),
    [
        ("format: epoch_s", 1569888000, "2019-10-01T00:00:00.000Z"),
        ("format: epoch_s", "-1", "1969-12-31T23:59:59.000Z"),
        ("format: epoch_s", 1569888000.5, "2019-10-01T00:00:00.500Z"),
        ("format: epoch_ms", 1569888000123, "2019-10-01T00:00:00.123Z"),
        ("format: epoch_us", "1569888000123999", "2019-10-01T00:00:00.123Z"),
        ("format: rfc3339", "2019-10-01T02:00:00+02:00", "2019-10-01T00:00:00.000Z"),
        ("format: '%Y-%m-%d %H:%M:%S.%f'", "2019-10-01 00:00:00.5", "2019-10-01T00:00:00.500Z"),
        ("format: '%d.%m.%Y %H:%M %z'", "01.10.2019 02:00 +0200", "2019-10-01T00:00:00.000Z"),
        (
            "format: '%Y-%m-%d %H:%M', zone: Europe/Berlin",
            "2019-10-01 02:00",
            "2019-10-01T00:00:00.000Z",
        ),
    ],
)
def test_time_formats(
    import_text: Run, time_format: str, written: str | float, timestamp: str
) -> None:
    outcome = import_text(
        f"{{format: jsonl, customer: u, time: {{column: t, {time_format}}}, event: {{always: E}}}}",
        json.dumps({"u": "u1", "t": written}),
    )
    assert [event["timestamp"] for event in outcome.events] == [timestamp]


def test_nested_fields_types_constants_and_missing_values(import_text: Run) -> None:
    mapping = """\
format: jsonl
missing: ['\\N', 'NULL']
customer: user.id
time: {column: at, format: rfc3339}
event: {column: kind, names: {buy: Order Completed}}
properties:
  product_id: item.sku
  brand: item.brand
  price: {column: item.price, type: number}
  quantity: {column: n, type: number}
constants: {quantity: 1, currency: EUR}
"""
    at = '"at":"2019-10-01T00:00:00Z","kind":"buy"'
    outcome = import_text(
        mapping,
        f'{{"user":{{"id":12}},{at},"item":{{"sku":7,"brand":"NULL","price":"12.50"}},"n":3}}\n'
        f'{{"user":{{"id":12}},{at},"item":null}}\n',
    )
    first, second = (event["properties"] for event in outcome.events)
    assert first == {"product_id": "7", "price": 12.5, "quantity": 3, "currency": "EUR"}
    assert second == {"quantity": 1, "currency": "EUR"}
    assert outcome.events[0]["userId"] == "12"


def test_constants_keep_their_types(import_text: Run) -> None:
    outcome = import_text(
        WHOLE + "constants: {rate: 1.50, count: 0x10, gift: true, note: 'on', shop: no}\n",
        "who,when,what\nu1,0,1\n",
    )
    assert outcome.events[0]["properties"] == {
        "rate": 1.5,
        "count": 16,
        "gift": True,
        "note": "on",
        "shop": "no",
    }


def test_a_tab_separated_file_may_have_quotes(import_text: Run) -> None:
    table = 'who\twhen\twhat\n"u1"\t0\t1\n'
    plain = WHOLE.replace("csv", "tsv")
    assert import_text(plain, table).events[0]["userId"] == '"u1"'
    assert import_text(plain + "quotes: true\n", table).events[0]["userId"] == "u1"


def test_the_message_id_depends_on_the_row_alone(import_text: Run) -> None:
    (one,) = import_text(WHOLE, "who,when,what\nu1,0,1\n").events
    other_columns, same = import_text(WHOLE, '\nwhat,who,when\r\n1,"u1",1\r\n1,"u1",0\r\n').events[
        ::-1
    ]
    assert same["messageId"] == one["messageId"]
    assert other_columns["messageId"] != one["messageId"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WHOLE + "custmer: x\n", '7:1: custmer: unknown key; did you mean "customer"?'),
        (WHOLE + "zzz: x\n", "7:1: zzz: unknown key; the keys here are format, header"),
        (
            WHOLE.replace("column: when", "colum: when"),
            "3:8: time.colum: unknown key; did you mean",
        ),
        (WHOLE.replace("customer: who\n", ""), '1:1: the key "customer" is missing'),
        (WHOLE.replace("column: when, ", ""), '3:1: time: the key "column" is missing'),
        (WHOLE.replace("who", ""), "2:1: customer: found nothing, expected text"),
        (
            WHOLE.replace("epoch_s", "epoch_m"),
            '3:30: time.format: found "epoch_m", expected one of',
        ),
        (WHOLE.replace("epoch_s", "epoch_m"), 'did you mean "epoch_ms"?'),
        (WHOLE.replace("epoch_s", "'%H:%M'"), "expected a pattern that says the year"),
        (WHOLE.replace("epoch_s", "'%Y %Q'"), 'found "%Y %Q", expected a strptime pattern'),
        (
            WHOLE.replace("format: epoch_s", "format: rfc3339, zone: Europe/Berln"),
            (
                '3:45: time.zone: found "Europe/Berln", expected a time zone\'s name such as '
                'Europe/Berlin; did you mean "Europe/Berlin"?'
            ),
        ),
        (
            WHOLE.replace("csv", "csvv"),
            '1:9: format: found "csvv", expected csv, tsv or jsonl; did',
        ),
        (
            WHOLE + "  others: kep\n",
            'found "kep", expected reject, keep or skip; did you mean "keep"',
        ),
        (
            WHOLE.replace("{1: Product Viewed}", "[a]"),
            "6:10: event.names: found a list, expected a m",
        ),
        (WHOLE + "decimal: ;\n", '7:10: decimal: found ";", expected . or ,'),
        (WHOLE + "delimiter: ;;\n", '7:12: delimiter: found ";;", expected one character'),
        (WHOLE + "delimiter: '\"'\n", "7:12: delimiter: found"),
        (WHOLE + "delimiter: 1\n", "delimiter: found 1, expected text (try it in quotes)"),
        (WHOLE + "quotes: 3\n", "7:9: quotes: found 3, expected true or false"),
        (WHOLE.replace("column: what\n  names: {1: Product Viewed}", "{}"), "found neither column"),
        (
            WHOLE.replace("names: {1: Product Viewed}", "always: E"),
            "5:11: event.column: found the key",
        ),
        (WHOLE.replace("names: {1: Product Viewed}", "others: skip"), "found no names"),
        (WHOLE.replace("  column: what\n  names", "  always: E\n  names"), "beside always"),
        (WHOLE + "header: false\n", "7:9: header: found false, expected columns beside it"),
        (WHOLE + "columns: [who]\nheader: true\n", "8:9: header: found true beside columns"),
        (WHOLE + "columns: [who, when]\n", '5:11: event.column: found "what", expected one that'),
        (WHOLE + "columns: [who, what, when, who]\n", '7:10: columns: found "who" more than once'),
        (WHOLE + "each: events\n", "each: found the key beside format: csv, expected jsonl"),
        (
            WHOLE.replace("csv", "jsonl") + "header: true\n",
            "header: found the key beside format: js",
        ),
        (WHOLE.replace("csv", "jsonl") + "delimiter: ;\n", "7:12: delimiter: found the key beside"),
        (
            WHOLE + "properties: {price: {column: p, type: money}}\n",
            '7:39: properties.price.type: found "money", expected string or number',
        ),
        (
            WHOLE + "properties: {price: 3}\n",
            "7:21: properties.price: found 3, expected a column's",
        ),
        (WHOLE + "properties: {3: price}\n", "7:14: properties.3: found 3 as a key, expected text"),
        (
            WHOLE + "constants: {a: [1]}\n",
            "constants.a: found a list, expected text, a number, true",
        ),
        (WHOLE + "3: x\n", "7:1: 3: found 3 as a key, expected text"),
        (WHOLE + "customer: again\n", "7:1: not valid YAML"),
        ("", "1:1: found nothing, expected a mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_wrong_mapping_is_told_with_line_and_key(text: str, said: str) -> None:
    with pytest.raises(MappingError) as raised:
        parse_mapping(text, "m.yaml")
    assert said in str(raised.value)
    for line in str(raised.value).splitlines():
        assert re.match(r"m\.yaml:\d+:\d+: ", line)


def test_all_mistakes_of_a_mapping_are_told_at_once_and_in_the_order_of_the_file() -> None:
    text = (
        "event:\n  column: what\n  name: {a: b}\n  others: igonre\n"
        "time: {column: t, format: rfc3339, zone: Mars}\nformat: xls\ncustomer: 3\n"
    )
    with pytest.raises(MappingError) as raised:
        parse_mapping(text, "m.yaml")
    places = [line.split(" ")[:2] for line in str(raised.value).splitlines()]
    assert places == [
        ["m.yaml:3:3:", "event.name:"],
        ["m.yaml:4:11:", "event.others:"],
        ["m.yaml:5:42:", "time.zone:"],
        ["m.yaml:6:9:", "format:"],
        ["m.yaml:7:11:", "customer:"],
    ]


def test_every_key_in_conflict_is_told() -> None:
    text = WHOLE.replace("csv", "jsonl") + "header: true\ndelimiter: ;\nquotes: true\n"
    with pytest.raises(MappingError) as raised:
        parse_mapping(text, "m.yaml")
    told = [line.split(": ")[1] for line in str(raised.value).splitlines()]
    assert told == ["header", "delimiter", "quotes"]


def test_every_line_of_a_mapping_error_begins_with_its_place(import_text: Run) -> None:
    outcome = import_text("format: xls\ncustomer: 3\n", "")
    assert outcome.exit_code == 2
    for line in outcome.stderr.splitlines():
        assert re.search(r"^\S*mapping\.yaml:\d+:\d+: ", line)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_formats_are_mapping_files(name: str) -> None:
    assert built_in_mapping(name).constants == {"quantity": 1}


def test_a_mapping_goes_with_csv_and_only_with_csv(
    run_import: Run, write_mapping: Callable[[str], Path], tmp_path: Path
) -> None:
    without = run_import("csv", "log")
    assert (without.exit_code, "needs --mapping" in without.stderr) == (2, True)
    beside = run_import("otto", "log", "--mapping", write_mapping(WHOLE))
    assert (beside.exit_code, "goes with format csv" in beside.stderr) == (2, True)
    absent = run_import("csv", "log", "--mapping", tmp_path / "none.yaml")
    assert (absent.exit_code, "none.yaml:1:1: cannot be read" in absent.stderr) == (2, True)


def test_the_mappings_in_the_docs_are_valid_and_the_built_in_ones() -> None:
    docs = Path(__file__).parents[2].joinpath("docs", "import.md").read_text("utf-8")
    shown = [
        parse_mapping(text, "docs") for text in re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    ]
    dumped = [mapping.model_dump() for mapping in shown]
    for name in ("rees46", "otto"):
        assert built_in_mapping(name).model_dump() in dumped
    for key in ImportMapping.model_fields:
        assert f"| `{key}" in docs
