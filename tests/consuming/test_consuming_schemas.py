"""The schemas that the command makes of a config describe real output, and nothing else."""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from cartwheel.app import main
from connectors.dead_letters import PREFIX
from connectors.schemas import COLLECTED
from operators.decisions import REASONS
from operators.features.collected import KINDS
from replaying import PROJECT, Replay

SHOP = PROJECT / "examples" / "shop"
KINDS_OF_OUTPUT = ("sessions", "segments", "triggers", "decisions", "dead-letters")
EVERY_KIND = """
name: every.kind
session:
  collect:
    views: {count: Product Viewed}
    revenue: {sum: properties.revenue}
    cheapest: {min: properties.price}
    dearest: {max: properties.price}
    entry: {first: properties.page}
    exit: {last: properties.page}
    pages: {distinct: properties.page, at_most: 2}
    usual: {mean: properties.price}
    viewed_at: {time: Product Viewed}
    latest: {recent: properties.page, at_most: 3}
"""
EVERY_FORM = f"""
name: every.form
time: {{grace: 3h}}
session: {{gap: 30m}}
features: {{items: {{recent: properties.product_id}}, orders: {{count: Order Completed}}}}
segments: {{buyers: orders > 0}}
triggers:
  cart:
    on: Product Added
    after: 10m
    cancel: Order Completed
    retract: 3h
    channel: email
    payload: {{items: items, text: {{template: "{{{{ event.properties.product_id }}}}"}}}}
    then: [{{after: 10m}}]
  much:
    on: Started
    payload: {{{", ".join(f"text_{each}: {{template: {'x' * 9990}}}" for each in range(7))}}}
  night: {{on: Asked, expires: 1h}}
quiet_hours: {{from: "22:00", to: "23:30"}}
"""
Schemas = dict[str, dict[str, Any]]
BAD = (
    b"no event",
    b"[]",
    b'{"not":"\xff"}',
    b"x" * ((1 << 20) + 1),
    b'{"type":"track","event":"Order Completed","userId":"u","timestamp":"2022-08-01T00:00:00Z"}'[
        :-1
    ]
    + b',"properties":{"revenue":"12"}}',
)


def schemas_of(config: Path) -> Schemas:
    """Return what the command prints, by form and kind of output."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(["schemas", str(config)]) == 0
    schemas: Schemas = json.loads(printed.getvalue())
    for kinds in schemas.values():
        for schema in kinds.values():
            Draft202012Validator.check_schema(schema)
    return schemas


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def lines_of(replay: Replay, kind: str) -> list[dict[str, Any]]:
    lines = (replay.out / f"{kind}.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """The example shop's events and some bad ones, replayed."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "bad.jsonl").write_bytes(b"\n".join(BAD))
    files = [SHOP / "events" / "otto.jsonl", folder / "bad.jsonl"]
    replay = Replay(folder, files, ["--close", "--order", "name"], config=SHOP / "shop.yaml")
    replay.done()
    return replay


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return schemas_of(SHOP / "shop.yaml")


@pytest.mark.parametrize("kind", KINDS_OF_OUTPUT)
def test_every_line_of_the_example_shop_fits_its_schema(
    shop: Replay, schemas: Schemas, kind: str
) -> None:
    lines = lines_of(shop, kind)
    assert lines
    for line in lines:
        validator(schemas["file"][kind]).validate(line)
        if kind != "dead-letters":
            validator(schemas["record"][kind]).validate(line["data"])


OPTIONAL = {"step"}
"""Fields that need not be there, of those in the lines that are tried."""


