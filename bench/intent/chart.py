"""Draws how well models do as SVG: scores against what came, and figures over time."""

from collections.abc import Mapping, Sequence
from html import escape
from math import isnan
from typing import NamedTuple

from bench.intent.figures import Bin

WIDTH = 720
HEIGHT = 190
LEFT = 52
TOP = 26
BOTTOM = 34
STYLE = """\
.chart { color-scheme: light dark }
.chart text { font: 12px system-ui, sans-serif; fill: #24292f }
.chart .head { font-weight: 600; font-size: 13px }
.chart .faint { fill: #57606a; font-size: 11px }
.chart .line { stroke: #d0d7de; fill: none }
.chart .ideal { stroke: #8c959f; fill: none; stroke-dasharray: 4 4 }
.chart polyline { fill: none; stroke-width: 1.5 }
.chart .m0 { stroke: #2563c9; fill: #2563c9 }
.chart .m1 { stroke: #8c959f; fill: #8c959f }
.chart .m2 { stroke: #c2570c; fill: #c2570c }
.chart .m3 { stroke: #2e7d32; fill: #2e7d32 }
.chart polyline.m0, .chart polyline.m1, .chart polyline.m2, .chart polyline.m3 { fill: none }
@media (prefers-color-scheme: dark) {
  .chart text { fill: #e6edf3 }
  .chart .faint { fill: #9aa5b1 }
  .chart .line { stroke: #444c56 }
  .chart .m0 { stroke: #6aa3ff; fill: #6aa3ff }
  .chart .m2 { stroke: #f0883e; fill: #f0883e }
  .chart .m3 { stroke: #57ab5a; fill: #57ab5a }
}
"""
COLOURS = 4
"""How many lines can be told apart."""
MARKS = 4
"""Numbers on an axis, without the zero."""


class Panel(NamedTuple):
    """One drawing: SVG from its own top left corner on, and how high it is."""

    svg: str
    height: float


class Line(NamedTuple):
    """A figure over time: the place of the first, each in [0, 1], and the figures; nan is a gap."""

    places: Sequence[float]
    figures: Sequence[float]


def legend(names: Sequence[str]) -> Panel:
    """Say which colour is which, in the order of the lines."""
    parts, x = [], 0.0
    for number, name in enumerate(names):
        parts.append(f'<rect class="m{number}" x="{x:.1f}" y="4" width="12" height="12"/>')
        parts.append(_text(x + 18, 14, name))
        x += 36 + 7 * len(name)
    return Panel("".join(parts), TOP)


def over_time(title: str, ends: tuple[str, str], lines: Mapping[str, Line], low: float) -> Panel:
    """Draw figures over time.

    Args:
        title: above the drawing.
        ends: what stands below its left and right end.
        lines: by name, in the order of their colours.
        low: the least figure on the axis.
    """
    assert len(lines) <= COLOURS, "each line has a colour"
    most = max((f for each in lines.values() for f in each.figures if not isnan(f)), default=1.0)
    scale = _Scale(low, most)
    parts = [_text(0, 16, title, "head"), *scale.axis()]
    for number, each in enumerate(lines.values()):
        points = [
            f"{LEFT + place * (WIDTH - LEFT):.1f},{scale.y(figure):.1f}"
            for place, figure in zip(each.places, each.figures, strict=True)
            if not isnan(figure)
        ]
        parts.append(f'<polyline class="m{number}" points="{" ".join(points)}"/>')
    parts.append(_text(LEFT, TOP + HEIGHT + 16, ends[0], "faint"))
    parts.append(_text(WIDTH, TOP + HEIGHT + 16, ends[1], "faint", anchor="end"))
    return Panel("".join(parts), TOP + HEIGHT + BOTTOM)


def reliability(title: str, models: Mapping[str, Sequence[Bin]], below: str) -> Panel:
    """Draw how often the event came against what was said; on the dashed line they are equal.

    Args:
        title: above the drawing.
        models: the bins of each, by name, in the order of their colours.
        below: what the axis from left to right is.
    """
    assert len(models) <= COLOURS, "each model has a colour"
    most = max((max(b.score, b.rate) for bins in models.values() for b in bins), default=1.0)
    scale = _Scale(0.0, most)
    parts = [_text(0, 16, title, "head"), *scale.axis()]
    parts.append(
        f'<line class="ideal" x1="{LEFT}" y1="{scale.y(0):.1f}"'
        f' x2="{scale.x(most):.1f}" y2="{scale.y(most):.1f}"/>'
    )
    parts += [
        _text(scale.x(mark), TOP + HEIGHT + 16, f"{mark:g}", "faint", anchor="middle")
        for mark in scale.marks()
    ]
    for number, (name, bins) in enumerate(models.items()):
        for each in bins:
            told = f"{name}: said {each.score:.4f}, came {each.rate:.4f}, {each.n:,} pairs"
            parts.append(
                f'<circle class="m{number}" cx="{scale.x(each.score):.1f}"'
                f' cy="{scale.y(each.rate):.1f}" r="4"><title>{escape(told)}</title></circle>'
            )
    parts.append(_text(WIDTH, TOP + HEIGHT + 30, below, "faint", anchor="end"))
    return Panel("".join(parts), TOP + HEIGHT + BOTTOM + 8)


def drawn(title: str, panels: Sequence[Panel]) -> str:
    """Put drawings under each other; return the text of a file."""
    body, top = "", 0.0
    for each in panels:
        body += f'<g transform="translate(0 {top:.0f})">{each.svg}</g>\n'
        top += each.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img"'
        f' viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n{body}</svg>\n"
    )


class _Scale:
    """From figures to places in a drawing."""

    def __init__(self, low: float, most: float) -> None:
        self._low, self._most = low, max(most, low + 1e-9)

    def x(self, figure: float) -> float:
        return LEFT + self._share(figure) * (WIDTH - LEFT - 8)

    def y(self, figure: float) -> float:
        return TOP + HEIGHT * (1 - self._share(figure))

    def marks(self) -> list[float]:
        """Return round figures between the ends."""
        step = _round_step((self._most - self._low) / MARKS)
        first = int(self._low / step + 0.999999)
        return [n * step for n in range(first, int(self._most / step + 1e-9) + 1)]

    def axis(self) -> list[str]:
        """Draw a thin line at each mark, with its figure on the left."""
        parts = []
        for mark in self.marks():
            y = self.y(mark)
            parts.append(f'<line class="line" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_text(LEFT - 6, y + 4, f"{mark:g}", "faint", anchor="end"))
        return parts

    def _share(self, figure: float) -> float:
        return min(max((figure - self._low) / (self._most - self._low), 0.0), 1.0)


def _round_step(step: float) -> float:
    """Return the least of 1, 2, 5, 10 times a power of ten that is not below a step."""
    power = 1.0
    while power > step:
        power /= 10
    while power * 10 <= step:
        power *= 10
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999999)


def _text(x: float, y: float, text: str, name: str = "", *, anchor: str = "") -> str:
    more = f' class="{name}"' if name else ""
    more += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(text)}</text>'
