"""Look at the models of a config: what they have learned, how good their scores are.

From committed state, also while a run goes on. And let them begin with what was learned elsewhere.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cartwheel import models_train
from cartwheel.errors import CartwheelError, UsageError
from cartwheel.model_tiers import print_tiers
from cartwheel.models_train import train
from cartwheel.places import check_place, write_whole
from cartwheel.visible import print_json, size, visible
from config import Config, ConfigError, load, suggestion
from flows.drift_report import ChangesReport
from flows.errors import ResumeError
from flows.inspect_models import ModelReport, inspect_models
from flows.inspect_rfm import RfmReport
from flows.job import plans_of
from flows.model_files import entries, exported
from flows.placed_models import is_placed, place
from operators.models.learner import LearnerError
from operators.models.plan import ModelPlan
from operators.models.store import ModelStateError
from state.errors import StateError
from state.folder import StateFolder
from state.reading import while_unused

NAME = "models"
SUMMARY = "what models have learned, and how good they are"

_WIDTH = 10_000
_LABELS = (
    ("pairs", "n"),
    ("rate", "rate"),
    ("AUC", "auc"),
    ("log loss", "log_loss"),
    ("  of the baseline", "baseline.log_loss"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("F1", "f1"),
    ("calibration error", "calibration_error"),
)
_SUMS = (
    ("pairs", "n"),
    ("mean absolute error", "mae"),
    ("  of the baseline", "baseline.mae"),
    ("root mean squared error", "rmse"),
    ("  of the baseline", "baseline.rmse"),
    ("mean error", "mean_error"),
    ("  of the baseline", "baseline.mean_error"),
)
"""What is said of the figures, and where they stand in ``Watch.report``."""


class _Action(argparse.ArgumentParser):
    """Takes NAMEs that may be left out also behind options; argparse does so only before them."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, rest = super().parse_known_args(args, namespace)
        while rest and not rest[0].startswith("-"):
            if isinstance(found.name, list):
                found.name.append(rest.pop(0))
            elif found.name is None:
                found.name = rest.pop(0)
            else:
                break
        return found, rest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(
        title="actions", metavar="ACTION", required=True, parser_class=_Action
    )
    show = actions.add_parser("show", help="what they have learned, and how good they are")
    show.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    show.add_argument("name", metavar="NAME", nargs="?", help="this model alone")
    show.add_argument("--state", metavar="DIR", type=Path, required=True, help="the state's folder")
    show.add_argument(
        "--at",
        metavar="THRESHOLD",
        type=_share,
        help="from which score on an event counts as predicted; by default the config's",
    )
    show.add_argument("--json", action="store_true", help="print the result as JSON")
    show.set_defaults(act=_show)
    export = actions.add_parser("export", help="write what a model has learned into a file")
    export.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    export.add_argument("name", metavar="NAME", help="the model")
    export.add_argument(
        "--state", metavar="DIR", type=Path, required=True, help="the state's folder"
    )
    export.add_argument("--out", metavar="FILE", type=Path, required=True, help="the file")
    export.set_defaults(act=_export)
    import_ = actions.add_parser("import", help="let a model begin with what another has learned")
    import_.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    import_.add_argument("name", metavar="NAME", help="the model, which has not learned yet")
    import_.add_argument("file", metavar="FILE", type=Path, help="written by export")
    import_.add_argument(
        "--state", metavar="DIR", type=Path, required=True, help="the state's folder, made if new"
    )
    import_.set_defaults(act=_import)
    train_ = actions.add_parser("train", help="let models learn from recorded events")
    models_train.add_arguments(train_)
    train_.set_defaults(act=_train)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 1 where the state cannot be read or does not fit the config."""
    try:
        config = load(arguments.config)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    plans = _plans(arguments, config)
    folder = StateFolder(arguments.state)
    try:
        makes = arguments.act in (_import, _train)
        is_new = not folder.exists() and (makes or any(is_placed(folder, p.name) for p in plans))
        identity = None if is_new else folder.identity()
        if identity and identity.name != config.name:
            raise UsageError(
                f"{folder.path} belongs to the config {identity.name!r}, not to {config.name!r}"
            )
        exit_code: int = arguments.act(arguments, config, plans, folder)
    except (StateError, ResumeError, ModelStateError) as error:
        raise CartwheelError(str(error)) from None
    return exit_code


def _plans(arguments: argparse.Namespace, config: Config) -> Sequence[ModelPlan]:
    """Return the models that are asked for."""
    _, decide = plans_of(config)
    if not decide.models:
        raise UsageError(f"{arguments.config} has no models")
    names = [arguments.name] if isinstance(arguments.name, str) else arguments.name
    if not names:
        return decide.models
    for name in names:
        if name not in config.models:
            near = suggestion(name, config.models)
            raise UsageError(f"{arguments.config} has no model {name!r}{near}")
    return [each for each in decide.models if each.name in names]


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, not {text!r}")
    return share


def _show(
    arguments: argparse.Namespace,
    config: Config,
    plans: Sequence[ModelPlan],
    folder: StateFolder,
) -> int:
    reports = inspect_models(folder, config, plans, arguments.at)
    return _tell(arguments, config, folder, reports)


def _tell(
    arguments: argparse.Namespace,
    config: Config,
    folder: StateFolder,
    reports: Mapping[str, ModelReport | RfmReport],
) -> int:
    if arguments.json:
        told = {"state": str(folder.path), "config": config.name, "models": reports}
        print_json(told)
        return 0
    width = None if sys.stdout.isatty() else _WIDTH  # whole lines where no terminal cuts them
    console = Console(soft_wrap=True, highlight=False, width=width)
    for number, (name, report) in enumerate(reports.items()):
        if number:
            console.print()
        if isinstance(report, RfmReport):
            print_tiers(console, name, report)
        else:
            _print(console, name, report)
    return 0


def _export(
    arguments: argparse.Namespace,
    _config: Config,
    plans: Sequence[ModelPlan],
    folder: StateFolder,
) -> int:
    check_place("--out", arguments.out, [arguments.config])
    (plan,) = plans
    data = exported(folder, plan)
    if data is None:
        raise CartwheelError(f"model {plan.name} has learned nothing yet")
    write_whole(arguments.out, data)
    return 0


def _import(
    arguments: argparse.Namespace,
    _config: Config,
    plans: Sequence[ModelPlan],
    folder: StateFolder,
) -> int:
    (plan,) = plans
    data = arguments.file.read_bytes()
    try:
        entries(data, plan)
    except LearnerError as error:
        raise CartwheelError(
            f"{arguments.file} cannot be imported: {error}; recorded events let a model learn as"
            " well: cartwheel models train"
        ) from None
    folder.path.mkdir(parents=True, exist_ok=True)
    with while_unused(folder) as unused:
        if not unused:
            raise CartwheelError(f"{folder.path} is in use by another process; stop it first")
        if folder.model(plan.name).exists():
            raise CartwheelError(
                f"model {plan.name} has begun to learn in {folder.path}; give it another name"
            )
        place(folder, {plan.name: data})
    return 0


def _train(
    arguments: argparse.Namespace,
    config: Config,
    plans: Sequence[ModelPlan],
    folder: StateFolder,
) -> int:
    return _tell(arguments, config, folder, train(arguments, config, plans, folder))


def _print(console: Console, name: str, report: ModelReport) -> None:
    how = [report.kind, *(["calibrated"] if report.calibrate else [])]
    how += ["shadow"] if report.shadow else []
    console.print(Text(f"{name} ({', '.join(how)}), version {report.version}", style="bold"))
    facts = Table(show_header=False, box=None)
    for key, value in _facts(report):
        facts.add_row(key, Text(visible(value)))
    console.print(facts)
    if not report.learned.pairs:
        return
    all_time, late = report.quality["all_time"], report.quality["rolling"]
    rows = _LABELS if "auc" in all_time else _SUMS
    console.print(
        _table(
            ["", "since the start", f"the last {late['most']:,}"],
            [(said, _figure(all_time, key), _figure(late, key)) for said, key in rows],
        )
    )
    if "reliability" in all_time:
        console.print(_table(["score", "pairs", "mean score", "rate"], _bins(all_time)))
    if changed := _changed(report):
        console.print(_table(["drift", "times", "last", "before", "after"], changed))
    if report.importance:
        weights = [(key, f"{weight:+.4f}") for key, weight in report.importance.items()]
        console.print(_table(["input", "weight"], weights))


def _facts(report: ModelReport) -> list[tuple[str, str]]:
    learned = report.learned
    positives = "" if learned.positives is None else f", {learned.positives:,} of them came true"
    facts = [
        ("predicts", f"{report.predicts} within {report.within}"),
        ("at", ", ".join(report.at) or "every event"),
        ("from", ", ".join(report.inputs) or "nothing"),
        ("learned from", f"{learned.pairs:,} pairs{positives}"),
    ]
    if report.store or not learned.pairs or learned.until:  # else it begins anew with the next run
        until = learned.until or ("the end" if learned.pairs else "nothing yet")
        facts.append(("known until", until))
    facts += [
        ("size", size(report.learned_bytes)),
        ("drift", f"told {sum(each.told for _, each in _watched(report)):,} times"),
    ]
    if report.scores is not None:
        facts += [("scores written", f"{report.scores:,}"), ("errors", f"{report.errors:,}")]
    if "threshold" in report.quality:
        facts.append(("threshold", f"{report.quality['threshold']:g}"))
    return facts


def _watched(report: ModelReport) -> list[tuple[str, ChangesReport]]:
    inputs = [(f"input {name}", each) for name, each in report.drift.inputs.items()]
    return [("error", report.drift.error), ("label", report.drift.label), *inputs]


def _changed(report: ModelReport) -> list[tuple[str, ...]]:
    """Write what has changed, and when it last did."""
    return [
        (what, f"{each.told:,}", each.last.time, f"{each.last.before:g}", f"{each.last.after:g}")
        for what, each in _watched(report)
        if each.last
    ]


def _figure(figures: Mapping[str, Any], path: str) -> str:
    """Write one figure: numbers of pairs whole, others with four decimals, a dash for none."""
    found: Any = figures
    for key in path.split("."):
        found = found[key]
    if found is None:
        return "-"
    return f"{found:,}" if isinstance(found, int) else f"{found:.4f}"


def _bins(figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{each['low']:.1f} to {each['high']:.1f}",
            f"{each['n']:,}",
            f"{each['mean_score']:.4f}",
            f"{each['rate']:.4f}",
        )
        for each in figures["reliability"]
    ]


def _table(columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """Make a table of a name and figures; the figures stand to the right."""
    table = Table(box=None)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table
