"""Check a config: everything that can be wrong with it, without starting anything."""

import argparse
import json
import sys
from pathlib import Path

from config import Config, ConfigError, KafkaSecurity, format_duration, load

NAME = "check"
SUMMARY = "check a config without starting anything"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the config file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check the config; exit code 0 if it is fine, 2 with every problem if it is not."""
    path: Path = arguments.config
    try:
        config = load(path)
    except ConfigError as error:
        _print_problems(error, as_json=arguments.json)
        return 2
    if arguments.json:
        print(json.dumps({"ok": True, "problems": []}))
    else:
        print(f"{path}: fine")
        print("\n".join(_overview(config)))
    return 0


def _print_problems(error: ConfigError, *, as_json: bool) -> None:
    if not as_json:
        print(error, file=sys.stderr)
        return
    problems = [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
        }
        for problem in error.problems
    ]
    print(json.dumps({"ok": False, "problems": problems}))


def _overview(config: Config) -> list[str]:
    collected = ", ".join(config.session.collect) or "nothing"
    gap = format_duration(config.session.gap_ms)
    lines = [
        *_source(config),
        *_sinks(config),
        f"  sessions: end {gap} after the last event, collect {collected}",
        f"  triggers: {len(config.triggers) or 'none'}",
    ]
    for name, trigger in config.triggers.items():
        wait = f" after {format_duration(trigger.after_ms)}" if trigger.after_ms else ""
        unless = f", unless {' or '.join(trigger.cancel)}" if trigger.cancel else ""
        lines.append(f"    {name}: {trigger.on}{wait}{unless}")
    return lines


def _source(config: Config) -> list[str]:
    source = config.source
    if source is None:
        return []
    if source.kafka:
        kafka = source.kafka
        place = f"{kafka.brokers}{_by(kafka.security)}"
        group = f"group {config.source_group}, readers {kafka.readers}"
        return [f"  source: topic {kafka.topic} at {place}, {group}"]
    return [f"  source: files {', '.join(source.files or ())}, by {source.order}"]


def _sinks(config: Config) -> list[str]:
    sinks = config.sinks
    if sinks is None:
        return []
    if sinks.kafka:
        place = f"{config.sink_brokers}{_by(config.sink_security)}"
        return [
            f"  sinks: topics {config.sink_prefix}* at {place}, delivery {sinks.kafka.delivery}"
        ]
    return [f"  sinks: files in {sinks.files}"]


def _by(security: KafkaSecurity | None) -> str:
    """Say how connections are secured, when they are."""
    return f" by {security.protocol}" if security else ""
