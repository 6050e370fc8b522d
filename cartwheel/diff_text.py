"""Prints what ``cartwheel diff`` has found, as tables and lines."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cartwheel.diff_result import (
    CHANGES,
    Diff,
    InstanceDiff,
    MembershipDiff,
    RuleDiff,
    TriggerDiff,
)
from cartwheel.diff_words import (
    UNDECIDED,
    customers_told,
    only_told,
    plain,
    rules_told,
    told,
    turn_told,
)
from cartwheel.visible import counted

_WIDTH = 10_000
"""Whole lines, which a terminal may break: names and numbers are not to be cut."""

_ARROW = " → "


def print_diff(diff: Diff) -> None:
    """Print it on standard output."""
    console = Console(soft_wrap=True, highlight=False, width=_WIDTH)
    console.print(Text(f"old: {plain(diff.configs['old'])}, new: {plain(diff.configs['new'])}"))
    for line in rules_told(diff.rules):
        console.print(Text(f"  {line}"))
    for line in overview(diff):
        console.print(Text(line))
    if diff.triggers:
        console.print(_table("triggers", diff.outcomes, _trigger_rows(diff)))
    if diff.segments:
        rows = [_row(name, rule, CHANGES) for name, rule in diff.segments.items()]
        console.print(_table("segments", CHANGES, rows))
    rules: list[tuple[str, RuleDiff[InstanceDiff] | RuleDiff[MembershipDiff]]] = []
    rules += [*diff.triggers.items(), *diff.segments.items()]
    for name, rule in rules:
        for line in _lines(name, rule):
            console.print(Text(line))


def overview(diff: Diff) -> list[str]:
    """Say what concerns no single rule, a line each."""
    old, new = diff.events.old, diff.events.new
    lines = [f"{counted(old['read'], 'event')} under both"]
    if old["read"] != new["read"]:
        lines = [f"events: {old['read']:,}{_ARROW}{new['read']:,}"]
    lines += [
        f"{name.replace('_', ' ')}: {old[name]:,}{_ARROW}{new[name]:,}"
        for name in old
        if name != "read" and old[name] != new[name]
    ]
    sessions = diff.sessions
    if sessions.customers:
        numbers = both(sessions.old, sessions.new)
        lines.append(f"sessions closed: {numbers}; {customers_told(sessions.customers)}")
    if any(
        None in (turn.old, turn.new) for rule in diff.triggers.values() for turn in rule.changes
    ):
        lines.append(UNDECIDED)
    if diff.is_empty:
        lines.append("no differences")
    return lines


def both(old: int, new: int) -> str:
    """Write a number under both configs, once where it is the same."""
    return f"{old:,}" if old == new else f"{old:,}{_ARROW}{new:,}"


def reason_rows(rule: TriggerDiff, outcomes: Sequence[str]) -> list[list[str]]:
    """Give how many were suppressed for each reason, written as both have it, under its outcome."""
    old, new = rule.reasons.old, rule.reasons.new
    names = sorted({*old, *new})
    numbers = {name: both(old.get(name, 0), new.get(name, 0)) for name in names}
    return [
        [name, *(numbers[name] if each == "suppressed" else "" for each in outcomes), ""]
        for name in names
    ]


def _trigger_rows(diff: Diff) -> list[list[str]]:
    rows = []
    for name, rule in diff.triggers.items():
        rows.append(_row(name, rule, diff.outcomes))
        rows += [[f"  {reason}", *cells] for reason, *cells in reason_rows(rule, diff.outcomes)]
    return rows


def _row(
    name: str, rule: RuleDiff[InstanceDiff] | RuleDiff[MembershipDiff], columns: Sequence[str]
) -> list[str]:
    cells = [both(rule.old[column], rule.new[column]) for column in columns]
    return [f"{name}{only_told(rule.only)}", *cells, f"{rule.customers:,}"]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title)
    for column in (*columns, "customers differ"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def _lines(name: str, rule: RuleDiff[InstanceDiff] | RuleDiff[MembershipDiff]) -> list[str]:
    """Tell what differs in a rule: in which ways, and for whom; nothing where nothing does."""
    if not rule.customers:
        return []
    lines = ["", f"{plain(name)}: {customers_told(rule.customers)}"]
    lines += [f"  {turn.count:>7,}  {turn_told(turn)}" for turn in rule.changes]
    for example in rule.examples:
        lines.append(f"  {plain(example.customer)}")
        lines += [f"    {told(each)}" for each in example.differences]
        if example.more:
            lines.append(f"    and {example.more:,} more")
    rest = rule.customers - len(rule.examples)
    if rest:
        lines.append(f"  and {counted(rest, 'more customer')}")
    return lines
