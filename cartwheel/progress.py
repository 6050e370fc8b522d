"""The progress of a replay on the screen: how much is read, how fast, how long it will take."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from flows.reports import ReaderReport, Report, Restart


class ReplayProgress:
    """A progress bar on standard error, where that is a terminal.

    Args:
        files: that are read.
        label: what stands before the bar.
    """

    def __init__(self, files: Sequence[Path], label: str) -> None:
        total = sum(file.stat().st_size for file in files)
        self._progress = Progress(
            TextColumn(label, markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[events]} events, {task.fields[rate]}/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task(label, total=total, events=0, rate=0)
        self._readers: dict[int, ReaderReport] = {}
        self._first: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def report(self, report: Report) -> None:
        """Show how far the readers are, and say why workers are started again."""
        if isinstance(report, Restart):
            self.say(f"{report.cause}; going on from the last commit")
        if not isinstance(report, ReaderReport):
            return
        self._readers[report.reader] = report
        bytes_read = sum(each.bytes_read for each in self._readers.values())
        events = sum(each.events for each in self._readers.values())
        now = self._progress.get_time()
        if self._first is None:
            self._first = (now, events)
        seconds = now - self._first[0]
        rate = round((events - self._first[1]) / seconds) if seconds else 0
        self._progress.update(self._task, completed=bytes_read, events=events, rate=rate)

    def say(self, text: str) -> None:
        """Tell the user something, above the bar."""
        text = f"cartwheel: {text}"
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
