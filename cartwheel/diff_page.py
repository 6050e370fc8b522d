"""Writes what ``cartwheel diff`` has found as one HTML page, and its charts as one picture.

The page needs nothing beside itself: no network, no scripts. Whatever comes out of a config or
an event is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape

from cartwheel.diff_chart import STYLE, Bar, Drawing, bars, columns, drawn, legend
from cartwheel.diff_result import (
    CHANGES,
    CustomerDiff,
    Diff,
    InstanceDiff,
    MembershipDiff,
    RuleDiff,
)
from cartwheel.diff_text import both, overview, reason_rows
from cartwheel.diff_words import (
    customers_told,
    only_told,
    plain,
    rules_told,
    told,
    turn_told,
)
from cartwheel.visible import counted

_ROWS_MOST = 40
"""Of a chart of bars; with more triggers only the first are drawn, and all are in the table."""

_STYLE = """\
:root { color-scheme: light dark; --ink: #24292f; --faint: #57606a; --paper: #fff; --line: #d0d7de }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #9aa5b1; --paper: #14181d; --line: #444c56 }
}
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
table { border-collapse: collapse; width: 100% }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
.reason td { color: var(--faint); border-bottom: 0; padding-top: 0 }
.reason td:first-child { padding-left: 2rem }
.differs { font-weight: 600 }
.faint { color: var(--faint) }
svg { max-width: 100%; height: auto }
@media print {
  :root { --ink: #000; --faint: #333; --paper: #fff; --line: #999 }
  body { margin: 0; max-width: none; font-size: 11px }
  tr, svg, li { break-inside: avoid }
}
"""


def page(diff: Diff) -> str:
    """Write the page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{_told(_title(diff))}</title>",
        f"<style>\n{_STYLE}{STYLE}</style></head><body>",
        f"<h1>{_told(_title(diff))}</h1>",
        *_rules(diff),
        *(f"<p>{_told(line)}</p>" for line in overview(diff)),
        *_triggers(diff),
        *_segments(diff),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def picture(diff: Diff) -> str:
    """Draw the charts of all triggers, as an SVG file."""
    return drawn(_charts(diff), _title(diff), alone=True)


def _title(diff: Diff) -> str:
    return f"{diff.configs['old']} → {diff.configs['new']}"


def _charts(diff: Diff) -> list[Drawing]:
    if not diff.triggers:
        return [legend()]
    charts = [legend(), bars("By trigger", _bars(diff))]
    sent = [rule.sent for rule in diff.triggers.values()]
    totals = [
        (sum(pair[0] for pair in period), sum(pair[1] for pair in period))
        for period in zip(*sent, strict=True)
    ]
    return [*charts, *_by_time(diff, "All messages", totals)]


def _bars(diff: Diff) -> list[Bar]:
    """Give each trigger's outcomes, or only its messages where there are too many.

    Those that were superseded are left out: they are many, and nobody would see the others.
    """
    rows: list[Bar] = []
    drawn_outcomes = [outcome for outcome in diff.outcomes if outcome != "superseded"]
    for name, rule in diff.triggers.items():
        rows.append(Bar(name, is_heading=True))
        numbers = [(outcome, rule.old[outcome], rule.new[outcome]) for outcome in drawn_outcomes]
        rows += [Bar(*each) for each in numbers if each[0] == "sent" or any(each[1:])]
    if len(rows) <= _ROWS_MOST:
        return rows
    rows = [Bar(name, rule.old["sent"], rule.new["sent"]) for name, rule in diff.triggers.items()]
    if len(rows) <= _ROWS_MOST:
        return [Bar("sent", is_heading=True), *rows]
    return [Bar(f"sent, of the first {_ROWS_MOST}", is_heading=True), *rows[:_ROWS_MOST]]


def _by_time(diff: Diff, what: str, sent: Sequence[tuple[int, int]]) -> list[Drawing]:
    if not any(map(any, sent)):
        return []
    return [columns(f"{what} by {diff.periods.length} (UTC)", diff.periods.starts, sent)]


def _rules(diff: Diff) -> Iterable[str]:
    lines = rules_told(diff.rules)
    return ["<ul>", *(f"<li>{_told(line)}</li>" for line in lines), "</ul>"] if lines else []


def _triggers(diff: Diff) -> Iterable[str]:
    if not diff.triggers:
        return
    yield "<h2>Triggers</h2>"
    rows = []
    for name, rule in diff.triggers.items():
        rows.append(_row(name, rule, diff.outcomes))
        rows += [_cells(each, "reason") for each in reason_rows(rule, diff.outcomes)]
    yield _table("trigger", diff.outcomes, rows)
    yield drawn(_charts(diff), "Charts of all triggers", alone=False)
    for name, rule in diff.triggers.items():
        chart = _by_time(diff, f"Messages of {name}", rule.sent)
        yield from _rule(name, rule, chart if len(diff.triggers) > 1 else [])


def _segments(diff: Diff) -> Iterable[str]:
    if not diff.segments:
        return
    yield "<h2>Segments</h2>"
    rows = [_row(name, rule, CHANGES) for name, rule in diff.segments.items()]
    yield _table("segment", CHANGES, rows)
    for name, rule in diff.segments.items():
        yield from _rule(name, rule, [])


def _rule(
    name: str,
    rule: RuleDiff[InstanceDiff] | RuleDiff[MembershipDiff],
    charts: Sequence[Drawing],
) -> Iterable[str]:
    """Tell what differs in a rule; nothing where nothing does."""
    if not rule.customers:
        return
    yield f"<h3>{_told(name)}: {customers_told(rule.customers)}</h3>"
    if charts:
        yield drawn([legend(), *charts], f"Messages of {name}", alone=False)
    turns = [_cells([turn_told(turn), f"{turn.count:,}"]) for turn in rule.changes]
    yield f"<table><tbody>{''.join(turns)}</tbody></table>"
    yield "<ul>"
    for example in rule.examples:
        yield _customer(example)
    yield "</ul>"
    rest = rule.customers - len(rule.examples)
    if rest:
        yield f'<p class="faint">and {counted(rest, "more customer")}</p>'


def _customer(example: CustomerDiff[InstanceDiff] | CustomerDiff[MembershipDiff]) -> str:
    lines = [_told(told(each)) for each in example.differences]
    if example.more:
        lines.append(f"and {example.more:,} more")
    return f"<li><b>{_told(example.customer)}</b><br>{'<br>'.join(lines)}</li>"


def _row(
    name: str, rule: RuleDiff[InstanceDiff] | RuleDiff[MembershipDiff], of: Sequence[str]
) -> str:
    cells = [both(rule.old[each], rule.new[each]) for each in of]
    differs = "differs" if rule.customers or rule.old != rule.new or rule.only else ""
    return _cells([f"{name}{only_told(rule.only)}", *cells, f"{rule.customers:,}"], differs)


def _cells(cells: Iterable[str], name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return f"<tr{kind}>{''.join(f'<td>{_told(cell)}</td>' for cell in cells)}</tr>"


def _table(first: str, of: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in (first, *of, "customers differ"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _told(text: str) -> str:
    """Escape a text, and show what is not visible in it by its number."""
    return escape(plain(text, most=len(text)))
