"""Runs the import command in this process, as the command line would."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cartwheel import import_
from cartwheel.errors import CartwheelError

PROJECT = Path(__file__).parents[2]


@dataclass
class Outcome:
    exit_code: int
    stderr: str
    events: list[dict[str, object]] = field(default_factory=list)


RunImport = Callable[..., Outcome]


@pytest.fixture
def run_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> RunImport:
    """Import into tmp_path/out.jsonl (or another --out) and read the events back."""

    def run(*words: object, stdin: bytes | None = None, out: Path | None = None) -> Outcome:
        target = out or tmp_path / "out.jsonl"
        parser = argparse.ArgumentParser()
        import_.add_arguments(parser)
        arguments = parser.parse_args([*map(str, words), "--out", str(target)])
        if stdin is not None:
            monkeypatch.setattr(
                sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)))
            )
        message = ""
        try:
            exit_code = import_.run(arguments)
        except CartwheelError as error:
            exit_code, message = error.exit_code, str(error)
        outcome = Outcome(exit_code, capfd.readouterr().err + message)
        if target.suffix == ".jsonl" and target.is_file():
            outcome.events = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
        return outcome

    return run


@pytest.fixture
def write_mapping(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def shop_mapping(write_mapping: Callable[[str], Path]) -> Path:
    """A table of who, when, what, item and price."""
    return write_mapping(
        "format: csv\n"
        "customer: who\n"
        "time: {column: when, format: epoch_s}\n"
        "event: {column: what, names: {view: Product Viewed, buy: Order Completed}}\n"
        "properties:\n"
        "  product_id: item\n"
        "  price: {column: price, type: number}\n"
    )


@pytest.fixture
def recorded() -> Callable[[str], Path]:
    """Find a recorded log outside the repository, or skip loudly."""

    def find(name: str) -> Path:
        folder = Path(os.environ.get("CARTWHEEL_DATA", PROJECT.parent / "shared" / "data"))
        path = folder / name
        if not path.is_file():
            pytest.skip(f"RECORDED DATA IS ABSENT: no {name} in {folder}; set CARTWHEEL_DATA")
        return path

    return find
