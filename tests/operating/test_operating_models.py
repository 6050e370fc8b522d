"""An operator looks at a run with models: what they are worth, and what has changed."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from drifting_prices import RULES, events
from operating_run import LiveRun, live_run

from cartwheel.app import main

FIGURES = {
    "pairs": "n",
    "rate": "rate",
    "auc": "auc",
    "log_loss": "log_loss",
    "calibration_error": "calibration_error",
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
}


def shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What ``models show`` tells, also while the run goes on."""
    capsys.readouterr()
    words = [f"{folder}/live.yaml", "--state", f"{folder}/state", "--json"]
    assert main(["models", "show", *words]) == 0
    models: dict[str, Any] = json.loads(capsys.readouterr().out)["models"]
    return models


def told(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "results" / "models.jsonl").read_text().splitlines()
    return [json.loads(line)["data"] for line in lines]


def assert_metrics_are_what_is_shown(run: LiveRun, models: dict[str, Any]) -> None:
    metrics = run.metrics()
    for model, report in models.items():
        for window, figures in (("all", "all_time"), ("rolling", "rolling")):
            found = report["quality"][figures]
            wanted = {name: found[key] for name, key in FIGURES.items()}
            wanted["baseline_log_loss"] = found["baseline"]["log_loss"]
            for name, value in wanted.items():
                labels = (("model", model), ("window", window))
                assert metrics.get((f"cartwheel_model_{name}", labels)) == value, (model, name)
        assert metrics["cartwheel_model_bytes", (("model", model),)] == report["learned_bytes"]


def test_what_a_model_is_worth_is_shown_while_it_runs_and_after_a_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line + b"\n" for _, line in events()]
    (tmp_path / "inbox").mkdir()
    config = {
        **RULES.as_config(),
        "source": {"files": f"{tmp_path}/inbox", "follow": True},
        "sinks": {"files": f"{tmp_path}/results"},
        "epoch": {"every": "300ms"},
        "http": {"port": 0},
    }
    with live_run(tmp_path, json.dumps(config), "--workers", "2") as run:
        (tmp_path / "inbox" / "events.jsonl").write_bytes(b"".join(lines))

        def pairs(model: str) -> float | None:
            return run.value("cartwheel_model_pairs", model=model, window="all")

        run.wait_until(lambda: run.value("cartwheel_events_read_total") == len(lines))
        run.wait_until(lambda: shown(tmp_path, capsys)["intent"]["learned"]["pairs"] > 1000)
        models = shown(tmp_path, capsys)
        learned = models["intent"]["learned"]["pairs"]
        run.wait_until(lambda: pairs("intent") == pairs("trial") == learned)
        assert_metrics_are_what_is_shown(run, models)
        drift = [each for each in told(tmp_path) if each.get("input") == "price"]
        assert len(drift) == 1
        about = {"model": "intent", "what": "input", "input": "price"}
        assert run.value("cartwheel_model_drift_total", **about) == 1
        price = models["intent"]["drift"]["inputs"]["price"]
        assert price["told"] == 1
        assert price["last"]["before"] == drift[0]["before"]
        assert models["trial"]["drift"]["inputs"] == {}

        os.kill(run.workers()[0], signal.SIGKILL)
        run.wait_until(lambda: run.value("cartwheel_restarts_total") == 1)
        run.wait_until(lambda: pairs("intent") == pairs("trial") == learned)
        assert_metrics_are_what_is_shown(run, models)
        assert run.value("cartwheel_model_drift_total", **about) == 1
        assert run.stop() == 0
    capsys.readouterr()
    words = ["models", "show", f"{tmp_path}/live.yaml", "--state", f"{tmp_path}/state"]
    assert main(words) == 0
    text = capsys.readouterr().out
    row = next(line for line in text.splitlines() if line.startswith(" input price"))
    means = [f"{price['last'][each]:g}" for each in ("before", "after")]
    assert row.split()[2:] == ["1", price["last"]["time"], *means]
