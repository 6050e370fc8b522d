"""Whole replays under stress: nothing goes out that may not, and nothing is refused untruly.

Many triggers are due together, limits of every kind are reached, clocks are put forward and back;
then all decisions and messages are judged by a verifier that knows nothing of the engine.
"""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from arbitration_events import write_events
from arbitration_verifier import Findings, verify
from ruamel.yaml import YAML

from replaying import Replay, output_sets, simulate

STRESS = Path(__file__).with_name("stress.yaml")
SPRING, AUTUMN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC)
LONGEST_S = 1500
NOW = "2027-01-01T00:00:00Z"
DAYS = 45
"""From either of them: the clocks of most zones are changed within."""

DROPPED = {"quiet_hours": {"from": "01:00", "to": "03:30", "then": "drop"}}
IN_ONE_ZONE = {
    "quiet_hours": {"from": "01:15", "to": "02:45", "zone": "Europe/Berlin", "then": "hold"},
    "holdout": {"share": "10%", "salt": "another"},
}


def replayed(folder: Path, config: Path, events: Path, *options: str) -> Path:
    """Replay events and return the folder of outputs."""
    run = Replay(folder, [events], ["--now", NOW, *options], config=config)
    with run.started() as running:
        _, problems = running.process.communicate(timeout=LONGEST_S)
        assert running.process.returncode == 0, problems
    return run.out


def stress_with(path: Path, changed: dict[str, Any]) -> Path:
    """Write the config with other arbitration."""
    config = YAML(typ="safe", pure=True).load(STRESS)
    path.write_text(json.dumps({**config, **changed}))
    return path


def assert_true(findings: Findings, refusals: Sequence[str]) -> None:
    """Check that nothing is wrong, and that there was something to be wrong with."""
    assert not findings.faults, str(findings)
    for reason in refusals:
        assert findings.count(reason) > 50, f"{reason} is hardly ever met"


def test_what_is_held_until_morning_is_sent_and_refused_rightly(tmp_path: Path) -> None:
    events = write_events(
        tmp_path / "events.jsonl", events=30_000, customers=600, start=SPRING, days=DAYS
    )
    out = replayed(tmp_path, STRESS, events, "--close", "--tick", "4096")
    findings = verify(STRESS, events, out)
    assert_true(findings, ["sent", "again", "limit", "holdout", "expired", "paused", "when"])
    assert_true(findings, ["cancelled", "superseded"])


def test_ticks_and_workers_change_nothing_of_what_is_dropped_rightly(tmp_path: Path) -> None:
    config = stress_with(tmp_path / "config.yaml", DROPPED)
    events = write_events(
        tmp_path / "events.jsonl", events=10_000, customers=200, start=AUTUMN, days=DAYS, seed=2
    )
    one = replayed(tmp_path / "one", config, events, "--tick", "97")
    two = replayed(tmp_path / "two", config, events, "--workers", "2", "--tick", "2500")
    assert output_sets(one) == output_sets(two)
    findings = verify(config, events, one, is_closed=False)
    assert_true(findings, ["sent", "again", "limit", "holdout", "quiet_hours"])


def test_a_simulated_shop_is_told_nothing_that_it_may_not(tmp_path: Path) -> None:
    config = stress_with(tmp_path / "config.yaml", IN_ONE_ZONE)
    events = simulate(tmp_path / "events.jsonl", events=10_000, users=200)
    findings = verify(config, events, replayed(tmp_path, config, events, "--close"))
    assert_true(findings, ["sent", "again", "limit", "holdout", "when"])


@pytest.mark.torture
@pytest.mark.timeout(2 * LONGEST_S)
@pytest.mark.parametrize(
    ("changed", "start", "seed"),
    [({}, SPRING, 11), ({}, AUTUMN, 12), (DROPPED, SPRING, 13), (IN_ONE_ZONE, AUTUMN, 14)],
)
def test_a_million_events_in_four_runs_are_arbitrated_rightly(
    tmp_path: Path, changed: dict[str, Any], start: datetime, seed: int
) -> None:
    config = stress_with(tmp_path / "config.yaml", changed)
    path, size = tmp_path / "events.jsonl", {"events": 250_000, "customers": 5_000}
    events = write_events(path, **size, start=start, days=DAYS, seed=seed)
    out = replayed(tmp_path, config, events, "--close", "--tick", "4096")
    findings = verify(config, events, out)
    shutil.rmtree(out)  # it is large
    assert_true(findings, ["sent", "again", "limit", "holdout", "paused", "when", "superseded"])
    assert sum(findings.judged.values()) > 1_000_000
