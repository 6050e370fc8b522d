"""Prints what an RFM model knows: how many customers are in which tier, and from where to where."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cartwheel.visible import visible
from flows.inspect_rfm import Limit, RfmReport


def print_tiers(console: Console, name: str, report: RfmReport) -> None:
    """Print what is known of a model, and a table of the tiers of each part."""
    shadow = ", shadow" if report.shadow else ""
    console.print(Text(f"{name} ({report.kind}{shadow}), version {report.version}", style="bold"))
    facts = Table(show_header=False, box=None)
    for key, value in _facts(report):
        facts.add_row(key, Text(visible(value)))
    console.print(facts)
    for part, tiers in report.tiers.items():
        if not tiers:
            continue
        table = Table(box=None)
        table.add_column(part)
        for column in ("customers", "from", "to"):
            table.add_column(column, justify="right")
        for each in reversed(tiers):
            limits = (_limit(each.first), _limit(each.last))
            table.add_row(str(each.tier), f"{each.customers:,}", *limits)
        console.print(table)


def _facts(report: RfmReport) -> list[tuple[str, str]]:
    facts = [
        ("at", ", ".join(report.at) or "every event"),
        ("from", ", ".join(f"{part} {name}" for part, name in report.inputs.items())),
        ("customers", f"{report.customers:,}"),
        ("known until", report.until or ("the end" if report.customers else "nothing yet")),
    ]
    if report.scores is not None:
        facts += [("scores written", f"{report.scores:,}"), ("errors", f"{report.errors:,}")]
    return facts


def _limit(limit: Limit | None) -> str:
    if limit is None:
        return "-"
    return limit if isinstance(limit, str) else f"{limit:,.6g}"
