"""Scenarios of events that come late: what they still cancel, and which messages they take back."""

from pathlib import Path

import pytest

from cartwheel.app import main

CONFIG = """
name: shop
time: {disorder: 1m, grace: 1h}
triggers:
  abandoned: {on: Product Added, after: 30m, cancel: Order Completed, retract: 1h}
"""
ADDED = "{at: 10:00, customer: ann, event: Product Added}"
ORDERED = "{at: 10:10, customer: ann, event: Order Completed}"
SENT = "{at: 10:30, customer: ann, trigger: abandoned}"
CANCELLED = "{at: 10:10, customer: ann, trigger: abandoned, outcome: cancelled}"
RETRACTED = "{at: 10:10, customer: ann, trigger: abandoned, outcome: retracted}"


def tick(at: str) -> str:
    """Let somebody else do something."""
    return f"{{at: {at}, customer: bob, event: tick}}"


def outcome(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    events: list[str],
    expect: list[str],
    config: str = CONFIG,
) -> tuple[int, list[str]]:
    """Run a scenario; give the exit code and what was printed below its name."""
    file, path = folder / "shop.yaml", folder / "s.yaml"
    file.write_text(config)
    lines = ["start: 2026-01-05T10:00:00Z", "scenarios:", "- name: it", "  events:"]
    lines += [f"  - {each}" for each in events]
    lines += ["  expect:", *(f"  - {each}" for each in expect)] if expect else []
    path.write_text("\n".join(lines))
    exit_code = main(["test", str(file), str(path)])
    told = capsys.readouterr().out.replace(f"{folder}/", "")
    return exit_code, [line.strip() for line in told.splitlines()[1:-1]]


def test_a_late_event_within_the_grace_cancels_what_still_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(tmp_path, capsys, [ADDED, tick("10:30"), ORDERED], [CANCELLED]) == (0, [])


def test_a_message_that_is_taken_back_is_expected_beside_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [ADDED, tick("10:40"), ORDERED]
    assert outcome(tmp_path, capsys, events, [SENT, RETRACTED]) == (0, [])


def test_what_is_taken_back_need_not_be_listed_but_its_message_must(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [ADDED, tick("10:40"), ORDERED]
    assert outcome(tmp_path, capsys, events, [SENT]) == (0, [])
    exit_code, told = outcome(tmp_path, capsys, events, [RETRACTED])
    assert exit_code == 1
    assert told[0] == "s.yaml:3:9: not expected abandoned for ann: sent at 2026-01-05T10:30:00Z"


def test_a_message_that_stays_is_told_where_it_should_have_been_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, told = outcome(tmp_path, capsys, [ADDED, tick("10:40")], [SENT, RETRACTED])
    assert exit_code == 1
    assert told == [
        "s.yaml:9:5: expected abandoned for ann: retracted at 2026-01-05T10:10:00Z",
        "but each decision that came stands for another line",
    ]


def test_the_time_is_told_at_which_a_message_was_taken_back_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expect = [SENT, RETRACTED.replace("10:10", "10:11")]
    exit_code, told = outcome(tmp_path, capsys, [ADDED, tick("10:40"), ORDERED], expect)
    assert exit_code == 1
    assert told == [
        "s.yaml:10:5: expected abandoned for ann: retracted at 2026-01-05T10:11:00Z",
        "but it was retracted at 2026-01-05T10:10:00Z",
    ]


def test_a_retraction_is_of_its_step_and_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CONFIG.replace("retract:", "key: properties.cart, then: [{after: 5m}], retract:")
    added = ADDED.replace("}", ", properties: {cart: c1}}")
    second = SENT.replace("10:30", "10:35")
    of_steps = [RETRACTED[:-1] + f", key: c1, step: {step}}}" for step in (1, 2)]
    events = [added, tick("10:40"), ORDERED]
    assert outcome(tmp_path, capsys, events, [SENT, second, *of_steps], config)[0] == 0
    twice = [SENT, second, of_steps[1], of_steps[1]]
    assert outcome(tmp_path, capsys, events, twice, config)[0] == 1


def test_what_is_later_than_the_grace_fails_the_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, told = outcome(tmp_path, capsys, [ADDED, tick("11:12"), ORDERED], [SENT])
    assert exit_code == 1
    assert told == [
        "s.yaml:7:5: this event, at 2026-01-05T10:10:00Z, is late",
        "an event above it is more than time.disorder (1m) and time.grace (1h) later",
    ]
