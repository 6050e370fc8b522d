"""Print JSON Schemas (draft 2020-12) of what a config puts out, or write them into a folder.

One for each kind of output and each form of it: a line of a file, the value of a topic's record.
"""

import argparse
import json
from pathlib import Path

from cartwheel.errors import CartwheelError, UsageError
from config import ConfigError, load
from connectors.schemas import file_schemas, record_schemas
from flows.job import collect_plans

NAME = "schemas"
SUMMARY = "JSON Schemas of what a config puts out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write a file for each; made if need be"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a schema for each output of the config."""
    try:
        config = load(arguments.config)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    collect, has_triggers = collect_plans(config), bool(config.triggers)
    schemas = {
        "file": file_schemas(config.name, collect, has_triggers=has_triggers),
        "record": record_schemas(config.name, collect, has_triggers=has_triggers),
    }
    if arguments.out is None:
        print(json.dumps(schemas, indent=2))
        return 0
    _write(arguments.out, schemas)
    return 0


def _write(folder: Path, schemas: dict[str, dict[str, dict[str, object]]]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form, kinds in schemas.items():
            for kind, schema in kinds.items():
                path = folder / f"{kind}.{form}.schema.json"
                path.write_text(json.dumps(schema, indent=2) + "\n")
                print(path)
    except OSError as error:
        place = error.filename or folder
        raise CartwheelError(f"{place}: cannot be written: {error.strerror}") from error
