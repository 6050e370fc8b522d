"""Test a config: given these events, expect these decisions, segments and features.

Scenario files say what is given and what is expected. Nothing is written, and nothing is kept.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from cartwheel.errors import UsageError
from cartwheel.junit import Result, write_junit
from cartwheel.places import check_place
from cartwheel.visible import counted, visible
from config import (
    Config,
    ConfigError,
    LoadedScenarios,
    Problem,
    RuleNames,
    Scenario,
    events_of,
    load,
    load_scenarios,
)
from flows.identity import identity_plan
from flows.job import plans_of
from flows.privacy import privacy_plan
from flows.scenarios import run_scenario
from flows.trial import Rules

NAME = "test"
SUMMARY = "given these events, expect these decisions, segments and features"

_ENDINGS = (".yaml", ".yml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("config", type=Path, metavar="CONFIG", help="the config file")
    add(
        "scenarios",
        type=Path,
        nargs="+",
        metavar="SCENARIOS",
        help="scenario files, or folders with .yaml files",
    )
    add(
        "-k",
        metavar="TEXT",
        action="append",
        dest="names",
        help="only scenarios with this text in their name; may be given several times",
    )
    add("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML as well")
    add("--json", action="store_true", help="print the results as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run all scenarios; exit code 0 if all are met, 1 if not, 2 if a file is wrong."""
    try:
        config = load(arguments.config)
        profile, decide = plans_of(config)
        features = [each.name for each in decide.slots]
        files = _files(arguments.scenarios)
        loaded = _load_all(files, _names(config, features))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    scenarios = _chosen(loaded.scenarios, arguments.names)
    if arguments.junit:
        customers = [Path(config.attributes.file)] if config.attributes else []
        check_place("--junit", arguments.junit, [arguments.config, *files, *customers])
    read = (identity_plan(config), privacy_plan(config))  # what comes before the profile
    rules = Rules(profile, decide, config.time.disorder_ms, *read)
    for each in () if arguments.json else loaded.warnings:
        place = f"{each.file}:{each.line}:{each.column}"
        print(visible(f"{place}: warning: {each.message}"), file=sys.stderr)
    results = []
    for scenario in scenarios:
        started = perf_counter()
        differences = run_scenario(scenario, rules)
        result = Result(scenario, differences, perf_counter() - started)
        results.append(result)
        if not arguments.json:
            _print(result)
    if arguments.junit:
        write_junit(arguments.junit, results)
    failed = sum(not result.ok for result in results)
    if arguments.json:
        told = [each.to_json() for each in results]
        warnings = [asdict(each) for each in loaded.warnings]
        print(json.dumps({"ok": not failed, "scenarios": told, "warnings": warnings}))
    else:
        print(f"{counted(len(results), 'scenario')}, {failed:,} failed")
    return 1 if failed else 0


def _names(config: Config, features: Sequence[str]) -> RuleNames:
    columns = config.attributes.columns if config.attributes else {}
    triggers, segments = list(config.triggers), list(config.segments)
    paths = config.identity.customer if config.identity else ()
    return RuleNames(triggers, segments, features, columns, events_of(config), paths)


def _files(paths: Iterable[Path]) -> list[Path]:
    """Find the scenario files; one that is not there is said when it is read.

    Raises:
        UsageError: a folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(each for each in path.iterdir() if each.suffix in _ENDINGS)
        if not found:
            raise UsageError(f"{path}: holds no {' or '.join(_ENDINGS)} files")
        files += found
    return list(dict.fromkeys(files))


def _load_all(files: Iterable[Path], names: RuleNames) -> LoadedScenarios:
    """Read all files.

    Raises:
        ConfigError: with every problem of every file.
    """
    scenarios: list[Scenario] = []
    warnings: list[Problem] = []
    problems: list[Problem] = []
    for file in files:
        try:
            loaded = load_scenarios(file, names)
            scenarios += loaded.scenarios
            warnings += loaded.warnings
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return LoadedScenarios(tuple(scenarios), tuple(warnings))


def _chosen(scenarios: Sequence[Scenario], names: Sequence[str] | None) -> Sequence[Scenario]:
    """Leave out what was not asked for.

    Raises:
        UsageError: nothing is left.
    """
    if names:
        wanted = [name.casefold() for name in names]
        scenarios = [
            each for each in scenarios if any(name in each.name.casefold() for name in wanted)
        ]
    if not scenarios:
        asked = f" with {' or '.join(map(repr, names))} in its name" if names else ""
        raise UsageError(f"there is no scenario{asked}")
    return scenarios


def _print(result: Result) -> None:
    scenario = result.scenario
    print(f"{'ok    ' if result.ok else 'FAILED'} {visible(f'{scenario.file}: {scenario.name}')}")
    for each in result.differences:
        place = f"{scenario.file}:{each.place.line}:{each.place.column}"
        print(f"  {visible(f'{place}: {each.what}')}")
        for detail in each.details:
            print(f"    {visible(detail)}")
