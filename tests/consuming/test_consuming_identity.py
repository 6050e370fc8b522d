"""What consumers are told of anonymous ids fits its schema, and nothing else does."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from connectors.rendering import render_line, render_record
from connectors.schemas import Has, file_schemas, record_schemas
from operators.outputs import Record, make_id
from operators.times import EventTime

ON = Has(segments=True, triggers=False, identity=True)
OFF = Has(segments=True, triggers=False)
DATA: dict[str, dict[str, object]] = {
    "merged": {"anonymous": "a", "customer": "u", "events": 3},
    "refused": {"anonymous": "a", "customer": "u", "reason": "known"},
}


def record(what: str, data: dict[str, object]) -> Record:
    return Record(f"identity.{what}", f"{make_id('a')}-{what}", "u", EventTime(0), data)


@pytest.mark.parametrize("what", DATA)
def test_what_is_told_of_an_anonymous_id_fits_its_schema_and_nothing_else_does(what: str) -> None:
    of_file = Draft202012Validator(file_schemas("shop", (), ON)["identity"])
    of_record = Draft202012Validator(record_schemas("shop", (), ON)["identity"])
    told = record(what, DATA[what])
    of_file.validate(msgspec.json.decode(render_line("shop", told).text))
    of_record.validate(msgspec.json.decode(render_record("shop", told).text))
    other = "refused" if what == "merged" else "merged"
    wrong: list[dict[str, object]] = [{**DATA[what], "new": 1}, {**DATA[what], "anonymous": ""}]
    for data in (*wrong, DATA[other]):
        line = msgspec.json.decode(render_line("shop", record(what, data)).text)
        assert not of_file.is_valid(line), data


def test_schemas_tell_of_identity_only_where_it_is_on() -> None:
    def origins(has: Has) -> Any:
        schema: Any = record_schemas("shop", (), has)["segments"]
        return schema["properties"]["origin"]["enum"]

    assert "identity" not in file_schemas("shop", (), OFF)
    assert "identity" not in record_schemas("shop", (), OFF)
    assert origins(ON) == [*origins(OFF), "merge"]
