"""Consent in the whole flow: scores that go missing, what explain shows, what the counts add up to.

And the example of the shop that asks: its scenarios hold.
"""

import json
from pathlib import Path

import pytest

from cartwheel.app import main as cartwheel
from config import load
from flows.job import plans_of
from flows.trial import Rules, Trial
from oracle.drawn_consent import ALL_GRANTED, with_contexts
from oracle.writing import event_line

EXAMPLES = Path(__file__).parents[2] / "examples" / "shop"
SCORED = """
name: shop
features: {views: {count: Product Viewed}}
models: {m: {kind: baseline, predicts: Order Completed, within: session, at: [Product Viewed]}}
segments: {scored: score.m is not missing}
triggers: {lost: {on: {leave: scored}, channel: email}}
consent: {default: deny}
purposes: {profiling: Analytics, models: {m: Reminders}, channels: {email: Advertising}}
"""


def context(**preferences: bool) -> dict[str, object]:
    return {"consent": {"categoryPreferences": preferences}}


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    config = tmp_path / "shop.yaml"
    config.write_text(SCORED, encoding="utf-8")
    return Trial(Rules(*plans_of(load(config, {})), 0))


def test_a_score_goes_missing_when_its_purpose_is_revoked(trial: Trial) -> None:
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in range(4)]
    refused = context(Reminders=False)
    fed = with_contexts(lines, [context(Analytics=True), ALL_GRANTED, refused, None])
    trial.feed(fed[0])
    assert trial.look("u1").segments == {"scored": False}  # profiled, and not scored
    trial.feed(fed[1])
    assert trial.look("u1").features["score.m"] is not None
    assert trial.look("u1").segments == {"scored": True}
    outputs = trial.feed(fed[2])
    assert trial.look("u1").features["score.m"] is None
    assert trial.look("u1").features["views"] == 3
    [left] = outputs.kinds["segments"]
    assert (left.type, left.data["origin"]) == ("segment.left", "event")
    [sent] = outputs.kinds["triggers"]  # what starts with it is asked of what is permitted now
    assert sent.data["trigger"] == "lost"
    trial.feed(fed[3])
    assert trial.look("u1").features["score.m"] is None


def test_a_forgotten_customer_is_not_known_and_may_come_back(trial: Trial) -> None:
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in range(3)]
    fed = with_contexts(lines, [ALL_GRANTED, context(Analytics=False), context(Analytics=True)])
    trial.feed(fed[0])
    outputs = trial.feed(fed[1])
    assert [each.type for each in outputs.kinds["segments"]] == ["segment.left"]
    assert "triggers" not in outputs.kinds  # leaving everything starts nothing
    assert trial.look("u1").features["views"] == 0
    trial.feed(fed[2])
    assert trial.look("u1").features["views"] == 1
    assert trial.look("u1").segments == {"scored": True}  # Reminders stayed permitted


def test_a_refusal_out_of_order_with_a_later_permission_forgets_what_came_before(
    tmp_path: Path,
) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text(SCORED, encoding="utf-8")
    trial = Trial(Rules(*plans_of(load(config, {})), 3_600_000))
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in (0, 10, 5, 7, 11)]
    contexts = [ALL_GRANTED, context(Analytics=True), context(Analytics=False), None, None]
    for line in with_contexts(lines, contexts):
        trial.feed(line)
    assert trial.look("u1").features["views"] == 1  # that of minute 11; 7 was not permitted


def test_explain_and_the_summary_tell_of_consent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, events = tmp_path / "shop.yaml", tmp_path / "events.jsonl"
    config.write_text(SCORED, encoding="utf-8")
    lines = [event_line(n, "Product Viewed", f"m{n}") for n in range(3)]
    fed = with_contexts(lines, [None, context(Analytics=True, Reminders=False), {"consent": 5}])
    fed += with_contexts([event_line(3, "Product Viewed", "m3", customer="u2")], [ALL_GRANTED])
    events.write_bytes(b"\n".join(fed) + b"\n")
    state = str(tmp_path / "state")
    where = ["--events", str(events), "--out", str(tmp_path / "out"), "--state", state]
    assert cartwheel(["replay", str(config), *where, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert {key: summary[key] for key in ("read", "applied", "no_consent")} == {
        "read": 4,
        "applied": 3,
        "no_consent": 1,
    }
    assert cartwheel(["explain", str(config), "u1", "--state", state, "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["scores"] == {}  # the model's purpose is refused
    assert explained["consent"] == {
        "Analytics": {"permitted": True, "since": "2026-01-01T10:01:00.000Z", "cause": "m1"},
        "Advertising": {"permitted": False, "since": None, "cause": None},
        "Reminders": {"permitted": False, "since": None, "cause": None},
    }
    assert cartwheel(["explain", str(config), "u2", "--state", state, "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["scores"]) == ["m"]


def test_the_scenarios_of_the_example_hold(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(EXAMPLES / name) for name in ("consent.yaml", "consent/scenarios")]
    assert cartwheel(["test", *files]) == 0
    assert "6 scenarios, 0 failed" in capsys.readouterr().out


def test_diff_says_what_asking_for_consent_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks = EXAMPLES / "consent.yaml"
    text, _, _ = asks.read_text(encoding="utf-8").partition("\nconsent:")
    (tmp_path / "silent.yaml").write_text(text, encoding="utf-8")
    lines = [event_line(0, "Product Added", "m0"), event_line(5, "page", "m1")]
    lines += [event_line(90, "page", "m2", customer="u2")]
    refused = context(Functional=True, Advertising=False)
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\n".join(with_contexts(lines, [refused, None, None])))
    old = str(tmp_path / "silent.yaml")
    assert cartwheel(["diff", old, str(asks), "--events", str(events)]) == 0
    out = capsys.readouterr().out
    assert "applied: 3 → 2\nno consent: 0 → 1\n" in out
    assert "1  sent → suppressed, consent\n" in out
