"""What consumers are told of scores and models is what the engine writes."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from drifting_prices import CUSTOMERS, RULES, events
from jsonschema import Draft202012Validator, ValidationError

from cartwheel.app import main
from replaying import Replay, summary

KINDS = ("scores", "models")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    folder = tmp_path_factory.mktemp("drifting")
    (folder / "events.jsonl").write_bytes(b"\n".join(event for _, event in events()))
    (folder / "drifting.yaml").write_text(json.dumps(RULES.as_config()))
    replay = Replay(folder, [folder / "events.jsonl"], config=folder / "drifting.yaml")
    replay.done()
    assert summary(replay.out)["dead_letters"] == 0
    return replay


@pytest.fixture(scope="module")
def schemas(replayed: Replay) -> dict[str, dict[str, Any]]:
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(["schemas", str(replayed.config)]) == 0
    schemas: dict[str, dict[str, Any]] = json.loads(printed.getvalue())
    return schemas


def lines_of(replay: Replay, kind: str) -> list[dict[str, Any]]:
    lines = (replay.out / f"{kind}.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_fits_its_schema_and_no_other(
    kind: str, replayed: Replay, schemas: dict[str, dict[str, Any]]
) -> None:
    of_file = Draft202012Validator(schemas["file"][kind])
    of_record = Draft202012Validator(schemas["record"][kind])
    lines = lines_of(replayed, kind)
    assert lines
    for line in lines:
        of_file.validate(line)
        of_record.validate(line["data"])
    optional = {"shadow", "input"}
    for inner in (lines[-1], lines[-1]["data"]):
        inner["new"] = 1
        with pytest.raises(ValidationError):
            of_file.validate(lines[-1])
        del inner["new"]
        for name in list(inner):
            value = inner.pop(name)
            assert of_file.is_valid(lines[-1]) is (name in optional), name
            inner[name] = value


def test_each_moment_has_a_score_of_each_model_and_a_shadow_says_so(replayed: Replay) -> None:
    for model, is_shadow in (("intent", False), ("trial", True)):
        said = [each for each in lines_of(replayed, "scores") if each["data"]["model"] == model]
        assert [each["subject"] for each in said] == [f"u{number}" for number in range(CUSTOMERS)]
        assert all(each["data"].get("shadow", False) is is_shadow for each in said)
        assert all(each["time"] == each["data"]["moment"] for each in said)


def test_a_change_of_an_input_is_told_once_under_the_models_name(replayed: Replay) -> None:
    (told,) = [
        each for each in lines_of(replayed, "models") if each["data"].get("input") == "price"
    ]
    assert (told["type"], told["subject"]) == ("cartwheel.model.drift", "intent")
    assert told["data"]["before"] < 20
    assert told["data"]["after"] > 50


def test_a_config_without_models_has_no_schemas_of_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.yaml").write_text("name: none\n")
    assert main(["schemas", str(tmp_path / "none.yaml")]) == 0
    for kinds in json.loads(capsys.readouterr().out).values():
        assert not kinds.keys() & set(KINDS)
