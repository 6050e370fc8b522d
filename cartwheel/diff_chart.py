"""Draws charts of two numbers side by side, old and new, as SVG: bars by name, columns by time.

Each drawing is a group of a known height, to be put under others. Colours are classes, which
``STYLE`` gives for light and dark.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from cartwheel.diff_words import plain

WIDTH = 720

STYLE = """\
.chart { color-scheme: light dark }
.chart text { font: 12px system-ui, sans-serif; fill: #24292f }
.chart .head { font-weight: 600; font-size: 13px }
.chart .faint { fill: #57606a }
.chart .old { fill: #a8b3bf }
.chart .new { fill: #2563c9 }
.chart .line { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
  .chart text { fill: #e6edf3 }
  .chart .faint { fill: #9aa5b1 }
  .chart .old { fill: #6e7a87 }
  .chart .new { fill: #6aa3ff }
  .chart .line { stroke: #444c56 }
}
@media print {
  .chart text, .chart .faint { fill: #000 }
  .chart rect { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
"""

_LABEL = 170
_LABEL_CHARACTERS = 26
_VALUE = 60
_BAR = 8
_ROW = 24
_HEAD = 26
_COLUMNS = 140
_AXIS = 20


class Drawing(NamedTuple):
    """A part of a picture: SVG from its own top left corner on, and how high it is."""

    svg: str
    height: float


class Bar(NamedTuple):
    """A row of a chart; one without numbers is a heading."""

    label: str
    old: int = 0
    new: int = 0
    is_heading: bool = False


def legend() -> Drawing:
    """Draw which colour is which."""
    parts = [
        _rect("old", 0, 4, 12, 12),
        _text(18, 14, "old"),
        _rect("new", 60, 4, 12, 12),
        _text(78, 14, "new"),
    ]
    return Drawing("".join(parts), _HEAD)


def bars(title: str, rows: Sequence[Bar]) -> Drawing:
    """Draw two horizontal bars a row, with their numbers."""
    most = max((max(row.old, row.new) for row in rows), default=0) or 1
    room = WIDTH - _LABEL - _VALUE
    parts = [_text(0, 16, title, "head")]
    top = float(_HEAD)
    for row in rows:
        label = row.label if len(row.label) <= _LABEL_CHARACTERS else row.label[:25] + "…"
        if row.is_heading:
            parts.append(_text(0, top + 16, row.label))
        else:
            parts.append(_text(12, top + 14, label, "faint"))
            for name, number, y in (("old", row.old, top + 2), ("new", row.new, top + 11)):
                length = number / most * room
                parts.append(_rect(name, _LABEL, y, length, _BAR))
                parts.append(_text(_LABEL + length + 5, y + 8, f"{number:,}", "faint", size=10))
        top += _ROW
    return Drawing("".join(parts), top + 10)


def columns(title: str, starts: Sequence[str], numbers: Sequence[tuple[int, int]]) -> Drawing:
    """Draw two columns a period, side by side; the first and the last are named below.

    Args:
        title: above the chart.
        starts: of each period; at least one.
        numbers: old and new, of each.
    """
    most = max(max(pair) for pair in numbers) or 1
    left, bottom = 40.0, float(_HEAD + _COLUMNS)
    width = (WIDTH - left) / len(numbers)
    each = min(width * 0.4, 24)
    parts = [_text(0, 16, title, "head"), _text(0, _HEAD + 10, f"{most:,}", "faint", size=10)]
    parts += [
        f'<line class="line" x1="{left:.0f}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in (float(_HEAD), bottom)
    ]
    for place, (start, pair) in enumerate(zip(starts, numbers, strict=True)):
        middle = left + (place + 0.5) * width
        told = f"<title>{_escaped(f'{start}: old {pair[0]:,}, new {pair[1]:,}')}</title>"
        parts.append(f"<g>{told}")
        for name, number, x in (("old", pair[0], middle - each), ("new", pair[1], middle)):
            height = number / most * _COLUMNS
            parts.append(_rect(name, x, bottom - height, each * 0.95, height))
        parts.append("</g>")
    parts.append(_text(left, bottom + 15, starts[0], "faint", size=11))
    if len(starts) > 1:
        parts.append(_text(WIDTH, bottom + 15, starts[-1], "faint", size=11, anchor="end"))
    return Drawing("".join(parts), bottom + _AXIS + 10)


def drawn(parts: Sequence[Drawing], title: str, *, alone: bool) -> str:
    """Put drawings under each other.

    Args:
        parts: from top to bottom.
        title: for those who cannot see it.
        alone: whether it is a file of its own, and has to bring its style.
    """
    body, top = "", 0.0
    for part in parts:
        body += f'<g transform="translate(0 {top:.1f})">{part.svg}</g>\n'
        top += part.height
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    style = f"<style>\n{STYLE}</style>\n" if alone else ""
    return (
        f'<svg{space} class="chart" role="img" viewBox="0 0 {WIDTH} {top:.0f}"'
        f' width="{WIDTH}" height="{top:.0f}">\n'
        f"<title>{_escaped(title)}</title>\n{style}{body}</svg>\n"
    )


def _rect(name: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    )


def _text(  # noqa: PLR0913 (where, what and how)
    x: float, y: float, text: str, name: str = "", *, size: int = 0, anchor: str = ""
) -> str:
    more = f' class="{name}"' if name else ""
    more += f' style="font-size: {size}px"' if size else ""
    more += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return escape(plain(text))
