"""Explain a customer: why in a segment, why not, the scores, what is pending, what was decided.

From committed state, also while a run goes on.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cartwheel.customer_data import note
from cartwheel.errors import CartwheelError, UsageError
from cartwheel.visible import print_json, visible
from config import ConfigError, load, suggestion
from expressions import Explained, Type, holds_half_a_character
from flows.explain import explain_customer
from flows.explanation import (
    ConsentExplained,
    DecisionExplained,
    Explanation,
    Pending,
    SegmentExplained,
)
from flows.ids import owner_of
from flows.inspect_models import ScoreExplained, explain_scores
from flows.job import plans_of
from operators.times import EventTime, format_time
from state.errors import StateError
from state.folder import StateFolder

NAME = "explain"
SUMMARY = "why a customer is in a segment, what is pending, what was decided"

_WIDTH = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument("customer", metavar="CUSTOMER", help="the customer's id")
    parser.add_argument(
        "--state", metavar="DIR", type=Path, required=True, help="the state's folder"
    )
    parser.add_argument(
        "--segment",
        metavar="NAME",
        action="append",
        help="this segment alone; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what is to be said of a customer; 1 where nothing is known."""
    try:
        config = load(arguments.config)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    for name in arguments.segment or ():
        if name not in config.segments:
            near = suggestion(name, config.segments)
            raise UsageError(f"{arguments.config} has no segment {name!r}{near}")
    folder, plans = StateFolder(arguments.state), plans_of(config)
    scores: dict[str, ScoreExplained] = {}
    try:
        identity = folder.identity()
        if identity.name != config.name:
            raise UsageError(
                f"{folder.path} belongs to the config {identity.name!r}, not to {config.name!r}"
            )
        explanation = None
        if not holds_half_a_character(arguments.customer):  # no name of a customer does
            explanation = explain_customer(folder, plans, arguments.customer)
        if explanation is not None and not arguments.segment:
            scores = explain_scores(folder, plans[1], explanation)
    except StateError as error:
        raise CartwheelError(str(error)) from None
    if explanation is None:
        raise CartwheelError(_nothing_of(folder, arguments.customer))
    note(folder, "explain", arguments.customer)
    wanted: list[str] = arguments.segment or list(explanation.segments)
    segments = {name: each for name, each in explanation.segments.items() if name in wanted}
    explanation = msgspec.structs.replace(explanation, segments=segments)
    if arguments.json:
        told = msgspec.to_builtins(explanation) | {"scores": scores}
        print_json(told)
    else:
        _print(explanation, scores, whole=not arguments.segment)
    return 0


def _nothing_of(folder: StateFolder, customer: str) -> str:
    """Say that nothing is known of a customer, or whose the id is now.

    Raises:
        CartwheelError: the state cannot be read.
    """
    try:
        is_name = not holds_half_a_character(customer)
        owner = owner_of(folder, customer) if is_name else None
    except StateError as error:
        raise CartwheelError(str(error)) from None
    if owner is None:
        return f"nothing is known of the customer {customer!r}"
    return f"the anonymous id {customer!r} is linked: ask for the customer {owner!r}"


def _print(explanation: Explanation, scores: Mapping[str, ScoreExplained], *, whole: bool) -> None:
    width = None if sys.stdout.isatty() else _WIDTH  # whole lines where no terminal cuts them
    console = Console(soft_wrap=True, highlight=False, width=width)
    console.print(Text(f"{visible(explanation.customer)}, at {explanation.time or 'no time yet'}"))
    for name, segment in explanation.segments.items():
        console.print(_segment(name, segment))
    if not whole:
        return
    for name, score in scores.items():
        console.print(_score(name, score))
    if explanation.consent:
        console.print(_consent(explanation.consent))
    console.print(_pending(explanation.pending))
    console.print(_decisions(explanation.decisions))
    console.print(_table("features", ["name", "value"], _features(explanation)))


def _segment(name: str, segment: SegmentExplained) -> Tree:
    since = f" since {segment.since}" if segment.since else ""
    tree = Tree(Text(f"{'in' if segment.inside else 'not in'} {name}{since}"))
    if segment.leave is None:
        _grow(tree, segment.condition)
    else:
        _grow(tree.add("to enter:"), segment.condition)
        _grow(tree.add("to leave:"), segment.leave)
    if segment.turned:
        tree.add(Text(f"has waited for a change since {segment.turned}"))
    if segment.next:
        what = "enters" if segment.next.enters else "leaves"
        tree.add(Text(f"{what} by itself at {segment.next.time}, if no event comes first"))
    return tree


