"""An operator looks at a real run: what it counts, that it is well, what it says."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from operating_run import LiveRun, Metrics, live_run

from replaying import PROJECT, simulate

CONFIG = """
name: live
source: {{files: {inbox}, follow: true}}
sinks: {{files: {results}}}
epoch: {{every: 300ms}}
time: {{idle: off}}
session: {{gap: 30m}}
http: {{port: {port}}}
features:
  views_1h: {{count: Product Viewed, over: 1h}}
  last_seen: {{time: any}}
segments:
  looking: views_1h >= 2
  away: since(last_seen) > 1h
triggers:
  cart_abandoned: {{on: Product Added, after: 30m, cancel: Order Completed}}
  seen: {{on: Product Viewed, again: 1d}}
"""

READY = (200, [])
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
COUNTERS_OF = {
    "read": "cartwheel_events_read_total",
    "applied": "cartwheel_events_applied_total",
    "duplicates": "cartwheel_events_duplicate_total",
    "late": "cartwheel_events_late_total",
    "dead_letters": "cartwheel_dead_letters_total",
    "customers": "cartwheel_customers_total",
    "sessions": "cartwheel_sessions_total",
}


def config(tmp_path: Path, port: int = 0) -> str:
    (tmp_path / "inbox").mkdir(exist_ok=True)
    return CONFIG.format(inbox=tmp_path / "inbox", results=tmp_path / "results", port=port)


def is_read(run: LiveRun, events: int) -> bool:
    return run.value("cartwheel_events_read_total") == events


def never_less(before: Metrics, after: Metrics) -> None:
    for (name, labels), value in before.items():
        if name.endswith("_total"):
            assert after[name, labels] >= value, (name, labels)


def test_a_run_shows_what_it_does_and_survives_a_kill(tmp_path: Path) -> None:
    events = simulate(tmp_path / "events.jsonl", events=6000, users=300).read_bytes()
    lines = events.splitlines(keepends=True)
    inbox, results = tmp_path / "inbox", tmp_path / "results"
    with live_run(tmp_path, config(tmp_path), "--workers", "2") as run:
        run.wait_until(lambda: run.ready() == READY)
        assert run.get("/live")[0] == 200
        assert run.get("/nothing")[0] == 404
        (inbox / "events.jsonl").write_bytes(b"".join(lines[:3000]))
        run.wait_until(lambda: is_read(run, 3000))
        first = run.metrics()

        os.kill(run.workers()[0], signal.SIGKILL)
        seen: list[tuple[int, list[str]]] = []
        run.wait_until(lambda: seen.append(run.ready()) or seen[-1][0] == 503)  # type: ignore[func-returns-value]
        assert all(problem.startswith("recovering: ") for problem in seen[-1][1])
        never_less(first, run.metrics())
        run.wait_until(lambda: run.ready() == READY)
        assert run.value("cartwheel_restarts_total") == 1

        with (inbox / "events.jsonl").open("ab") as file:
            file.write(b"".join(lines[3000:]) + b"no event\n")
        run.wait_until(lambda: is_read(run, len(lines) + 1))
        last = run.metrics()
        never_less(first, last)
        assert run.stop() == 0

        counts = state_counts(run.state)
        for name, metric in COUNTERS_OF.items():
            assert last[metric, ()] == counts[name], name
        sent = last["cartwheel_triggers_sent_total", (("trigger", "cart_abandoned"),)]
        assert sent == counts["sent cart_abandoned"] > 0
        assert counts["duplicates"] > 0
        check_decisions(last, (results / "decisions.jsonl").read_bytes())
        check_segments(last, (results / "segments.jsonl").read_bytes(), run.log)
        for kind in ("sessions", "triggers", "decisions", "segments", "late", "dead-letters"):
            written = (results / f"{kind}.jsonl").read_bytes().count(b"\n")
            assert last["cartwheel_outputs_total", (("kind", kind),)] == written, kind
        check_spent(last)
        check_log(run, counts)


def state_counts(state: Path) -> dict[str, int]:
    told = subprocess.run(
        [sys.executable, "-m", "cartwheel", "state", "info", str(state), "--json"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    counts: dict[str, int] = json.loads(told.stdout)["progress"]["counts"]
    return {name: counts.get(name, 0) for name in [*COUNTERS_OF, *counts]}


def check_decisions(metrics: Metrics, written: bytes) -> None:
    """Each decision that was written is counted once, whatever was killed in between."""
    wanted = Counter(
        (data["trigger"], data["outcome"], data["reason"] or "")
        for data in (json.loads(line)["data"] for line in written.splitlines())
    )
    kinds = {(outcome, reason) for _, outcome, reason in wanted}
    assert kinds == {("sent", ""), ("cancelled", ""), ("superseded", ""), ("suppressed", "again")}
    found = {}
    for (name, labels), value in metrics.items():
        if name == "cartwheel_decisions_total" and value:
            told = dict(labels)
            found[told["trigger"], told["outcome"], told["reason"]] = value
    assert found == wanted


def check_segments(metrics: Metrics, written: bytes, log: list[dict[str, Any]]) -> None:
    """What is counted by segment is what was written, and what the log has told."""
    records = [json.loads(line) for line in written.splitlines()]
    for segment in ("looking", "away"):
        label = (("segment", segment),)
        found = {}
        for told in ("entered", "left"):
            found[told] = sum(
                (each["type"], each["data"]["segment"]) == (f"cartwheel.segment.{told}", segment)
                for each in records
            )
            assert metrics[f"cartwheel_segments_{told}_total", label] == found[told] > 0, segment
            lines = [line for line in log if line["event"] == "epoch"]
            assert sum(line[told].get(segment, 0) for line in lines) == found[told], segment
        members = found["entered"] - found["left"]
        assert metrics["cartwheel_segment_members", label] == members >= 0


def check_spent(metrics: Metrics) -> None:
    """Whatever was spent shows; there are two workers, whose spendings come some time later."""
    for name in ("ticks", "epochs", "epoch_seconds", "checkpoints", "checkpoint_seconds"):
        assert metrics[f"cartwheel_{name}_total", ()] > 0, name
    for name in ("checkpoint_written_bytes", "cache_hits", "cache_misses"):
        assert metrics[f"cartwheel_{name}_total", ()] > 0, name
    for step in ("profile", "decide", "sinks"):
        assert metrics["cartwheel_tick_seconds_total", (("step", step),)] > 0, step
    assert metrics["cartwheel_state_bytes", ()] > 10_000
    assert metrics["cartwheel_workers", ()] == 2
    assert metrics["cartwheel_watermark_delay_seconds", (("reader", "0"),)] > 0
    assert ("cartwheel_consumer_lag_records", (("reader", "0"),)) not in metrics
    assert metrics["cartwheel_source_reachable", (("reader", "0"),)] == 1
    assert metrics["cartwheel_sink_reachable", ()] == 1


def check_log(run: LiveRun, counts: dict[str, int]) -> None:
    lines = run.log
    events = [line["event"] for line in lines]
    assert events[0] == "start"
    assert events[-1] == "stop"
    assert events.count("workers started") == 2
    assert all(ISO.fullmatch(line["time"]) for line in lines)
    assert {line["level"] for line in lines} == {"info", "warning"}
    (restart,) = run.logged("restart")
    assert restart["cause"] == "a worker was killed (SIGKILL)"
    epochs = run.logged("epoch")
    for name in COUNTERS_OF:
        assert sum(line[name] for line in epochs) == counts[name], name
    sent = sum(line["sent"].get("cart_abandoned", 0) for line in epochs)
    assert sent == counts["sent cart_abandoned"]
    told = ("read", "sessions", "sent", "entered", "left")
    assert all(any(line[name] for name in told) for line in epochs)


def test_a_worker_that_stands_still_makes_the_run_not_ready(tmp_path: Path) -> None:
    with live_run(tmp_path, config(tmp_path)) as run:
        run.wait_until(lambda: run.ready() == READY)
        (worker,) = run.workers()
        os.kill(worker, signal.SIGSTOP)
        silent = re.compile(r"reader 0 has been silent for \d+ s")  # the sink may be told of before
        run.wait_until(lambda: any(map(silent.fullmatch, run.ready()[1])), within_s=10)
        assert run.ready()[0] == 503
        assert run.get("/live")[0] == 200
        os.kill(worker, signal.SIGCONT)
        run.wait_until(lambda: run.ready() == READY)
        assert run.value("cartwheel_restarts_total") == 0


def test_a_changed_config_is_taken_and_a_wrong_one_is_told_of(tmp_path: Path) -> None:
    text = config(tmp_path)
    with live_run(tmp_path, text) as run:
        run.wait_until(lambda: run.ready() == READY)
        for wrong, problem in (
            (text + "nonsense: 1\n", "nonsense"),
            (text.replace("port: 0", "port: 1"), "http is another one"),
        ):
            (tmp_path / "live.yaml").write_text(wrong)
            before = len(run.logged("the changed config is not taken"))
            run.process.send_signal(signal.SIGHUP)
            run.wait_until(
                lambda n=before: len(run.logged("the changed config is not taken")) > n  # type: ignore[misc]
            )
            assert problem in run.logged("the changed config is not taken")[-1]["problem"]
        run.wait_until(lambda: run.ready() == READY)
        (tmp_path / "live.yaml").write_text(text.replace("cart_abandoned", "forgotten"))
        run.process.send_signal(signal.SIGHUP)
        run.wait_until(lambda: bool(run.logged("the changed config is taken")))
        run.wait_until(lambda: len(run.logged("workers started")) == 2)
        run.wait_until(lambda: run.ready() == READY)
        assert run.stop() == 0
    assert not run.logged("restart")


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "live.yaml"
        path.write_text(config(tmp_path, port))
        words = ["run", str(path), "--state", str(tmp_path / "state")]
        ended = subprocess.run(
            [sys.executable, "-m", "cartwheel", *words],
            check=False,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"cartwheel: http: 127.0.0.1:{port} cannot be listened on: ")


def test_on_a_terminal_lines_are_for_people_and_without_http_no_server_is_started(
    tmp_path: Path,
) -> None:
    text = config(tmp_path).replace("follow: true", "follow: false")
    (tmp_path / "live.yaml").write_text(text.replace("http: {port: 0}", ""))
    shutil.copy(PROJECT / "examples" / "shop" / "events" / "otto.jsonl", tmp_path / "inbox")
    command = [sys.executable, "-m", "cartwheel", "run", str(tmp_path / "live.yaml")]
    main, terminal = os.openpty()
    with os.fdopen(main, "rb", buffering=0) as screen:
        subprocess.run(
            [*command, "--state", str(tmp_path / "state")],
            check=True,
            cwd=PROJECT,
            stderr=terminal,
            timeout=60,
        )
        os.close(terminal)
        shown = b""
        try:
            while data := screen.read(4096):
                shown += data
        except OSError:
            pass  # the other end is closed
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert re.search(r"info +\] start .*config=live .*http=None", text)
    assert re.search(r"stop .*why='?all input was read", text)
