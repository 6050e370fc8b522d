"""What a replay has done, as a table and as ``summary.json`` (F2)."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from cartwheel.places import write_whole
from cartwheel.visible import print_json
from connectors.tick_parts import SinkState
from operators.dropping import SUPPRESSED


class Summary(msgspec.Struct, omit_defaults=True):
    """Counts over all runs of a state; only the last two may differ between runs.

    Segments have the number of their members, triggers that of their messages.

    Every line that was read is accounted for: ``read`` is the sum of ``applied``, ``duplicates``,
    ``late``, ``dead_letters``, where the config asks for consent ``no_consent`` and, where somebody
    is kept out, ``suppressed_customers``; and ``forgotten``, events that have forgotten somebody.
    Where anonymous ids are linked ``merged`` counts those whose past became a customer's, and
    ``refused_links`` those of known customers.
    """

    read: int
    applied: int
    duplicates: int
    late: int
    dead_letters: int
    customers: int
    sessions: int
    segments: dict[str, int]
    triggers: dict[str, int]
    seconds: float
    events_per_s: float
    no_consent: int | None = None
    suppressed_customers: int = 0
    merged: int | None = None
    refused_links: int | None = None
    forgotten: int = 0

    @classmethod
    def of(cls, state: SinkState, *, segments: Sequence[str], triggers: Sequence[str]) -> "Summary":
        """Sum up what a sink has counted.

        Args:
            state: of the sink.
            segments: names of the config's segments.
            triggers: names of the config's triggers; those that sent nothing are listed too.
        """
        counts = state.counts
        read = counts.get("read", 0)
        sent = {name: counts.get(f"sent {name}", 0) for name in triggers}
        for name, count in counts.items():
            if name.startswith("sent "):
                sent[name.removeprefix("sent ")] = count
        summary = cls(
            read=read,
            applied=counts.get("applied", 0),
            duplicates=counts.get("duplicates", 0),
            late=counts.get("late", 0),
            dead_letters=counts.get("dead_letters", 0),
            customers=counts.get("customers", 0),
            sessions=counts.get("sessions", 0),
            segments={
                name: counts.get(f"segment.entered {name}", 0)
                - counts.get(f"segment.left {name}", 0)
                for name in segments
            },
            triggers=sent,
            seconds=round(state.seconds, 3),
            events_per_s=round(read / state.seconds) if state.seconds else 0,
            no_consent=counts.get("no_consent"),
            suppressed_customers=counts.get(SUPPRESSED, 0),
            merged=counts.get("merged"),
            refused_links=counts.get("refused_links"),
            forgotten=counts.get("forgotten", 0),
        )
        assert summary.adds_up(), f"a line was lost or counted twice: {summary}"
        return summary

    def adds_up(self) -> bool:
        """Tell whether every line is accounted for."""
        left_out = self.duplicates + self.late + self.dead_letters + (self.no_consent or 0)
        return self.read == self.applied + left_out + self.suppressed_customers + self.forgotten


def write_summary(path: Path, summary: Summary) -> None:
    """Write the summary as indented JSON.

    Raises:
        CartwheelError: it cannot be written.
    """
    write_whole(path, msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print the summary on standard output."""
    if as_json:
        print_json(summary)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    rows = [
        ("events", f"{summary.read}"),
        ("applied", f"{summary.applied}"),
        ("duplicates", f"{summary.duplicates}"),
        ("late", f"{summary.late}"),
        ("dead letters", f"{summary.dead_letters}"),
        *(() if summary.no_consent is None else [("no consent", f"{summary.no_consent}")]),
        *((("suppressed customers", str(out)),) if (out := summary.suppressed_customers) else ()),
        *(() if summary.merged is None else [("merged", f"{summary.merged}")]),
        *(() if summary.refused_links is None else [("refused links", f"{summary.refused_links}")]),
        *((("forgotten", str(gone)),) if (gone := summary.forgotten) else ()),
        ("customers", f"{summary.customers}"),
        ("sessions", f"{summary.sessions}"),
        *((f"in {name}", f"{count}") for name, count in summary.segments.items()),
        *((name, f"{count}") for name, count in summary.triggers.items()),
        ("seconds", f"{summary.seconds:.1f}"),
        ("events/s", f"{summary.events_per_s:.0f}"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    Console(soft_wrap=True).print(table)
