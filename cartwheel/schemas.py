"""Print JSON Schemas (draft 2020-12) of what a config puts out, or write them into a folder.

One for each kind of output and each form of it: a line of a file, the value of a topic's record.
With --config it is the schema of config files themselves, for editors.
"""

import argparse
import json
from pathlib import Path

from cartwheel.errors import CartwheelError, UsageError
from config import ConfigError, config_schema, load
from connectors.schemas import Has, file_schemas, record_schemas
from flows.rules import collect_plans

NAME = "schemas"
SUMMARY = "JSON Schemas of what a config puts out, and of the config file"

Schema = dict[str, object]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, nargs="?", help="the config file")
    parser.add_argument(
        "--config", dest="of_config", action="store_true", help="the schema of config files instead"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write a file for each; made if need be"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a schema for each output of the config, or that of configs."""
    if arguments.of_config is (arguments.config is not None):
        raise UsageError("give either CONFIG or --config")
    if arguments.of_config:
        _show(config_schema(), {"config.schema.json": config_schema()}, arguments.out)
        return 0
    schemas = _of_outputs(arguments.config)
    files = {
        f"{kind}.{form}.schema.json": schema
        for form, kinds in schemas.items()
        for kind, schema in kinds.items()
    }
    _show(schemas, files, arguments.out)
    return 0


def _of_outputs(path: Path) -> dict[str, dict[str, Schema]]:
    try:
        config = load(path)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    collect = collect_plans(config)
    has = Has(
        segments=bool(config.segments),
        triggers=bool(config.triggers),
        models=bool(config.models),
        identity=config.identity is not None,
    )
    return {
        "file": file_schemas(config.name, collect, has),
        "record": record_schemas(config.name, collect, has),
    }


def _show(shown: object, files: dict[str, Schema], folder: Path | None) -> None:
    """Print, or write the files where a folder is given."""
    if folder is None:
        print(json.dumps(shown, indent=2))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in files.items():
            path = folder / name
            path.write_text(json.dumps(schema, indent=2) + "\n")
            print(path)
    except OSError as error:
        place = error.filename or folder
        raise CartwheelError(f"{place}: cannot be written: {error.strerror}") from error
