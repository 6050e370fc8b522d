"""A sink whose broker is away says so while it waits, and gives up when it is asked to stop."""

import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.errors import BrokerUnreachableError
from connectors.kafka.client_settings import KafkaSettings
from connectors.kafka.plans import TopicsOut
from connectors.rendering import Line
from connectors.sinks import FilesOut, SinkPlan
from connectors.tick_parts import RenderedPart
from flows.measures import Measures
from flows.reports import CountReport, Reporter, SinkReport, WorkerReport
from flows.sinks import OnlyPartition
from operators.ticks import TickName


class Told(Reporter):
    """Keeps what is reported."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[WorkerReport] = []

    def report(self, report: WorkerReport) -> None:
        self.reports.append(report)

    def sinks(self) -> list[SinkReport]:
        return [each for each in self.reports if isinstance(each, SinkReport)]

    def counts(self) -> list[CountReport]:
        return [each for each in self.reports if isinstance(each, CountReport)]


def worker_with(plan: SinkPlan) -> Any:
    told = Told()
    return SimpleNamespace(
        job=SimpleNamespace(
            sink=plan, kinds=["sessions"], readers=1, route=SimpleNamespace(shards=1)
        ),
        run=SimpleNamespace(sink=b""),
        verify=lambda *_: None,
        owner=lambda: "run",
        reporter=told,
        measures=Measures(0, {}, told),
        stopping=False,
        failure=None,
    )


def part(number: int) -> RenderedPart:
    line = Line(0, "u1", "id", b"{}", b"u1")
    return RenderedPart(TickName(0, number), 0, {"sessions": [line]}, Counter(read=5, sessions=1))


def test_only_what_is_committed_is_counted(tmp_path: Path) -> None:
    worker = worker_with(FilesOut(str(tmp_path)))
    sink = OnlyPartition(worker, None)
    told: Told = worker.reporter
    assert told.sinks() == [SinkReport(0, 0, 0.0)]
    sink.write_batch([part(1)])
    sink.snapshot()
    assert told.counts() == []
    sink.write_batch([part(2)])
    assert told.counts() == [CountReport({"read": 5, "sessions": 1}, {"sessions": 1})]
    last = told.sinks()[-1]
    assert (last.ticks, last.epochs, last.reachable) == (1, 1, True)
    assert last.epoch_s > 0
    sink.close()


@pytest.mark.parametrize(
    ("delivery", "sender"), [("exact", "outbox_delivery"), ("fast", "fast_sink")]
)
def test_a_sink_that_waits_for_its_broker_reports_that(
    delivery: Any, sender: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"connectors.kafka.{sender}.TIMEOUT_S", 0.5)
    plan = TopicsOut(
        settings=KafkaSettings("127.0.0.1:1", "kafka-python", None),
        prefix="p.",
        delivery=delivery,
        compression="none",
        create=False,
        partitions=1,
        state="s",
        outbox=str(tmp_path / "outbox"),
    )
    worker = worker_with(plan)
    sink = OnlyPartition(worker, None)
    told: Told = worker.reporter
    given_up: list[BrokerUnreachableError] = []

    def write() -> None:
        try:
            sink.write_batch([part(1)])
            sink.snapshot()
            sink.write_batch([part(2)])
        except BrokerUnreachableError as error:
            given_up.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    deadline = time.monotonic() + 30
    while all(report.reachable for report in told.sinks()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.stopping = True
    thread.join(30)
    assert len(given_up) == 1
    sink.close()
