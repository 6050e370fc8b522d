"""Check a config: everything that can be wrong with it, without starting anything."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cartwheel.errors import CartwheelError
from cartwheel.jobs import customers_file
from config import (
    Config,
    ConfigError,
    KafkaSecurity,
    Model,
    PredictingModel,
    Problem,
    Segment,
    Trigger,
    format_duration,
    load_with_warnings,
)
from connectors.attributes import AttributesError
from flows.attributes import check_customers
from state.errors import StateError

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
        loaded = load_with_warnings(path)
        _check_customers(loaded.config)
    except ConfigError as error:
        if arguments.json:
            _print_json(ok=False, problems=error.problems)
        else:
            print(error, file=sys.stderr)
        return 2
    if arguments.json:
        _print_json(ok=True, warnings=loaded.warnings)
        return 0
    for warning in loaded.warnings:
        print(f"{_placed(warning)}: warning: {warning.message}")
    print(f"{path}: fine")
    print("\n".join(_overview(loaded.config)))
    return 0


def _check_customers(config: Config) -> None:
    """Look into the file of customers, where there is one.

    Raises:
        ConfigError: with all that is wrong there.
        CartwheelError: there is no room to check it.
    """
    file = customers_file(config)
    try:
        if file is not None:
            check_customers(file)
    except AttributesError as error:
        found = error.problems
        raise ConfigError(Problem(error.file, line, 1, what) for line, what in found) from None
    except StateError as error:
        raise CartwheelError(str(error)) from None


def _placed(problem: Problem) -> str:
    return f"{problem.file}:{problem.line}:{problem.column}"


def _print_json(
    *, ok: bool, problems: Sequence[Problem] = (), warnings: Sequence[Problem] = ()
) -> None:
    told = {"problems": problems, "warnings": warnings}
    lists = {key: [asdict(each) for each in found] for key, found in told.items()}
    print(json.dumps({"ok": ok, **lists}))


def _overview(config: Config) -> list[str]:
    collected = ", ".join(config.session.collect) or "nothing"
    gap = format_duration(config.session.gap_ms)
    lines = [
        *_source(config),
        *_sinks(config),
        f"  sessions: end {gap} after the last event, collect {collected}",
        *_customers(config),
        f"  triggers: {len(config.triggers) or 'none'}",
    ]
    lines += [f"    {name}: {_trigger(each)}" for name, each in config.triggers.items()]
    return lines + _arbitration(config)


def _trigger(trigger: Trigger) -> str:
    """Say what starts a trigger, how long it waits and what ends the wait."""
    told = str(trigger.on)
    if trigger.after_ms:
        told += f" after {format_duration(trigger.after_ms)}"
    told += "".join(f", then after {format_duration(each.after_ms)}" for each in trigger.then)
    if trigger.cancel:
        told += f", unless {' or '.join(map(str, trigger.cancel))}"
    return told if trigger.enabled else f"{told} (not enabled)"


def _arbitration(config: Config) -> list[str]:
    """Say what holds for all messages, where the config says so."""
    lines = []
    if config.limits:
        lines.append(f"  limits: {len(config.limits)}")
    quiet = config.quiet_hours
    if quiet:
        zone = quiet.zone or "the customer's zone"
        lines.append(f"  quiet hours: {quiet.written}, {zone}, {quiet.then}")
    if config.holdout:
        lines.append(f"  holdout: {config.holdout.written}")
    if config.consent:
        purposes = ", ".join(config.purposes.named) or "no purpose"
        lines.append(f"  consent: {purposes}, {config.consent.default} by default")
    if config.identity:
        keep = config.identity.keep
        kept = f"keep {keep.events} events for {format_duration(keep.for_ms)}"
        lines.append(f"  identity: by {', '.join(config.identity.customer)}, {kept}")
    if config.privacy:
        kinds = ("drop", "hash", "mask")
        told = [
            f"{kind} {', '.join(paths)}"
            for kind in kinds
            if (paths := getattr(config.privacy, kind))
        ]
        if config.privacy.forget_events:
            told.append("events may let their customers be forgotten")
        lines.append(f"  privacy: {'; '.join(told) or 'nothing is hidden'}")
    return lines


def _customers(config: Config) -> list[str]:
    """Say what is kept and looked at of customers, where the config says so."""
    lines = []
    if config.features:
        lines.append(f"  features: {len(config.features)}")
    if config.attributes:
        columns = ", ".join(config.attributes.columns)
        lines.append(f"  attributes: {columns}, from {config.attributes.file}")
    if config.segments:
        lines.append(f"  segments: {len(config.segments)}")
        lines += [f"    {name}: {_segment(each)}" for name, each in config.segments.items()]
    if config.models:
        lines.append(f"  models: {len(config.models)}")
        lines += [f"    {name}: {_model(each)}" for name, each in config.models.items()]
    return lines


def _segment(segment: Segment) -> str:
    told = f"when {segment.written['when']}" if segment.when else ""
    told = told or f"enter when {segment.written['enter']}, leave when {segment.written['leave']}"
    for word, duration_ms in (("for", segment.for_ms), ("hold", segment.hold_ms)):
        if duration_ms:
            told += f", {word} {format_duration(duration_ms)}"
    return told


def _model(model: Model) -> str:
    """Say what a model predicts or looks at, and where it scores."""
    at = " or ".join(model.at) or "every event"
    shadow = " (a shadow)" if model.shadow else ""
    if not isinstance(model, PredictingModel):
        return f"{model.kind} of {', '.join(model.looks_at)}, at {at}{shadow}"
    within = format_duration(model.within_ms) if model.within_ms else "the session"
    target = f"{'no ' if model.is_absence else ''}{model.event}"
    target = f"the sum of {model.path} of {target}" if model.path else target
    return f"{model.kind}, predicts {target} within {within}, at {at}{shadow}"


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
