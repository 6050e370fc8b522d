"""``bench/RESULTS.md``: one part for each benchmark, each replaced as a whole when it is run."""

import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
_HEAD = "# "


def write_part(title: str, lines: Iterable[str]) -> str:
    """Replace one part of the results, or add it; return its text."""
    parts = _parts(RESULTS.read_text() if RESULTS.exists() else "")
    parts[title] = "\n".join([*_machine(), "", *lines]).strip()
    RESULTS.write_text(
        "\n\n".join(f"{_HEAD}{name}\n\n{text}" for name, text in parts.items()) + "\n"
    )
    return parts[title]


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith(_HEAD):
            current = parts.setdefault(line.removeprefix(_HEAD), [])
        elif parts:
            current.append(line)
    return {title: "\n".join(lines).strip() for title, lines in parts.items()}


def _machine() -> Iterator[str]:
    """Say when and on what this was measured."""
    yield f"Measured on {datetime.now(UTC):%Y-%m-%d}."
    yield ""
    yield f"- {_processor()}, {os.cpu_count()} cores; the machine is shared, so ratios say most"
    yield f"- {platform.system()} {platform.release()}, Python {sys.version.split()[0]}"
    yield f"- a loop of 10,000,000 passes takes {_loop_seconds():.2f} s in this Python"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _loop_seconds() -> float:
    started = time.process_time()
    for _ in range(10_000_000):
        pass
    return time.process_time() - started