def _grow(tree: Tree, part: Explained) -> None:
    branch = tree.add(Text(f"{_value(part.value, part.type)}  {part.text}"))
    for child in part.children:
        _grow(branch, child)


def _value(value: Any, of_type: Type) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if of_type is Type.TIME:
        return format_time(EventTime(value))
    if of_type is Type.DURATION:
        return _duration(value)
    return visible(str(value))


def _duration(duration_ms: float) -> str:
    """Write a duration as conditions have it, in all units that it takes: ``2d 3h 0.5s``."""
    sign, rest = ("-", -duration_ms) if duration_ms < 0 else ("", duration_ms)
    parts: list[str] = []
    for unit, unit_ms in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        whole, rest = divmod(rest, unit_ms)
        if whole:
            parts.append(f"{whole:.0f}{unit}")
    if rest or not parts:
        parts.append(f"{rest / 1000:.6g}s")
    return sign + " ".join(parts)


def _score(name: str, score: ScoreExplained) -> Tree:
    """Draw what a model says; what matters most of its inputs comes first."""
    now = "nothing" if score.now is None else f"{score.now:g}"
    tree = Tree(Text(f"score.{name}  {'missing' if score.score is None else score.score}"))
    branch = tree.add(Text(f"of the customer as of now it would say {now}"))
    for key, each in sorted(score.inputs.items(), key=lambda item: -abs(item[1].adds or 0.0)):
        value = "missing" if each.value is None else msgspec.json.encode(each.value).decode()
        if each.tier is not msgspec.UNSET:
            tier = "missing" if each.tier is None else each.tier
            branch.add(Text(f"tier {tier}  {key} = {visible(value)}"))
        if each.adds is not None:
            branch.add(Text(f"{each.adds:+.4f}  {key} = {visible(value)}"))
    if score.rest is not None:
        branch.add(Text(f"{score.rest:+.4f}  whatever the inputs"))
    return tree


def _consent(consent: Mapping[str, ConsentExplained]) -> Table:
    rows = [
        (
            name,
            "permitted" if each.permitted else "refused",
            each.since or "always",
            each.cause or "-",
        )
        for name, each in consent.items()
    ]
    return _table("consent", ["purpose", "holds", "since", "because of"], rows)


def _pending(pending: Iterable[Pending]) -> Table:
    rows = [
        (
            _message(each.trigger, each.step),
            each.key,
            each.started,
            each.due if each.held_until is None else f"{each.due}, held until {each.held_until}",
            ", ".join(each.cancelled_by) or "-",
        )
        for each in pending
    ]
    return _table("pending", ["trigger", "key", "started", "due", "cancelled by"], rows)


def _message(trigger: str, step: int) -> str:
    """Name a message of a trigger: further ones by their number."""
    return trigger if step == 1 else f"{trigger}, step {step}"


def _decisions(decisions: Iterable[DecisionExplained]) -> Table:
    rows = [
        (
            each.time,
            _message(each.trigger, each.step),
            each.key,
            _outcome(each),
            ", ".join(each.cause),
        )
        for each in decisions
    ]
    return _table("decisions", ["time", "trigger", "key", "outcome", "because of"], rows)


def _outcome(decision: DecisionExplained) -> str:
    why = f", {decision.reason}" if decision.reason else ""
    which = f" ({decision.limit})" if decision.limit else ""
    return f"{decision.outcome}{why}{which}"


def _features(explanation: Explanation) -> list[tuple[str, str]]:
    return [
        (name, "missing" if each.value is None else msgspec.json.encode(each.value).decode())
        for name, each in explanation.features.items()
    ]


def _table(title: str, columns: list[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """Make a table; one line that says none where it has no rows."""
    table = Table(title=title, box=None, title_justify="left", title_style="bold")
    written = list(rows)
    for column in columns if written else []:
        table.add_column(column)
    for row in written:
        table.add_row(*(Text(visible(cell)) for cell in row))
    if not written:
        table.title = f"{title}: none"
    return table