def paths_of(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return where objects stand inside an output; what a payload holds is the config's."""
    if not isinstance(value, dict) or path[-1:] == ("payload",):
        return []
    return [path, *(each for name in value for each in paths_of(value[name], (*path, name)))]


@pytest.mark.parametrize("kind", KINDS_OF_OUTPUT)
def test_a_new_field_or_a_missing_one_is_noticed(shop: Replay, schemas: Schemas, kind: str) -> None:
    check = validator(schemas["file"][kind])
    line = lines_of(shop, kind)[0]
    for path in paths_of(line):
        changed = json.loads(json.dumps(line))
        inner = changed
        for name in path:
            inner = inner[name]
        inner["new"] = 1
        with pytest.raises(ValidationError):
            check.validate(changed)
        del inner["new"]
        check.validate(changed)
        for name in list(inner):
            value = inner.pop(name)
            assert check.is_valid(changed) is (name in OPTIONAL), name
            inner[name] = value


def test_every_kind_of_collected_value_fits_its_schema(tmp_path: Path) -> None:
    assert COLLECTED.keys() == KINDS.keys()
    (tmp_path / "config.yaml").write_text(EVERY_KIND)
    visits: list[list[dict[str, object]]] = [
        [{}],
        [{"page": "a", "price": 1.5, "revenue": 1e300}, {"page": 2, "revenue": 1e300}],
        [{"page": True, "price": -3}, {"page": "b"}, {"page": "c"}, {"page": 0.5}],
    ]
    lines = [
        json.dumps(
            {
                "type": "track",
                "event": "Product Viewed",
                "userId": f"u{number}",
                "timestamp": "2026-01-01T10:00:00Z",
                "properties": properties,
            }
        )
        for number, visit in enumerate(visits)
        for properties in visit
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    replay = Replay(
        tmp_path, [tmp_path / "events.jsonl"], ["--close"], config=tmp_path / "config.yaml"
    )
    replay.done()
    check = validator(schemas_of(tmp_path / "config.yaml")["file"]["sessions"])
    sessions = lines_of(replay, "sessions")
    assert len(sessions) == len(visits)
    for line in sessions:
        check.validate(line)
    assert [line["data"].get("pages_exact") for line in sessions].count(False) == 1
    for name, wrong in (("views", -1), ("revenue", None), ("dearest", "1"), ("entry", [])):
        changed = {**sessions[0], "data": {**sessions[0]["data"], name: wrong}}
        assert not check.is_valid(changed), name


def event(clock: str, name: str, customer: str) -> str:
    return json.dumps(
        {
            "type": "track",
            "event": name,
            "messageId": f"{customer} {clock}",
            "userId": customer,
            "timestamp": f"2026-01-01T{clock}Z",
            "properties": {"product_id": "desk"},
        }
    )


def test_steps_payloads_and_what_late_events_take_back_fit_their_schemas(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(EVERY_FORM)
    lines = [
        event("10:00:00", "Product Added", "ann"),
        event("10:40:00", "page", "ann"),
        event("12:00:00", "Started", "eve"),
        event("10:09:00", "Order Completed", "ann"),  # takes back the first message
        event("10:20:00", "page", "ann"),  # makes one session of two
        event("22:00:00", "Asked", "bob"),
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    replay = Replay(
        tmp_path,
        [tmp_path / "events.jsonl"],
        ["--close", "--order", "name"],
        config=tmp_path / "config.yaml",
    )
    replay.done()
    schemas = schemas_of(tmp_path / "config.yaml")
    found = {}
    for kind in ("sessions", "segments", "triggers", "decisions"):
        found[kind] = lines_of(replay, kind)
        for line in found[kind]:
            validator(schemas["file"][kind]).validate(line)
            validator(schemas["record"][kind]).validate(line["data"])
    for kind in ("sessions", "triggers"):
        ends = {line["type"].rpartition(".")[2] for line in found[kind]}
        assert ends == {"retracted", "closed" if kind == "sessions" else "sent"}
        for line in found[kind]:
            other = "session.closed" if kind == "triggers" else "trigger.sent"
            changed = {**line, "type": f"cartwheel.{other}"}
            assert not validator(schemas["file"][kind]).is_valid(changed)
    assert {line["data"].get("revision") for line in found["sessions"]} >= {1, 2}
    assert {line["data"]["origin"] for line in found["segments"]} == {"grace"}
    assert {line["data"].get("step") for line in found["triggers"]} == {None, 1, 2}
    assert {line["data"].get("payload_cut") for line in found["triggers"]} == {None, True}
    assert "expired" in {line["data"]["outcome"] for line in found["decisions"]}


def test_a_decision_has_a_reason_exactly_when_it_is_suppressed(
    shop: Replay, schemas: Schemas
) -> None:
    check = validator(schemas["record"]["decisions"])
    data = lines_of(shop, "decisions")[0]["data"]
    assert check.is_valid({**data, "outcome": "suppressed", "reason": "not_live"})
    assert not check.is_valid({**data, "outcome": "suppressed", "reason": None})
    assert not check.is_valid({**data, "outcome": "sent", "reason": "again"})
    assert check.is_valid({**data, "outcome": "expired", "reason": None})
    assert not check.is_valid({**data, "outcome": "expired", "reason": "when"})
    assert all(
        check.is_valid({**data, "outcome": "suppressed", "reason": reason})
        for reason in {*REASONS} - {"limit"}
    )
    assert not check.is_valid({**data, "outcome": "suppressed", "reason": "because"})


def test_a_decision_names_a_limit_exactly_when_that_is_the_reason(
    shop: Replay, schemas: Schemas
) -> None:
    check = validator(schemas["record"]["decisions"])
    decisions = [line["data"] for line in lines_of(shop, "decisions")]
    limited = [each for each in decisions if each["reason"] == "limit"]
    assert limited
    for data in limited:
        check.validate(data)
        assert not check.is_valid({name: data[name] for name in data if name != "limit"})
        assert not check.is_valid({**data, "reason": "again"})
        assert not check.is_valid({**data, "limit": None})


def test_the_headers_of_dead_letters_fit_and_those_that_came_are_free(schemas: Schemas) -> None:
    check = validator(schemas["record"]["dead-letters"])
    headers = {"topic": "events", "partition": "3", "offset": "12", "stage": "map"}
    told = {PREFIX + name: text for name, text in headers.items()}
    told[f"{PREFIX}exception.message"] = "not JSON"
    check.validate({**told, "of-its-own": "anything"})
    assert not check.is_valid({**told, f"{PREFIX}new": "1"})
    assert not check.is_valid({**told, f"{PREFIX}offset": "none"})
    del told[f"{PREFIX}partition"]
    assert not check.is_valid(told)


def test_a_config_without_triggers_has_no_schemas_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: plain")
    schemas = schemas_of(tmp_path / "config.yaml")
    for kinds in schemas.values():
        assert set(kinds) == {"sessions", "customers", "dead-letters"}


def test_schemas_are_written_into_a_folder_each_under_its_own_name(
    tmp_path: Path, schemas: Schemas
) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["schemas", str(SHOP / "shop.yaml"), "--out", str(out)]) == 0
    written = {path.name: json.loads(path.read_text()) for path in out.iterdir()}
    assert written == {
        f"{kind}.{form}.schema.json": schema
        for form, kinds in schemas.items()
        for kind, schema in kinds.items()
    }
    ids = [schema["$id"] for schema in written.values()]
    assert len(set(ids)) == len(ids)
