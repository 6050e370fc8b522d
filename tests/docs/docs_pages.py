"""What the tests of the documentation share: the pages, and their fenced blocks."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPEED = re.compile(
    r"\b(seconds|events/s) [\d.]+$"
    r'|"(seconds|events_per_s)": [\d.]+'
    r"|[\d.]+ s, [\d,]+ (rows|events)/s"
)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int


class Page:
    """A Markdown page of the project."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        """All fenced blocks, in order."""
        return [
            Block(match[1], match[2], self.text.count("\n", 0, match.start()) + 1)
            for match in _FENCE.finditer(self.text)
        ]

    @property
    def prose(self) -> str:
        """The page without its fenced blocks."""
        return _FENCE.sub("", self.text)


def all_pages() -> list[Path]:
    """Find every page that is written for readers."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(path: Path) -> str:
    """Name a page in the list of tests."""
    return str(path.relative_to(ROOT))


def normal(output: str) -> list[str]:
    """Give the lines of an output without what differs from run to run: speed, and padding."""
    lines = [re.sub(r"\s+", " ", line).strip() for line in output.strip("\n").split("\n")]
    return [_SPEED.sub("(speed)", line) for line in lines]


def fits(actual: str, expected: str) -> bool:
    """Compare an output with what a page shows; … stands for anything, alone for any lines."""
    pattern = ""
    for line in normal(expected):
        part = r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        pattern += part
    return re.fullmatch(pattern, "\n".join(normal(actual)) + "\n") is not None
